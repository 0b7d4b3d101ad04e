//===- Normalization.cpp - Layer, RMS, batch and other norms -------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace thresh;

static SmallVector<int64_t> dimensionsFrom(int64_t axis, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(axis, rank));
}

namespace {
/// Mean and variance of a tensor over some dimensions, kept with extent 1.
struct Moments {
  Tensor mean, variance;
  /// x - mean
  Tensor centred;
};
} // namespace

static Moments moments(Emitter &emit, const Tensor &x, ArrayRef<int64_t> dimensions) {
  Tensor mean = emit.reduce(ReduceKind::Mean, x, dimensions, true);
  Tensor centred = emit.like(x, emit.sub(x.value, emit.broadcast(mean, x.sizes).value));
  Tensor square = emit.like(x, emit.mul(centred.value, centred.value));
  return {mean, emit.reduce(ReduceKind::Mean, square, dimensions, true), centred};
}

/// 1 / sqrt(variance + epsilon)
static Tensor inverseDeviation(Emitter &emit, const Tensor &variance, double epsilon) {
  Value deviation = math::SqrtOp::create(emit.builder, emit.add(variance.value, emit.splatLike(variance, epsilon)));
  return emit.like(variance, emit.div(emit.splatLike(variance, 1), deviation));
}

/// A scale or bias at the shape of the normalised dimensions and in the type of `x`.
static FailureOr<Tensor> trailing(Node &node, size_t index, const Tensor &x, int64_t axis) {
  Emitter &emit = node.emit;
  ArrayRef<Size> shape = ArrayRef(x.sizes).drop_front(axis);
  const Tensor &tensor = node.input(index);
  FailureOr<Sizes> common = emit.broadcastSizes(tensor.sizes, shape);
  if (failed(common))
    return failure();
  if (*common != Sizes(shape))
    return node.error() << "expects input " << index << " to broadcast to the normalised dimensions, but got "
                        << tensor.type();
  return emit.broadcast(emit.cast(tensor, x.elementType, false), shape);
}

/// Whether the arithmetic is done in f32 (stash_type 1), as it is unless the model says otherwise.
static Tensor stash(Node &node, const Tensor &x) {
  return node.intAttribute("stash_type", 1) == 1 ? node.emit.widen(x) : x;
}

/// Outputs Mean and InvStdDev of LayerNormalization.
static void setMoments(Node &node, const Tensor &x, int64_t axis, double epsilon) {
  if (!node.wantsOutput(1) && !node.wantsOutput(2))
    return;
  Moments stats = moments(node.emit, x, dimensionsFrom(axis, x.rank()));
  node.setOutput(1, stats.mean);
  node.setOutput(2, inverseDeviation(node.emit, stats.variance, epsilon));
}

/// Output InvStdDev of the norms without a mean.
static void setInverseRms(Node &node, const Tensor &x, int64_t axis, double epsilon) {
  if (!node.wantsOutput(1))
    return;
  Emitter &emit = node.emit;
  Tensor square = emit.like(x, emit.mul(x.value, x.value));
  Tensor mean = emit.reduce(ReduceKind::Mean, square, dimensionsFrom(axis, x.rank()), true);
  node.setOutput(1, inverseDeviation(emit, mean, epsilon));
}

/// Normalises `x` with scale (and bias) from the given inputs into output 0.
static LogicalResult normalizeLayer(Node &node, const Tensor &input, size_t scaleIndex, std::optional<size_t> biasIndex,
                                    bool rms, double defaultEpsilon = 1e-5f) {
  Emitter &emit = node.emit;
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", -1), input.rank());
  if (failed(axis))
    return failure();
  double epsilon = node.floatAttribute("epsilon", defaultEpsilon);
  Tensor x = stash(node, input);
  FailureOr<Tensor> scale = trailing(node, scaleIndex, x, *axis);
  if (failed(scale))
    return failure();
  Value bias;
  if (biasIndex && node.hasInput(*biasIndex)) {
    FailureOr<Tensor> tensor = trailing(node, *biasIndex, x, *axis);
    if (failed(tensor))
      return failure();
    bias = tensor->value;
  }
  Value result;
  if (rms)
    result = RmsNormOp::create(emit.builder, x.type(), x.value, scale->value, *axis, llvm::APFloat(epsilon));
  else
    result = LayerNormOp::create(emit.builder, x.type(), x.value, scale->value, bias, *axis, llvm::APFloat(epsilon));
  node.setOutput(0, emit.cast(emit.like(x, result), input.elementType, false));
  (rms ? setInverseRms : setMoments)(node, x, *axis, epsilon);
  return success();
}

static LogicalResult layerNorm(Node &node) { return normalizeLayer(node, node.input(0), 1, 2, /*rms=*/false); }

static LogicalResult rmsNorm(Node &node) { return normalizeLayer(node, node.input(0), 1, std::nullopt, /*rms=*/true); }

/// com.microsoft Skip*LayerNormalization: the sum of input, skip and bias, normalised; the sum is output 3.
template <bool rms> static LogicalResult skipLayerNorm(Node &node) {
  Emitter &emit = node.emit;
  for (size_t index : {1, 2})
    if (node.wantsOutput(index))
      return node.error() << "output " << index << (index == 1 ? " (mean)" : " (inv_std_var)") << " is not supported";
  SmallVector<Tensor> terms = {node.input(0), node.input(1)};
  size_t biasIndex = rms ? 3 : 4;
  if (node.hasInput(biasIndex))
    terms.push_back(node.input(biasIndex));
  FailureOr<SmallVector<Tensor>> wide = emit.broadcastAll(terms);
  if (failed(wide) || failed(node.requireSameTypes()))
    return failure();
  if ((*wide)[0].sizes != terms[0].sizes)
    return node.error() << "expects a skip and a bias that broadcast to the input's shape, but got " << terms[1].type()
                        << " for " << terms[0].type();
  Value sum = emit.add((*wide)[0].value, (*wide)[1].value);
  if (wide->size() == 3)
    sum = emit.add(sum, (*wide)[2].value);
  Tensor x = emit.like((*wide)[0], sum);
  node.setOutput(3, x);
  return normalizeLayer(node, x, 2, rms ? std::nullopt : std::optional<size_t>(3), rms, /*defaultEpsilon=*/1e-12f);
}

/// x / |x|_p along an axis; 0 where the norm is 0.
static LogicalResult lpNorm(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  int64_t p = node.intAttribute("p", 2);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  if (p != 1 && p != 2)
    return node.error() << "expects p 1 or 2, but got " << p;
  Value powers = p == 1 ? Value(math::AbsFOp::create(emit.builder, x.value)) : emit.mul(x.value, x.value);
  Tensor norm = emit.reduce(ReduceKind::Sum, emit.like(x, powers), *axis, true);
  if (p == 2)
    norm.value = math::SqrtOp::create(emit.builder, norm.value);
  Value wide = emit.broadcast(norm, x.sizes).value;
  Value zero = emit.splatLike(x, 0);
  node.setOutput(0, emit.like(x, emit.select(emit.equal(wide, zero), zero, emit.div(x.value, wide))));
  return success();
}

/// (x - mean) / (deviation + 1e-9)
static LogicalResult meanVarianceNorm(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  FailureOr<SmallVector<int64_t>> axes =
      node.normalizeAxes(node.intsAttribute("axes").value_or(SmallVector<int64_t>{0, 2, 3}), x.rank());
  if (failed(axes))
    return failure();
  Moments stats = moments(emit, x, *axes);
  Value deviation = math::SqrtOp::create(emit.builder, stats.variance.value);
  Tensor divisor = emit.like(stats.variance, emit.add(deviation, emit.splatLike(stats.variance, 1e-9)));
  node.setOutput(0, emit.like(x, emit.div(stats.centred.value, emit.broadcast(divisor, x.sizes).value)));
  return success();
}

/// A per-channel vector at the shape of `x`, channels on dimension 1.
static FailureOr<Tensor> perChannel(Node &node, size_t index, const Tensor &x) {
  Emitter &emit = node.emit;
  const Tensor &tensor = node.input(index);
  if (tensor.rank() != 1 || tensor.sizes[0] != x.sizes[1])
    return node.error() << "expects input " << index << " with one element for each channel, but got " << tensor.type();
  Sizes sizes(x.rank() - 1, emit.math.constant(1));
  sizes.front() = tensor.sizes[0];
  return emit.broadcast(emit.cast(emit.reshape(tensor, sizes), x.elementType, false), x.sizes);
}

/// Inference only: (x - mean) / sqrt(var + epsilon) * scale + B.
static LogicalResult batchNorm(Node &node) {
  Emitter &emit = node.emit;
  if (node.intAttribute("training_mode", 0) != 0 || node.wantsOutput(1))
    return node.error() << "training mode is not supported";
  const Tensor &x = node.input(0);
  if (x.rank() < 2)
    return node.error() << "expects an input of rank >= 2, but got " << x.type();
  SmallVector<Tensor> wide;
  for (size_t index = 1; index < 5; ++index) {
    FailureOr<Tensor> tensor = perChannel(node, index, x);
    if (failed(tensor))
      return failure();
    wide.push_back(*tensor);
  }
  Tensor inverse = inverseDeviation(emit, wide[3], node.floatAttribute("epsilon", 1e-5f));
  Value centred = emit.sub(x.value, wide[2].value);
  Value scaled = emit.mul(emit.mul(centred, inverse.value), wide[0].value);
  node.setOutput(0, emit.like(x, emit.add(scaled, wide[1].value)));
  return success();
}

/// Each channel of each sample over its spatial dimensions.
static LogicalResult instanceNorm(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  if (x.rank() < 3)
    return node.error() << "expects an input of rank >= 3, but got " << x.type();
  FailureOr<Tensor> scale = perChannel(node, 1, x), bias = perChannel(node, 2, x);
  if (failed(scale) || failed(bias))
    return failure();
  Moments stats = moments(emit, x, dimensionsFrom(2, x.rank()));
  Tensor inverse = inverseDeviation(emit, stats.variance, node.floatAttribute("epsilon", 1e-5f));
  Value normalized = emit.mul(stats.centred.value, emit.broadcast(inverse, x.sizes).value);
  node.setOutput(0, emit.like(x, emit.add(emit.mul(normalized, scale->value), bias->value)));
  return success();
}

static const OpHandler table[] = {
    {"BatchNormalization", 5, 5, TypeClass::Float, batchNorm},
    {"InstanceNormalization", 3, 3, TypeClass::Float, instanceNorm},
    {"LayerNormalization", 2, 3, TypeClass::Float, layerNorm},
    {"LpNormalization", 1, 1, TypeClass::Float, lpNorm},
    {"MeanVarianceNormalization", 1, 1, TypeClass::Float, meanVarianceNorm},
    {"RMSNormalization", 2, 2, TypeClass::Float, rmsNorm},
    {"SimplifiedLayerNormalization", 2, 2, TypeClass::Float, rmsNorm},
    {"com.microsoft:SkipLayerNormalization", 3, 5, TypeClass::Float, skipLayerNorm<false>},
    {"com.microsoft:SkipSimplifiedLayerNormalization", 3, 4, TypeClass::Float, skipLayerNorm<true>},
};

ArrayRef<OpHandler> thresh::normalizationHandlers() { return table; }
