//===- LowerHostOps.cpp - Host ops become loads, stores and calls ------------===//
#include "compiler/Conversion/HostToLLVM/Passes.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_LOWERHOSTOPSPASS
#include "compiler/Conversion/HostToLLVM/Passes.h.inc"

namespace {

/// Field numbers of thresh_abi_call; all are pointers but the position (runtime/include/thresh/abi.h).
enum CallField { kInputs, kWeights, kContext, kArena, kOutput, kFail, kState, kPosition, kLaunched, kNumFields };

/// halide_type_code_t of HalideRuntime.h.
enum HalideTypeCode { kHalideInt = 0, kHalideUInt = 1, kHalideFloat = 2, kHalideBFloat = 4 };

HalideTypeCode halideCode(Type type) {
  if (type.isBF16())
    return kHalideBFloat;
  if (isa<FloatType>(type))
    return kHalideFloat;
  return type.isInteger(1) ? kHalideUInt : kHalideInt;
}

/// Rewrites one function.
class HostLowering {
public:
  HostLowering(func::FuncOp function, SymbolTable &symbols)
      : function(function), symbols(symbols), context(function.getContext()), builder(context), types(context),
        pointer(LLVM::LLVMPointerType::get(context)), i8(builder.getI8Type()), i16(builder.getIntegerType(16)),
        i32(builder.getI32Type()), i64(builder.getI64Type()) {}

  LogicalResult run() {
    prepare();
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isa<AppendStateOp, ArenaOp, CheckOp, InputOp, LaunchOp, LoadParameterOp, OutputOp, PositionOp, ReadStateOp,
              RecallStateOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      builder.setInsertionPoint(op);
      loc = op->getLoc();
      if (failed(lower(op)))
        return failure();
      op->erase();
    }
    return success();
  }

private:
  /// Changes the signature, adds the block that failures go to, and reserves stack for the largest launch.
  void prepare() {
    loc = function.getLoc();
    Block &entry = function.getBody().front();
    function.walk([&](func::ReturnOp op) {
      builder.setInsertionPoint(op);
      Value zero = arith::ConstantIntOp::create(builder, op.getLoc(), i32, 0);
      op.getOperandsMutable().assign(zero);
    });
    function.setType(builder.getFunctionType({pointer}, {i32}));
    call = entry.addArgument(pointer, loc);
    failBlock = builder.createBlock(&function.getBody(), function.getBody().end());
    Value one = arith::ConstantIntOp::create(builder, loc, i32, 1);
    func::ReturnOp::create(builder, loc, one);

    int64_t buffers = 0, dims = 0;
    function.walk([&](LaunchOp launch) {
      int64_t ranks = 0;
      for (Value operand : launch->getOperands())
        ranks += cast<MemRefType>(operand.getType()).getRank();
      buffers = std::max<int64_t>(buffers, launch->getNumOperands());
      dims = std::max(dims, ranks);
    });
    builder.setInsertionPointToStart(&entry);
    bufferType = LLVM::LLVMStructType::getLiteral(
        context, {i64, pointer, pointer, i64, i8, i8, i16, i32, pointer, pointer}); // halide_buffer_t
    dimType = LLVM::LLVMStructType::getLiteral(context, {i32, i32, i32, i32});      // halide_dimension_t
    if (buffers) {
      bufferArray = LLVM::AllocaOp::create(builder, loc, pointer, bufferType, constant(i64, buffers));
      dimArray = LLVM::AllocaOp::create(builder, loc, pointer, dimType, constant(i64, std::max<int64_t>(dims, 1)));
    }
  }

  LogicalResult lower(Operation *op) {
    if (auto input = dyn_cast<InputOp>(op))
      return lowerInput(input);
    if (auto output = dyn_cast<OutputOp>(op))
      return lowerOutput(output);
    if (auto arena = dyn_cast<ArenaOp>(op))
      return lowerArena(arena);
    if (auto load = dyn_cast<LoadParameterOp>(op))
      return lowerParameter(load);
    if (auto check = dyn_cast<CheckOp>(op))
      return lowerCheck(check);
    if (auto position = dyn_cast<PositionOp>(op))
      return lowerPosition(position);
    if (auto read = dyn_cast<ReadStateOp>(op))
      return lowerReadState(read);
    if (auto append = dyn_cast<AppendStateOp>(op))
      return lowerAppendState(append);
    if (auto recall = dyn_cast<RecallStateOp>(op))
      return lowerRecallState(recall);
    return lowerLaunch(cast<LaunchOp>(op));
  }

  LogicalResult lowerInput(InputOp op) {
    auto type = cast<MemRefType>(op.getType());
    Value views = callField(kInputs);
    auto viewType = LLVM::LLVMStructType::getLiteral(context, {pointer, pointer}); // thresh_abi_view
    Value view = LLVM::GEPOp::create(builder, loc, pointer, viewType, views,
                                     ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(op.getIndex())});
    Value data = LLVM::LoadOp::create(builder, loc, pointer, fieldAddress(viewType, view, 0));
    Value shape = LLVM::LoadOp::create(builder, loc, pointer, fieldAddress(viewType, view, 1));
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value address =
          LLVM::GEPOp::create(builder, loc, pointer, i64, shape, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(dim)});
      sizes.push_back(LLVM::LoadOp::create(builder, loc, i64, address));
    }
    replaceByMemRef(op.getResult(), data, sizes);
    return success();
  }

  LogicalResult lowerOutput(OutputOp op) {
    auto type = cast<MemRefType>(op.getType());
    Value shape =
        LLVM::AllocaOp::create(builder, loc, pointer, i64, constant(i64, std::max<int64_t>(type.getRank(), 1)));
    SmallVector<Value> sizes;
    unsigned next = 0;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value size = type.isDynamicDim(dim) ? toI64(op.getDynamicSizes()[next++]) : constant(i64, type.getDimSize(dim));
      Value address =
          LLVM::GEPOp::create(builder, loc, pointer, i64, shape, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(dim)});
      LLVM::StoreOp::create(builder, loc, size, address);
      sizes.push_back(size);
    }
    Value data = callBack(kOutput, {constant(i32, op.getIndex()), shape});
    failIfNull(data);
    replaceByMemRef(op.getResult(), data, sizes);
    return success();
  }

  LogicalResult lowerArena(ArenaOp op) {
    Value bytes = toI64(op.getBytes());
    Value data = callBack(kArena, {bytes});
    failIfNull(data);
    replaceByMemRef(op.getResult(), data, {bytes});
    return success();
  }

  LogicalResult lowerParameter(LoadParameterOp op) {
    auto parameter = symbols.lookup<ParameterOp>(op.getParameter());
    auto offset = parameter->getAttrOfType<IntegerAttr>(kParameterOffsetAttr);
    if (!offset)
      return op.emitOpError("expects its parameter to have been given a place in the weights file");
    auto type = cast<MemRefType>(op.getType());
    Value weights = callField(kWeights), bytes = constant(i64, offset.getInt());
    Value address = LLVM::GEPOp::create(builder, loc, pointer, i8, weights, ValueRange{bytes});
    SmallVector<Value> sizes;
    for (int64_t extent : type.getShape())
      sizes.push_back(constant(i64, extent));
    replaceByMemRef(op.getResult(), address, sizes);
    return success();
  }

  LogicalResult lowerPosition(PositionOp op) {
    Value position = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), callField(kPosition));
    op.replaceAllUsesWith(position);
    return success();
  }

  LogicalResult lowerReadState(ReadStateOp op) {
    auto type = cast<MemRefType>(op.getType());
    SmallVector<Value> sizes{toI64(op.getLength())};
    for (int64_t extent : type.getShape().drop_front())
      sizes.push_back(constant(i64, extent));
    FailureOr<Value> address = stateAddress(op, op.getState());
    if (failed(address))
      return failure();
    replaceByMemRef(op.getResult(), *address, sizes);
    return success();
  }

  /// Rows are contiguous, so that appending them is one copy, and two where a ring wraps.
  LogicalResult lowerAppendState(AppendStateOp op) {
    FailureOr<Value> base = stateAddress(op, op.getState());
    if (failed(base))
      return failure();
    RowCopier copier(*this, op.getRows());
    Value position = toI64(op.getPosition()), count = rowsOf(op.getRows()), source = addressOf(op.getRows());
    auto state = symbols.lookup<StateOp>(op.getState());
    if (!state.getWindow()) {
      copier.copy(*base, position, source, constant(i64, 0), count);
      return success();
    }
    Value capacity = capacityOf(state), zero = constant(i64, 0);
    Value first = arith::MaxSIOp::create(builder, loc, arith::SubIOp::create(builder, loc, count, capacity), zero);
    Value token = arith::AddIOp::create(builder, loc, position, first);
    Arc arc = arcOf(token, arith::SubIOp::create(builder, loc, count, first), capacity);
    copier.copy(*base, arc.slot, source, first, arc.head);
    copier.copy(*base, zero, source, arith::AddIOp::create(builder, loc, first, arc.head), arc.rest);
    return success();
  }

  LogicalResult lowerRecallState(RecallStateOp op) {
    FailureOr<Value> base = stateAddress(op, op.getState());
    if (failed(base))
      return failure();
    RowCopier copier(*this, op.getRows());
    Value count = rowsOf(op.getRows()), out = addressOf(op.getOut()), zero = constant(i64, 0);
    Value before = arith::SubIOp::create(builder, loc, rowsOf(op.getOut()), count);
    Arc arc = arcOf(arith::SubIOp::create(builder, loc, toI64(op.getPosition()), before), before,
                    capacityOf(symbols.lookup<StateOp>(op.getState())));
    copier.copy(out, zero, *base, arc.slot, arc.head);
    copier.copy(out, arc.head, *base, zero, arc.rest);
    copier.copy(out, before, addressOf(op.getRows()), zero, count);
    return success();
  }

  /// Where the rows of a run of tokens lie in a ring: `head` rows from `slot` on, then `rest` rows from row 0 on.
  struct Arc {
    Value slot, head, rest;
  };

  /// `count` tokens from `first` on, at most `capacity`.
  Arc arcOf(Value first, Value count, Value capacity) {
    Value slot = arith::RemUIOp::create(builder, loc, first, capacity);
    Value toEnd = arith::SubIOp::create(builder, loc, capacity, slot);
    Value head = arith::MinSIOp::create(builder, loc, count, toEnd);
    return {slot, head, arith::SubIOp::create(builder, loc, count, head)};
  }

  /// Copies rows between dense tensors of the same row.
  struct RowCopier {
    RowCopier(HostLowering &lowering, Value rows) : lowering(lowering) {
      auto type = cast<MemRefType>(rows.getType());
      int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      for (int64_t extent : type.getShape().drop_front())
        bytes *= extent;
      bytesPerRow = lowering.constant(lowering.i64, bytes);
    }

    void copy(Value target, Value targetRow, Value source, Value sourceRow, Value count) {
      Value to = addressAt(target, targetRow), from = addressAt(source, sourceRow);
      LLVM::MemcpyOp::create(lowering.builder, lowering.loc, to, from, bytesOf(count), /*isVolatile=*/false);
    }

    Value bytesOf(Value rows) { return arith::MulIOp::create(lowering.builder, lowering.loc, rows, bytesPerRow); }

    Value addressAt(Value base, Value row) {
      return LLVM::GEPOp::create(lowering.builder, lowering.loc, lowering.pointer, lowering.i8, base,
                                 ValueRange{bytesOf(row)});
    }

    HostLowering &lowering;
    Value bytesPerRow;
  };

  Value capacityOf(StateOp state) { return constant(i64, cast<RankedTensorType>(state.getType()).getDimSize(0)); }

  Value rowsOf(Value memref) { return toI64(memref::DimOp::create(builder, loc, memref, 0)); }

  Value addressOf(Value memref) {
    Value index = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
    return LLVM::IntToPtrOp::create(builder, loc, pointer, toI64(index));
  }

  FailureOr<Value> stateAddress(Operation *op, StringRef name) {
    auto offset = symbols.lookup<StateOp>(name)->getAttrOfType<IntegerAttr>(kStateOffsetAttr);
    if (!offset)
      return op->emitOpError("expects its state to have been given a place in the session's memory");
    Value state = callField(kState), bytes = constant(i64, offset.getInt());
    return LLVM::GEPOp::create(builder, loc, pointer, i8, state, ValueRange{bytes}).getResult();
  }

  LogicalResult lowerCheck(CheckOp op) {
    check(op.getCondition(), op.getFormat(), llvm::to_vector(op.getValues()));
    return success();
  }

  LogicalResult lowerLaunch(LaunchOp op) {
    SmallVector<Value> args;
    int32_t dimNumber = 0;
    for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
      Value buffer = LLVM::GEPOp::create(builder, loc, pointer, bufferType, bufferArray,
                                         ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(number)});
      fillBuffer(buffer, operand, dimNumber);
      args.push_back(buffer);
    }
    for (Value operand : op->getOperands())
      if (failed(checkElementCount(op, operand)))
        return failure();
    auto kernel = declareKernel(op.getKernel(), args.size());
    Value status = LLVM::CallOp::create(builder, loc, kernel, args).getResult();
    Value ok = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, status, constant(i32, 0));
    failUnless(ok);
    reportLaunch();
    return success();
  }

  /// Tells a listener, if there is one, that the next launch of the function is done.
  void reportLaunch() {
    Value listener = callField(kLaunched), null = LLVM::ZeroOp::create(builder, loc, pointer);
    Value isSet = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, listener, null);
    Block *next = splitAfterBuilder();
    Block *report = builder.createBlock(failBlock);
    callBack(kLaunched, {constant(i32, launchNumber++)}, /*hasResult=*/false);
    cf::BranchOp::create(builder, loc, next);
    builder.setInsertionPointToEnd(next->getPrevNode());
    cf::CondBranchOp::create(builder, loc, isSet, report, ValueRange{}, next, ValueRange{});
    builder.setInsertionPointToStart(next);
  }

  /// The elements from the first to the last of a static type, and what lies between them.
  static int64_t spannedElements(MemRefType type) {
    return type.getLayout().isIdentity() ? type.getNumElements()
                                         : type.getStridesAndOffset().first[0] * type.getDimSize(0);
  }

  /// Kernels index with 32 bits.
  LogicalResult checkElementCount(LaunchOp op, Value memref) {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    auto type = cast<MemRefType>(memref.getType());
    if (type.hasStaticShape())
      return spannedElements(type) <= kMost
                 ? success()
                 : op.emitOpError("expects tensors of at most ") << kMost << " elements, but got " << type;
    Value count = constant(i64, 1), limit = constant(i64, kMost);
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value extent = toI64(memref::DimOp::create(builder, loc, memref, dim));
      count = arith::MulIOp::create(builder, loc, count, extent);
    }
    Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, count, limit);
    check(fits, "a tensor of the model has %lld elements, but kernels take at most %lld", {count, limit});
    return success();
  }

  /// Fills a halide_buffer_t for a memref; Halide's dimension 0 is the last one.
  void fillBuffer(Value buffer, Value memref, int32_t &dimNumber) {
    auto type = cast<MemRefType>(memref.getType());
    Type element = type.getElementType();
    Value host = addressOf(memref);
    Value null = LLVM::ZeroOp::create(builder, loc, pointer);
    Value dims = dimAddress(dimNumber);
    std::pair<int, Value> fields[] = {{0, constant(i64, 0)},
                                      {1, null},
                                      {2, host},
                                      {3, constant(i64, 0)},
                                      {4, constant(i8, halideCode(element))},
                                      {5, constant(i8, element.getIntOrFloatBitWidth())},
                                      {6, constant(i16, 1)},
                                      {7, constant(i32, type.getRank())},
                                      {8, dims},
                                      {9, null}};
    for (auto [field, value] : fields)
      LLVM::StoreOp::create(builder, loc, value, fieldAddress(bufferType, buffer, field));
    Value stride = constant(i32, 1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      if (std::optional<int64_t> apart = strideApart(type, dim))
        stride = constant(i32, *apart);
      Value extent =
          type.isDynamicDim(dim)
              ? arith::TruncIOp::create(builder, loc, i32, toI64(memref::DimOp::create(builder, loc, memref, dim)))
              : constant(i32, type.getDimSize(dim));
      Value address = dimAddress(dimNumber++);
      std::pair<int, Value> dimFields[] = {{0, constant(i32, 0)}, {1, extent}, {2, stride}, {3, constant(i32, 0)}};
      for (auto [field, value] : dimFields)
        LLVM::StoreOp::create(builder, loc, value, fieldAddress(dimType, address, field));
      stride = builder.createOrFold<arith::MulIOp>(loc, stride, extent);
    }
  }

  /// The stride of a dimension if the type says that it is not that of dense memory.
  static std::optional<int64_t> strideApart(MemRefType type, int64_t dim) {
    if (type.getLayout().isIdentity())
      return std::nullopt;
    return type.getStridesAndOffset().first[dim];
  }

  Value dimAddress(int32_t number) {
    return LLVM::GEPOp::create(builder, loc, pointer, dimType, dimArray, ArrayRef<LLVM::GEPArg>{number});
  }

  LLVM::LLVMFuncOp declareKernel(StringRef name, unsigned numArgs) {
    std::string symbol = name.str() + kernelSuffix();
    if (auto known = symbols.lookup<LLVM::LLVMFuncOp>(symbol))
      return known;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(cast<ModuleOp>(symbols.getOp()).getBody());
    auto type = LLVM::LLVMFunctionType::get(i32, SmallVector<Type>(numArgs, pointer));
    auto declared = LLVM::LLVMFuncOp::create(builder, loc, symbol, type);
    symbols.insert(declared);
    return declared;
  }

  /// What tells the kernels of one target from those of another in one library.
  std::string kernelSuffix() {
    auto suffix = symbols.getOp()->getAttrOfType<StringAttr>("thresh.kernel_suffix");
    return suffix ? suffix.str() : "";
  }

  Value callField(CallField field) {
    SmallVector<Type> fields(kNumFields, pointer);
    fields[kPosition] = i64;
    auto type = LLVM::LLVMStructType::getLiteral(context, fields);
    return LLVM::LoadOp::create(builder, loc, fields[field], fieldAddress(type, call, field));
  }

  Value fieldAddress(Type structType, Value base, int32_t field) {
    return LLVM::GEPOp::create(builder, loc, pointer, structType, base, ArrayRef<LLVM::GEPArg>{0, field});
  }

  /// Calls a callback of the running call; the context comes first.
  Value callBack(CallField field, ArrayRef<Value> args, bool hasResult = true) {
    SmallVector<Value> operands{callField(field), callField(kContext)};
    operands.append(args.begin(), args.end());
    SmallVector<Type> argTypes;
    for (Value operand : ArrayRef<Value>(operands).drop_front())
      argTypes.push_back(operand.getType());
    Type result = hasResult ? Type(pointer) : Type(LLVM::LLVMVoidType::get(context));
    auto type = LLVM::LLVMFunctionType::get(result, argTypes);
    auto op = LLVM::CallOp::create(builder, loc, type, operands);
    return hasResult ? op.getResult() : Value();
  }

  /// Reports through the running call and fails, unless the condition holds.
  void check(Value condition, StringRef format, ArrayRef<Value> values) {
    Block *next = splitAfterBuilder();
    Block *report = builder.createBlock(failBlock);
    SmallVector<Value> args{stringAddress(format)};
    args.append(values.begin(), values.end());
    while (args.size() < 3)
      args.push_back(constant(i64, 0));
    callBack(kFail, args, /*hasResult=*/false);
    cf::BranchOp::create(builder, loc, failBlock);
    builder.setInsertionPointToEnd(next->getPrevNode());
    cf::CondBranchOp::create(builder, loc, condition, next, ValueRange{}, report, ValueRange{});
    builder.setInsertionPointToStart(next);
  }

  void failIfNull(Value data) {
    Value null = LLVM::ZeroOp::create(builder, loc, pointer);
    failUnless(LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, data, null));
  }

  void failUnless(Value condition) {
    Block *next = splitAfterBuilder();
    builder.setInsertionPointToEnd(next->getPrevNode());
    cf::CondBranchOp::create(builder, loc, condition, next, ValueRange{}, failBlock, ValueRange{});
    builder.setInsertionPointToStart(next);
  }

  /// Everything from the insertion point on moves to a new block, which is returned.
  Block *splitAfterBuilder() { return builder.getBlock()->splitBlock(builder.getInsertionPoint()); }

  Value constant(Type type, int64_t value) {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
  }

  Value toI64(Value index) { return arith::IndexCastOp::create(builder, loc, i64, index); }

  Value stringAddress(StringRef text) {
    OpBuilder top(context);
    top.setInsertionPointToStart(cast<ModuleOp>(symbols.getOp()).getBody());
    std::string terminated = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(i8, terminated.size());
    auto global = LLVM::GlobalOp::create(top, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, "message",
                                         top.getStringAttr(terminated));
    symbols.insert(global);
    return LLVM::AddressOfOp::create(builder, loc, global);
  }

  void replaceByMemRef(Value result, Value data, ArrayRef<Value> sizes) {
    auto type = cast<MemRefType>(result.getType());
    auto descriptor = MemRefDescriptor::poison(builder, loc, types.convertType(type));
    descriptor.setAllocatedPtr(builder, loc, data);
    descriptor.setAlignedPtr(builder, loc, data);
    descriptor.setConstantOffset(builder, loc, 0);
    Value stride = constant(i64, 1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      if (std::optional<int64_t> apart = strideApart(type, dim))
        stride = constant(i64, *apart);
      descriptor.setSize(builder, loc, dim, sizes[dim]);
      descriptor.setStride(builder, loc, dim, stride);
      stride = builder.createOrFold<arith::MulIOp>(loc, stride, sizes[dim]);
    }
    Value memref = UnrealizedConversionCastOp::create(builder, loc, type, Value(descriptor)).getResult(0);
    result.replaceAllUsesWith(memref);
  }

  func::FuncOp function;
  SymbolTable &symbols;
  MLIRContext *context;
  OpBuilder builder;
  LLVMTypeConverter types;
  LLVM::LLVMPointerType pointer;
  Type i8, i16, i32, i64;
  Location loc = UnknownLoc::get(context);
  Value call;
  Block *failBlock = nullptr;
  Type bufferType, dimType;
  Value bufferArray, dimArray;
  int32_t launchNumber = 0; ///< of the next launch
};

struct LowerHostOpsPass final : impl::LowerHostOpsPassBase<LowerHostOpsPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (failed(HostLowering(function, symbols).run()))
        return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(getOperation().getOps()))
      if (isa<KernelOp, ParameterOp, StateOp>(op))
        op.erase();
  }
};

} // namespace
} // namespace thresh
