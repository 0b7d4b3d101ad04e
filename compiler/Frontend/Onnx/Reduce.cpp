//===- Reduce.cpp - Reductions, arg-reductions, running sums -------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace thresh;

/// What to do to the elements before and after a reduction.
struct ReduceSteps {
  ReduceKind kind;
  Value (*before)(Emitter &, Value);
  Value (*after)(Emitter &, Value);
};

static Value magnitude(Emitter &emit, Value x) {
  return isa<FloatType>(getElementTypeOrSelf(x)) ? Value(math::AbsFOp::create(emit.builder, x))
                                                 : Value(math::AbsIOp::create(emit.builder, x));
}
static Value square(Emitter &emit, Value x) { return emit.mul(x, x); }
static Value root(Emitter &emit, Value x) { return math::SqrtOp::create(emit.builder, x); }
static Value logarithm(Emitter &emit, Value x) { return math::LogOp::create(emit.builder, x); }

static constexpr ReduceSteps reduceL1 = {ReduceKind::Sum, magnitude, nullptr};
static constexpr ReduceSteps reduceL2 = {ReduceKind::Sum, square, root};
static constexpr ReduceSteps reduceLogSum = {ReduceKind::Sum, nullptr, logarithm};
static constexpr ReduceSteps reduceMax = {ReduceKind::Max, nullptr, nullptr};
static constexpr ReduceSteps reduceMean = {ReduceKind::Mean, nullptr, nullptr};
static constexpr ReduceSteps reduceMin = {ReduceKind::Min, nullptr, nullptr};
static constexpr ReduceSteps reduceProd = {ReduceKind::Prod, nullptr, nullptr};
static constexpr ReduceSteps reduceSum = {ReduceKind::Sum, nullptr, nullptr};
static constexpr ReduceSteps reduceSumSquare = {ReduceKind::Sum, square, nullptr};

/// The dimensions to reduce: none given means all, or with noop_with_empty_axes none.
static FailureOr<SmallVector<int64_t>> reducedDimensions(Node &node) {
  int64_t rank = node.shapeInput(0).rank();
  FailureOr<std::optional<SmallVector<int64_t>>> axes = node.intsFromAttributeOrInput("axes", 1);
  if (failed(axes))
    return failure();
  if (*axes && !(*axes)->empty())
    return node.normalizeAxes(**axes, rank);
  if (node.intAttribute("noop_with_empty_axes", 0) != 0)
    return SmallVector<int64_t>();
  return llvm::to_vector(llvm::seq<int64_t>(0, rank));
}

/// Unsigned integers in an order-preserving signed form and back: the top bit flipped.
static Tensor flipTopBit(Emitter &emit, const Tensor &x) {
  int64_t topBit = int64_t(uint64_t(1) << (x.elementType.getIntOrFloatBitWidth() - 1));
  Value flipped = arith::XOrIOp::create(emit.builder, x.value, emit.splatInteger(x.elementType, x.sizes, topBit));
  return emit.like(x, flipped);
}

/// One thresh.reduce, in the forms that it lacks: unsigned order, booleans, integer means, no dimensions.
static Tensor reduceTensor(Emitter &emit, ReduceKind kind, const Tensor &x, ArrayRef<int64_t> dimensions,
                           bool keepDims) {
  bool isExtreme = kind == ReduceKind::Max || kind == ReduceKind::Min;
  if (dimensions.empty())
    return x;
  if (x.elementType.isInteger(1) && isExtreme)
    return emit.reduce(kind == ReduceKind::Max ? ReduceKind::Or : ReduceKind::And, x, dimensions, keepDims);
  if (x.isUnsigned && isExtreme)
    return flipTopBit(emit, emit.reduce(kind, flipTopBit(emit, x), dimensions, keepDims));
  if (!isa<FloatType>(x.elementType) && kind == ReduceKind::Mean) {
    Tensor sum = emit.reduce(ReduceKind::Sum, x, dimensions, keepDims);
    Sizes reduced;
    for (int64_t dimension : dimensions)
      reduced.push_back(x.sizes[dimension]);
    Tensor count = emit.shapeValue({emit.math.product(reduced)}, {}, emit.builder.getI64Type());
    Value divisor = emit.broadcast(emit.cast(count, x.elementType, x.isUnsigned), sum.sizes).value;
    return emit.like(sum, emit.div(sum.value, divisor, x.isUnsigned));
  }
  return emit.reduce(kind, x, dimensions, keepDims);
}

/// Narrow floats accumulate in f32; integers that pass through a root or a logarithm in f64.
static Tensor computeForm(Emitter &emit, const Tensor &x, bool toFloat) {
  if (toFloat && !isa<FloatType>(x.elementType))
    return emit.cast(x, emit.builder.getF64Type(), false);
  return emit.widen(x);
}

static LogicalResult reduceWith(Node &node, const ReduceSteps &steps) {
  Emitter &emit = node.emit;
  const Tensor &input = node.input(0);
  FailureOr<SmallVector<int64_t>> dimensions = reducedDimensions(node);
  if (failed(dimensions))
    return failure();
  Tensor x = computeForm(emit, input, steps.after != nullptr);
  if (steps.before && !(steps.before == magnitude && x.isUnsigned))
    x = emit.like(x, steps.before(emit, x.value));
  Tensor result = reduceTensor(emit, steps.kind, x, *dimensions, node.intAttribute("keepdims", 1) != 0);
  if (steps.after)
    result = emit.like(result, steps.after(emit, result.value));
  node.setOutput(0, emit.cast(result, input.elementType, input.isUnsigned));
  return success();
}

template <const ReduceSteps &steps> static LogicalResult reduce(Node &node) { return reduceWith(node, steps); }

/// log(sum(exp(x - m))) + m, m the maximum where it is finite, else 0.
static LogicalResult reduceLogSumExp(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &input = node.input(0);
  FailureOr<SmallVector<int64_t>> dimensions = reducedDimensions(node);
  if (failed(dimensions))
    return failure();
  bool keepDims = node.intAttribute("keepdims", 1) != 0;
  Tensor x = computeForm(emit, input, true);
  Tensor maximum = reduceTensor(emit, ReduceKind::Max, x, *dimensions, true);
  Value isFinite = emit.less(magnitude(emit, maximum.value), emit.splatLike(maximum, INFINITY));
  maximum.value = emit.select(isFinite, maximum.value, emit.splatLike(maximum, 0));
  Value centred = emit.sub(x.value, emit.broadcast(maximum, x.sizes).value);
  Tensor powers = emit.like(x, math::ExpOp::create(emit.builder, centred));
  Tensor sum = reduceTensor(emit, ReduceKind::Sum, powers, *dimensions, keepDims);
  Value result = emit.add(logarithm(emit, sum.value), emit.reshape(maximum, sum.sizes).value);
  node.setOutput(0, emit.cast(emit.like(sum, result), input.elementType, input.isUnsigned));
  return success();
}

template <ArgReduceKind kind> static LogicalResult argReduce(Node &node) {
  Tensor x = node.input(0);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", 0), x.rank());
  if (failed(axis))
    return failure();
  if (x.isUnsigned)
    x = flipTopBit(node.emit, x);
  bool selectLast = node.intAttribute("select_last_index", 0) != 0;
  node.setOutput(0, node.emit.argReduce(kind, x, *axis, selectLast, node.intAttribute("keepdims", 1) != 0));
  return success();
}

/// y[.., i, ..] = start[.., i, ..] + sum (or times the product) of x[.., j, ..] over j before i: a reduction whose
/// terms are masked, which needs no loop that carries a tensor.
static Value runningReduction(Emitter &emit, const Tensor &x, Value start, int64_t axis, bool fromEnd, bool isProduct) {
  OpBuilder &b = emit.builder;
  int64_t rank = x.rank();
  // The loops: the dimensions of the result, then j.
  AffineMap result = AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext()).getMajorSubMap(rank);
  SmallVector<AffineExpr> address(result.getResults());
  address[axis] = b.getAffineDimExpr(rank);
  SmallVector<AffineMap> maps = {AffineMap::get(rank + 1, 0, address, b.getContext()), result};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  auto body = [&](OpBuilder &inner, Location loc, ValueRange arguments) {
    Emitter scalar(loc, inner);
    Value i = linalg::IndexOp::create(inner, loc, axis), j = linalg::IndexOp::create(inner, loc, rank);
    auto predicate = fromEnd ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::ult;
    Value before = arith::CmpIOp::create(inner, loc, predicate, j, i);
    Value next = isProduct ? scalar.mul(arguments[1], arguments[0]) : scalar.add(arguments[1], arguments[0]);
    linalg::YieldOp::create(inner, loc, scalar.select(before, next, arguments[1]));
  };
  return linalg::GenericOp::create(emit.builder, start.getType(), x.value, start, maps, iterators, body).getResult(0);
}

template <bool isProduct> static LogicalResult running(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &input = node.input(0);
  FailureOr<SmallVector<int64_t>> numbers = node.constants(1);
  if (failed(numbers))
    return failure();
  if (numbers->size() != 1)
    return node.error() << "expects one axis, but got " << numbers->size();
  FailureOr<int64_t> axis = node.normalizeAxis(numbers->front(), input.rank());
  if (failed(axis))
    return failure();
  Tensor x = emit.widen(input);
  bool exclusive = node.intAttribute("exclusive", 0) != 0, fromEnd = node.intAttribute("reverse", 0) != 0;
  Value start = exclusive ? emit.splatLike(x, isProduct) : x.value;
  Tensor result = emit.like(x, runningReduction(emit, x, start, *axis, fromEnd, isProduct));
  node.setOutput(0, emit.cast(result, input.elementType, input.isUnsigned));
  return success();
}

static const OpHandler table[] = {
    {"ArgMax", 1, 1, TypeClass::Numeric, argReduce<ArgReduceKind::Max>},
    {"ArgMin", 1, 1, TypeClass::Numeric, argReduce<ArgReduceKind::Min>},
    {"CumProd", 2, 2, TypeClass::Numeric, running<true>},
    {"CumSum", 2, 2, TypeClass::Numeric, running<false>},
    {"ReduceL1", 1, 2, TypeClass::Numeric, reduce<reduceL1>},
    {"ReduceL2", 1, 2, TypeClass::Numeric, reduce<reduceL2>},
    {"ReduceLogSum", 1, 2, TypeClass::Numeric, reduce<reduceLogSum>},
    {"ReduceLogSumExp", 1, 2, TypeClass::Numeric, reduceLogSumExp},
    {"ReduceMax", 1, 2, TypeClass::Any, reduce<reduceMax>},
    {"ReduceMean", 1, 2, TypeClass::Numeric, reduce<reduceMean>},
    {"ReduceMin", 1, 2, TypeClass::Any, reduce<reduceMin>},
    {"ReduceProd", 1, 2, TypeClass::Numeric, reduce<reduceProd>},
    {"ReduceSum", 1, 2, TypeClass::Numeric, reduce<reduceSum>},
    {"ReduceSumSquare", 1, 2, TypeClass::Numeric, reduce<reduceSumSquare>},
};

ArrayRef<OpHandler> thresh::reduceHandlers() { return table; }
