//===- KernelToSpec.cpp - thresh.kernel to KernelSpec ------------------------===//
#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"

#include "compiler/Conversion/KernelToSpec/ScalarOps.h"
#include "dialects/Thresh/IR/ThreshSparseOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using linalg::GenericOp;
using thresh::codegen::DType;
using thresh::codegen::Extent;
using thresh::codegen::KernelSpec;
using NodeOp = thresh::codegen::Op;
using thresh::codegen::Stage;

namespace thresh {

std::optional<DType> dtypeOf(Type type) {
  if (type.isIndex())
    return DType::I64;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  if (auto integer = dyn_cast<IntegerType>(type))
    switch (integer.getWidth()) {
    case 1: return DType::Bool;
    case 8: return DType::I8;
    case 16: return DType::I16;
    case 32: return DType::I32;
    case 64: return DType::I64;
    }
  return std::nullopt;
}

namespace {

/// Dimensions that a kernel's operand may have (codegen/KernelSpecCheck.cpp).
constexpr int64_t kMaxRank = 8;

bool isKernelAffineExpr(AffineExpr expr) {
  if (isa<AffineDimExpr, AffineConstantExpr>(expr))
    return true;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return binary && isKernelAffineExpr(binary.getLHS()) && isKernelAffineExpr(binary.getRHS());
}

std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// The results must run over all parallel loops, each once, in the same order.
bool hasPlainResults(GenericOp op) {
  AffineMap first = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!first.isProjectedPermutation() || first.getNumResults() != op.getNumParallelLoops())
    return false;
  for (unsigned dim = 0; dim < first.getNumResults(); ++dim)
    if (op.getIteratorTypesArray()[first.getDimPosition(dim)] != utils::IteratorType::parallel)
      return false;
  for (int64_t i = 1; i < op.getNumDpsInits(); ++i)
    if (op.getMatchingIndexingMap(op.getDpsInitOperand(i)) != first)
      return false;
  return true;
}

} // namespace

std::optional<std::string> whyNoKernel(GenericOp op) {
  if (!op.hasPureTensorSemantics())
    return "it is not on tensors";
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || !dtypeOf(type.getElementType()) || type.getElementType().isIndex())
      return "its operand type " + describe(operand.getType()) + " has no kernel form";
    if (type.getRank() > kMaxRank)
      return "its rank is above " + std::to_string(kMaxRank);
  }
  if (!hasPlainResults(op))
    return "its results do not run over all parallel loops";
  for (AffineMap map : op.getIndexingMapsArray())
    for (AffineExpr expr : map.getResults())
      if (!isKernelAffineExpr(expr))
        return "an indexing map uses symbols";
  for (Operation &nested : op.getBody()->without_terminator()) {
    if (isa<linalg::IndexOp, tensor::ExtractOp>(nested) || isKernelScalarOp(&nested))
      continue;
    return "kernels have no spelling for '" + nested.getName().getStringRef().str() + "'";
  }
  return std::nullopt;
}

namespace {

/// Spells one kernel. Values of the kernel's body are operands or stage results.
class SpecBuilder {
public:
  explicit SpecBuilder(KernelOp kernel) : kernel(kernel) {}

  FailureOr<KernelSpec> build() {
    spec.name = kernel.getSymName().str();
    spec.family = static_cast<codegen::Family>(kernel.getFamily());
    addOperands();
    for (auto op : kernel.getBody().front().getOps<SparseKernelOpInterface>()) {
      addParameters(op);
      return spec;
    }
    for (Operation &op : kernel.getBody().front().without_terminator())
      if (auto generic = dyn_cast<GenericOp>(op))
        addStage(generic);
    auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
    for (Value result : yield.getResults()) {
      auto source = sources.find(result);
      if (source == sources.end() || source->second.first < codegen::kStageSource)
        return kernel.emitOpError("yields a value that no stage computes");
      spec.outputs.push_back(source->second.first - codegen::kStageSource);
    }
    return spec;
  }

private:
  void addOperands() {
    Block &body = kernel.getBody().front();
    unsigned numInputs = kernel.getInputs().size();
    for (BlockArgument argument : body.getArguments()) {
      auto type = cast<RankedTensorType>(argument.getType());
      codegen::Operand operand;
      unsigned number = argument.getArgNumber();
      operand.output = number >= numInputs;
      operand.name = operand.output ? "out" + std::to_string(number - numInputs) : "in" + std::to_string(number);
      operand.dtype = *dtypeOf(type.getElementType());
      for (int64_t extent : type.getShape())
        operand.shape.push_back(ShapedType::isDynamic(extent) ? -1 : extent);
      spec.operands.push_back(operand);
      sources[argument] = {static_cast<int>(number), 0};
    }
  }

  /// A sparse family goes by parameters and operands, of which bytes may be codes: they have no sign.
  void addParameters(SparseKernelOpInterface op) {
    for (auto [number, operand] : llvm::enumerate(spec.operands))
      if (operand.dtype == DType::I8 && op.isUnsigned(number))
        operand.dtype = DType::U8;
    for (NamedAttribute named : op.getKernelParameters()) {
      codegen::Parameter &parameter = spec.parameters[named.getName().str()];
      if (auto text = dyn_cast<StringAttr>(named.getValue())) {
        parameter.kind = codegen::Parameter::Kind::Text;
        parameter.text = text.str();
      } else if (auto real = dyn_cast<FloatAttr>(named.getValue())) {
        parameter.kind = codegen::Parameter::Kind::Real;
        parameter.real = real.getValueAsDouble();
      } else {
        parameter.integer = cast<IntegerAttr>(named.getValue()).getInt();
      }
    }
  }

  void addStage(GenericOp op) {
    int number = spec.stages.size();
    spec.stages.emplace_back();
    Stage &stage = spec.stages.back();
    stage.name = "s" + std::to_string(number);
    SmallVector<int> loopOf = orderLoops(op, stage);
    NodeBuilder nodes(stage);
    if (op.getNumReductionLoops())
      for (OpOperand &init : op.getDpsInitsMutable())
        stage.inits.push_back(buildInit(init, stage, nodes));
    llvm::DenseMap<Value, int> values;
    buildArguments(op, loopOf, values, nodes);
    for (Operation &nested : op.getBody()->without_terminator())
      buildBodyOp(&nested, loopOf, values, nodes);
    for (auto [value, init] : llvm::zip(op.getBody()->getTerminator()->getOperands(), op.getDpsInits())) {
      stage.results.push_back(lookup(value, values, nodes));
      stage.dtypes.push_back(*dtypeOf(getElementTypeOrSelf(init.getType())));
    }
    for (OpResult result : op->getResults())
      sources[result] = {codegen::kStageSource + number, static_cast<int>(result.getResultNumber())};
  }

  /// Parallel loops in the order of the result's dimensions, then reduction loops; returns linalg loop -> stage loop.
  SmallVector<int> orderLoops(GenericOp op, Stage &stage) {
    SmallVector<int> loopOf(op.getNumLoops(), -1);
    AffineMap outputMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    SmallVector<unsigned> order;
    for (unsigned dim = 0; dim < outputMap.getNumResults(); ++dim)
      order.push_back(outputMap.getDimPosition(dim));
    stage.parallel = order.size();
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
      if (op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction)
        order.push_back(loop);
    for (auto [position, loop] : llvm::enumerate(order)) {
      loopOf[loop] = position;
      stage.loops.push_back(extentOf(op, loop));
    }
    return loopOf;
  }

  Extent extentOf(GenericOp op, unsigned loop) {
    Extent extent;
    extent.value = op.getStaticLoopRanges()[loop];
    if (!ShapedType::isDynamic(extent.value))
      return extent;
    extent.value = -1;
    for (OpOperand &operand : op->getOpOperands())
      for (auto [dim, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
        auto dimExpr = dyn_cast<AffineDimExpr>(expr);
        if (!dimExpr || dimExpr.getPosition() != loop)
          continue;
        auto source = sources.find(operand.get());
        if (source == sources.end())
          continue;
        if (source->second.first >= codegen::kStageSource)
          return spec.stages[source->second.first - codegen::kStageSource].loops[dim];
        extent.operand = source->second.first;
        extent.dim = dim;
        return extent;
      }
    return outputExtent(op, loop);
  }

  /// The extent as the output operand has it: the destination of a root reduction hides behind its fill.
  Extent outputExtent(GenericOp op, unsigned loop) {
    Extent extent;
    Value init = op.getDpsInits()[0];
    while (auto fill = init.getDefiningOp<linalg::FillOp>())
      init = fill.getDpsInits()[0];
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    for (unsigned dim = 0; dim < map.getNumResults(); ++dim)
      if (map.getDimPosition(dim) == loop) {
        extent.operand = sources.lookup(init).first;
        extent.dim = dim;
      }
    return extent;
  }

  int buildInit(OpOperand &init, Stage &stage, NodeBuilder &nodes) {
    if (auto fill = init.get().getDefiningOp<linalg::FillOp>())
      return buildScalarOp(fill.getInputs()[0].getDefiningOp(), {}, nodes);
    std::vector<int> coordinates;
    for (int loop = 0; loop < stage.parallel; ++loop)
      coordinates.push_back(nodes.index(loop));
    DType dtype = *dtypeOf(getElementTypeOrSelf(init.get().getType()));
    return nodes.load(sources.lookup(init.get()).first, dtype, coordinates);
  }

  void buildArguments(GenericOp op, ArrayRef<int> loopOf, llvm::DenseMap<Value, int> &values, NodeBuilder &nodes) {
    for (OpOperand &operand : op->getOpOperands()) {
      BlockArgument argument = op.getMatchingBlockArgument(&operand);
      if (argument.use_empty())
        continue;
      DType dtype = *dtypeOf(argument.getType());
      if (op.isDpsInit(&operand) && op.getNumReductionLoops()) {
        values[argument] = nodes.accumulator(operand.getOperandNumber() - op.getNumDpsInputs(), dtype);
        continue;
      }
      if (auto fill = operand.get().getDefiningOp<linalg::FillOp>()) {
        values[argument] = buildScalarOp(fill.getInputs()[0].getDefiningOp(), {}, nodes);
        continue;
      }
      std::vector<int> coordinates;
      for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
        coordinates.push_back(buildAffine(expr, loopOf, nodes));
      auto [source, result] = sources.lookup(operand.get());
      values[argument] = nodes.load(source, dtype, coordinates, result);
    }
  }

  int buildAffine(AffineExpr expr, ArrayRef<int> loopOf, NodeBuilder &nodes) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return nodes.index(loopOf[dim.getPosition()]);
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return nodes.constant(DType::I32, 0, constant.getValue());
    auto binary = cast<AffineBinaryOpExpr>(expr);
    int lhs = buildAffine(binary.getLHS(), loopOf, nodes), rhs = buildAffine(binary.getRHS(), loopOf, nodes);
    switch (expr.getKind()) {
    case AffineExprKind::Add: return nodes.add(NodeOp::Add, DType::I32, {lhs, rhs});
    case AffineExprKind::Mul: return nodes.add(NodeOp::Mul, DType::I32, {lhs, rhs});
    case AffineExprKind::FloorDiv: return nodes.add(NodeOp::FloorDiv, DType::I32, {lhs, rhs});
    case AffineExprKind::Mod: return nodes.add(NodeOp::FloorMod, DType::I32, {lhs, rhs});
    default: {
      int minusOne = nodes.constant(DType::I32, 0, -1);
      int negated = nodes.add(NodeOp::FloorDiv, DType::I32, {nodes.add(NodeOp::Mul, DType::I32, {lhs, minusOne}), rhs});
      return nodes.add(NodeOp::Mul, DType::I32, {negated, minusOne});
    }
    }
  }

  void buildBodyOp(Operation *op, ArrayRef<int> loopOf, llvm::DenseMap<Value, int> &values, NodeBuilder &nodes) {
    SmallVector<int> args;
    for (Value operand : op->getOperands())
      if (!isa<RankedTensorType>(operand.getType()))
        args.push_back(lookup(operand, values, nodes));
    int &node = values[op->getResult(0)];
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      node = nodes.cast(nodes.index(loopOf[index.getDim()]), DType::I64);
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      auto [source, result] = sources.lookup(extract.getTensor());
      node = nodes.load(source, *dtypeOf(extract.getType()), std::vector<int>(args.begin(), args.end()), result);
    } else {
      node = buildScalarOp(op, args, nodes);
    }
  }

  /// The node of a body value; constants and scalars of the kernel's top level are built where they are used.
  int lookup(Value value, llvm::DenseMap<Value, int> &values, NodeBuilder &nodes) {
    auto known = values.find(value);
    if (known != values.end())
      return known->second;
    Operation *def = value.getDefiningOp();
    SmallVector<int> unused;
    buildBodyOp(def, unused, values, nodes);
    return values[value];
  }

  KernelOp kernel;
  KernelSpec spec;
  llvm::DenseMap<Value, std::pair<int, int>> sources; ///< value -> Load::source, result number
};

} // namespace

FailureOr<KernelSpec> kernelToSpec(KernelOp kernel) { return SpecBuilder(kernel).build(); }

} // namespace thresh
