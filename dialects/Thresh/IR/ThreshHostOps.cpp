//===- ThreshHostOps.cpp - Parameters, kernels, launches, checks ------------===//
#include "dialects/Thresh/IR/ThreshSparseOps.h"
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace thresh;

/// The symbol `name` as seen from `user`, or null after an error there.
template <typename SymbolOp>
static SymbolOp lookupSymbol(Operation *user, FlatSymbolRefAttr name, SymbolTableCollection &symbolTable) {
  auto symbol = symbolTable.lookupNearestSymbolFrom<SymbolOp>(user, name);
  if (!symbol)
    user->emitOpError("expects @") << name.getValue() << " to name a " << SymbolOp::getOperationName();
  return symbol;
}

//===----------------------------------------------------------------------===//
// ParameterOp, LoadParameterOp
//===----------------------------------------------------------------------===//

/// The bytes a stored tensor takes: i1 takes a byte, other narrow elements are packed. Nothing on overflow.
static std::optional<int64_t> storedBytes(RankedTensorType type) {
  std::optional<int64_t> count = staticElementCount(type.getShape());
  int64_t bitWidth = type.getElementType().isInteger(1) ? 8 : type.getElementTypeBitWidth();
  int64_t bits;
  if (!count || llvm::MulOverflow(*count, bitWidth, bits))
    return std::nullopt;
  return llvm::divideCeil(bits, 8);
}

static LogicalResult verifyRecord(ParameterOp op) {
  std::optional<RecordAttr> record = op.getRecord();
  if (!record)
    return success();
  auto type = cast<RankedTensorType>(op.getType());
  // parameter_c10
  if (type.getRank() != 2)
    return op.emitOpError("expects a matrix in a record, but got ") << type;
  int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (record->getOffset() < 0 || record->getOffset() % elementBytes != 0)
    return op.emitOpError("expects an offset in its record that is a multiple of ")
           << elementBytes << ", but got " << record->getOffset();
  if (record->getBytes() % RecordAttr::kAlignment != 0 || record->getOffset() + op.getRowBytes() > record->getBytes())
    return op.emitOpError("expects a record of a multiple of ")
           << RecordAttr::kAlignment << " bytes that holds rows of " << op.getRowBytes() << " from byte "
           << record->getOffset() << " on, but got " << record->getBytes();
  return success();
}

LogicalResult ParameterOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  RankedTensorType stored = getSource().getType();
  // parameter_c1
  for (RankedTensorType checked : {type, stored})
    if (!checked.hasStaticShape() || !checked.getElementType().isIntOrFloat())
      return emitOpError("expects a static shape of integers or floats, but got ") << checked;
  // parameter_c2
  std::optional<int64_t> bytes = storedBytes(stored);
  if (!bytes || getSource().getLength() != *bytes)
    return emitOpError("expects a source of ") << (bytes ? std::to_string(*bytes) : "fewer than 2^63") << " bytes for "
                                               << stored << ", but got " << getSource().getLength();
  // parameter_c3
  if (getSource().getOffset() < 0)
    return emitOpError("expects a source offset >= 0, but got ") << getSource().getOffset();
  // parameter_c9
  if (getSource().getSeed() >= 0 && !getSource().getFile().empty())
    return emitOpError("expects no source file with a seed, but got ") << getSource().getFile();
  SmallVector<int64_t> expected(stored.getShape());
  if (std::optional<PackAttr> pack = getPack()) {
    ArrayRef<int64_t> permutation = pack->getPermutation();
    // parameter_c4
    if (static_cast<int64_t>(permutation.size()) != stored.getRank() || !isPermutationVector(permutation))
      return emitOpError("expects a permutation of ")
             << stored.getRank() << " dimensions, but got [" << permutation << "]";
    // parameter_c5
    if (pack->getPanel() < 0 || (pack->getPanel() > 0 && stored.getRank() < 2))
      return emitOpError("expects panel 0, or a panel > 0 on rank >= 2, but got panel ")
             << pack->getPanel() << " on rank " << stored.getRank();
    // parameter_c7
    if (pack->isQuantized() && (stored.getRank() != 2 || (pack->getPanel() == 0) != pack->isByRow() ||
                                stored.getDimSize(permutation[pack->getGroupedDim()]) % PackAttr::kGroup != 0))
      return emitOpError("expects ") << (pack->isByRow() ? "rows" : "panels")
                                     << " of a matrix whose k is a multiple of " << PackAttr::kGroup << " for "
                                     << stringifyPackFormat(pack->getFormat()) << ", but got " << *pack << " of "
                                     << stored;
    // parameter_c8
    if (Type element = pack->getElementType(); element && element != type.getElementType())
      return emitOpError("expects elements of type ")
             << element << " for " << stringifyPackFormat(pack->getFormat()) << ", but got " << type.getElementType();
    expected = pack->packShape(stored.getShape());
  }
  // parameter_c6
  if (type.getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("expects shape ") << formatShape(expected) << " of its source, but got "
                                         << formatShape(type.getShape());
  return verifyRecord(*this);
}

int64_t ParameterOp::getRowBytes() {
  auto type = cast<RankedTensorType>(getType());
  return type.getDimSize(type.getRank() - 1) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

MemRefType ParameterOp::getMemRefType() {
  auto type = cast<RankedTensorType>(getType());
  MemRefLayoutAttrInterface layout;
  if (std::optional<RecordAttr> record = getRecord()) {
    int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    layout = StridedLayoutAttr::get(getContext(), /*offset=*/0, {record->getBytes() / elementBytes, 1});
  }
  return MemRefType::get(type.getShape(), type.getElementType(), layout);
}

LogicalResult LoadParameterOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // load_parameter_c1
  auto parameter = lookupSymbol<ParameterOp>(*this, getParameterAttr(), symbolTable);
  if (!parameter)
    return failure();
  // load_parameter_c2
  auto declared = cast<ShapedType>(parameter.getType());
  auto loaded = cast<ShapedType>(getResult().getType());
  if (!loaded.hasRank() || declared.getShape() != loaded.getShape() ||
      declared.getElementType() != loaded.getElementType())
    return emitOpError("expects the shape and elements of ") << declared << ", but got " << loaded;
  // load_parameter_c3
  if (isa<MemRefType>(loaded) && loaded != parameter.getMemRefType())
    return emitOpError("expects memory of type ") << parameter.getMemRefType() << ", but got " << loaded;
  return success();
}

//===----------------------------------------------------------------------===//
// KernelOp, LaunchOp
//===----------------------------------------------------------------------===//

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  // kernel_c1
  for (Type type : block.getArgumentTypes())
    if (!isa<RankedTensorType>(type))
      return emitOpError("expects ranked tensors as body arguments, but got ") << type;
  // kernel_c2
  if (block.empty() || !isa<YieldOp>(block.back()))
    return emitOpError("expects a body that ends with ") << YieldOp::getOperationName();
  // kernel_c3
  TypeRange results = block.back().getOperandTypes();
  if (block.getNumArguments() < results.size() || TypeRange(ValueRange(getDestinations())) != results)
    return emitOpError("expects the last body arguments to be destinations of types ")
           << results << ", but got " << block.getArgumentTypes();
  // kernel_c4
  for (auto op : block.getOps<SparseKernelOpInterface>()) {
    bool isAlone = llvm::hasNItems(block, 2) && llvm::equal(op->getOperands(), getInputs()) &&
                   llvm::equal(op->getResults(), block.back().getOperands());
    if (!isAlone || op.getKernelFamily() != getFamily())
      return emitOpError("expects '") << op->getName() << "' of all inputs alone, in a kernel of family "
                                      << stringifyKernelFamily(op.getKernelFamily());
  }
  return success();
}

unsigned KernelOp::getNumOutputs() { return getBody().front().getTerminator()->getNumOperands(); }

Block::BlockArgListType KernelOp::getInputs() { return getBody().front().getArguments().drop_back(getNumOutputs()); }

Block::BlockArgListType KernelOp::getDestinations() {
  return getBody().front().getArguments().take_back(getNumOutputs());
}

/// Checks that launch operands can be what the kernel declares; `what` names the operand group.
static LogicalResult checkLaunchOperands(LaunchOp op, StringRef what, TypeRange declared, TypeRange given) {
  if (declared.size() != given.size())
    return op.emitOpError("expects ") << declared.size() << " " << what << ", but got " << given.size();
  for (auto [index, types] : llvm::enumerate(llvm::zip_equal(declared, given))) {
    auto [wanted, actual] = types;
    if (!areCompatibleTypes(TypeRange(wanted), TypeRange(actual)))
      return op.emitOpError("expects ") << what << " #" << index << " to match " << wanted << ", but got " << actual;
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // launch_c1
  auto kernel = lookupSymbol<KernelOp>(*this, getKernelAttr(), symbolTable);
  if (!kernel)
    return failure();
  // launch_c2, launch_c3
  if (failed(checkLaunchOperands(*this, "ins", TypeRange(ValueRange(kernel.getInputs())), getInputs().getTypes())))
    return failure();
  return checkLaunchOperands(*this, "outs", TypeRange(ValueRange(kernel.getDestinations())), getOuts().getTypes());
}

LogicalResult LaunchOp::verify() {
  // launch_c4
  auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
  if (!llvm::all_of(getOperandTypes(), isTensor) && llvm::any_of(getOperandTypes(), isTensor))
    return emitOpError("expects either tensors or memrefs only, but got both");
  return success();
}

void LaunchOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &input : getInputsMutable())
    if (isa<MemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input, SideEffects::DefaultResource::get());
  for (OpOperand &out : getOutsMutable())
    if (isa<MemRefType>(out.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &out, SideEffects::DefaultResource::get());
}

//===----------------------------------------------------------------------===//
// OutputOp, CheckOp
//===----------------------------------------------------------------------===//

LogicalResult OutputOp::verify() {
  // output_c1
  size_t numDynamic = getResult().getType().getNumDynamicDims();
  if (getDynamicSizes().size() != numDynamic)
    return emitOpError("expects ") << numDynamic << " dynamic sizes, but got " << getDynamicSizes().size();
  return success();
}

LogicalResult CheckOp::verify() {
  size_t numDirectives = 0;
  for (StringRef rest = getFormat(); (rest = rest.drop_until([](char c) { return c == '%'; })), !rest.empty();) {
    if (rest.consume_front("%%"))
      continue;
    // check_c1
    if (!rest.consume_front("%lld"))
      return emitOpError("expects only %lld and %% after a percent sign, but got \"") << getFormat() << "\"";
    ++numDirectives;
  }
  // check_c2
  if (numDirectives > 2 || numDirectives != getValues().size())
    return emitOpError("expects at most 2 values, one per %lld, but got ")
           << getValues().size() << " values for " << numDirectives << " directives";
  return success();
}

LogicalResult CheckOp::canonicalize(CheckOp op, PatternRewriter &rewriter) {
  if (!matchPattern(op.getCondition(), m_One()))
    return rewriter.notifyMatchFailure(op, "the condition is not known to hold");
  rewriter.eraseOp(op);
  return success();
}

#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshOps.cpp.inc"
