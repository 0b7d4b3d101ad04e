//===- Activation.cpp - Activations and softmax --------------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace thresh;

namespace {

/// Float maths on tensors of the shape of `x`, written as an expression.
struct Expression {
  Emitter &emit;
  const Tensor &x;

  Value number(double value) { return emit.splatLike(x, value); }
  Value add(Value a, Value b) { return emit.add(a, b); }
  Value sub(Value a, Value b) { return emit.sub(a, b); }
  Value mul(Value a, Value b) { return emit.mul(a, b); }
  Value scale(Value a, double factor) { return factor == 1 ? a : emit.mul(a, number(factor)); }
  Value exp(Value a) { return math::ExpOp::create(emit.builder, a); }
  Value tanh(Value a) { return math::TanhOp::create(emit.builder, a); }
  Value positive(Value a) { return emit.less(number(0), a); }
  /// 1 / (1 + exp(-a))
  Value sigmoid(Value a) {
    Value negated = arith::NegFOp::create(emit.builder, a);
    return emit.div(number(1), add(number(1), exp(negated)));
  }
  /// log(1 + exp(a)) without overflow
  Value softplus(Value a) {
    Value magnitude = math::AbsFOp::create(emit.builder, a);
    Value tail = exp(arith::NegFOp::create(emit.builder, magnitude));
    return add(emit.max(a, number(0)), math::Log1pOp::create(emit.builder, tail));
  }
  /// exp(a) - 1 for a <= 0
  Value expMinusOne(Value a) { return math::ExpM1Op::create(emit.builder, emit.min(a, number(0))); }
};

} // namespace

/// An activation of one input: `fn` gives the value.
using ActivationFn = Value (*)(Node &node, Expression &e, Value x);

template <ActivationFn fn> static LogicalResult activation(Node &node) {
  const Tensor &x = node.input(0);
  Expression e{node.emit, x};
  node.setOutput(0, node.emit.like(x, fn(node, e, x.value)));
  return success();
}

static Value relu(Node &node, Expression &e, Value x) { return node.emit.max(x, e.number(0)); }

static Value leakyRelu(Node &node, Expression &e, Value x) {
  Value negative = e.scale(x, node.floatAttribute("alpha", 0.01f));
  return node.emit.select(node.emit.less(x, e.number(0)), negative, x);
}

static Value elu(Node &node, Expression &e, Value x) {
  Value negative = e.scale(e.expMinusOne(x), node.floatAttribute("alpha", 1));
  return node.emit.select(e.positive(x), x, negative);
}

static Value selu(Node &node, Expression &e, Value x) {
  double alpha = node.floatAttribute("alpha", 1.67326319217681884765625);
  double gamma = node.floatAttribute("gamma", 1.05070102214813232421875);
  return e.scale(node.emit.select(e.positive(x), x, e.scale(e.expMinusOne(x), alpha)), gamma);
}

/// max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
static Value celu(Node &node, Expression &e, Value x) {
  double alpha = node.floatAttribute("alpha", 1);
  Value negative = e.scale(e.expMinusOne(node.emit.div(x, e.number(alpha))), alpha);
  return node.emit.select(e.positive(x), x, negative);
}

static Value thresholdedRelu(Node &node, Expression &e, Value x) {
  Value above = node.emit.less(e.number(node.floatAttribute("alpha", 1)), x);
  return node.emit.select(above, x, e.number(0));
}

static Value clampToUnit(Emitter &emit, Expression &e, Value x) {
  return emit.max(emit.min(x, e.number(1)), e.number(0));
}

static Value hardSigmoid(Node &node, Expression &e, Value x) {
  double alpha = node.floatAttribute("alpha", 0.2f), beta = node.floatAttribute("beta", 0.5);
  return clampToUnit(node.emit, e, e.add(e.scale(x, alpha), e.number(beta)));
}

static Value hardSwish(Node &node, Expression &e, Value x) {
  return e.mul(x, clampToUnit(node.emit, e, e.add(e.scale(x, 1.0 / 6), e.number(0.5))));
}

static Value sigmoid(Node &, Expression &e, Value x) { return e.sigmoid(x); }
static Value softplus(Node &, Expression &e, Value x) { return e.softplus(x); }
static Value mish(Node &, Expression &e, Value x) { return e.mul(x, e.tanh(e.softplus(x))); }

static Value softsign(Node &node, Expression &e, Value x) {
  Value magnitude = math::AbsFOp::create(node.emit.builder, x);
  return node.emit.div(x, e.add(e.number(1), magnitude));
}

static Value swish(Node &node, Expression &e, Value x) {
  return e.mul(x, e.sigmoid(e.scale(x, node.floatAttribute("alpha", 1))));
}

/// com.microsoft's QuickGelu: Swish with another default.
static Value quickGelu(Node &node, Expression &e, Value x) {
  return e.mul(x, e.sigmoid(e.scale(x, node.floatAttribute("alpha", 1.702f))));
}

static Value shrink(Node &node, Expression &e, Value x) {
  Value bias = e.number(node.floatAttribute("bias", 0));
  double lambd = node.floatAttribute("lambd", 0.5);
  Emitter &emit = node.emit;
  Value low = emit.less(x, e.number(-lambd)), high = emit.less(e.number(lambd), x);
  return emit.select(low, e.add(x, bias), emit.select(high, e.sub(x, bias), e.number(0)));
}

/// 0.5 x (1 + erf(x / sqrt 2))
static Value geluExact(Node &node, Expression &e, Value x) {
  Value erf = math::ErfOp::create(node.emit.builder, e.scale(x, M_SQRT1_2));
  return e.mul(e.scale(x, 0.5), e.add(erf, e.number(1)));
}

/// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
static Value geluTanh(Node &, Expression &e, Value x) {
  Value cube = e.mul(e.mul(x, x), x);
  Value inner = e.scale(e.add(x, e.scale(cube, 0.044715)), std::sqrt(2.0 / M_PI));
  return e.mul(e.scale(x, 0.5), e.add(e.tanh(inner), e.number(1)));
}

static Value gelu(Node &node, Expression &e, Value x) {
  std::string approximate = node.stringAttribute("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    node.error() << "expects approximate none or tanh, but got '" << approximate << "'";
  return approximate == "tanh" ? geluTanh(node, e, x) : geluExact(node, e, x);
}

/// com.microsoft's Gelu variants: an activation of input 0 plus an optional bias.
template <ActivationFn fn> static LogicalResult biasedActivation(Node &node) {
  Tensor x = node.input(0);
  if (node.hasInput(1)) {
    FailureOr<SmallVector<Tensor>> tensors = node.emit.broadcastAll({x, node.input(1)});
    if (failed(tensors) || failed(node.requireSameTypes()))
      return failure();
    x = node.emit.like((*tensors)[0], node.emit.add((*tensors)[0].value, (*tensors)[1].value));
  }
  Expression e{node.emit, x};
  node.setOutput(0, node.emit.like(x, fn(node, e, x.value)));
  return success();
}

static LogicalResult prelu(Node &node) {
  FailureOr<SmallVector<Tensor>> tensors = node.emit.broadcastAll({node.input(0), node.input(1)});
  if (failed(tensors) || failed(node.requireSameTypes()))
    return failure();
  const Tensor &x = (*tensors)[0];
  Emitter &emit = node.emit;
  Value negative = emit.less(x.value, emit.splatLike(x, 0));
  node.setOutput(0, emit.like(x, emit.select(negative, emit.mul(x.value, (*tensors)[1].value), x.value)));
  return success();
}

/// swish(A) * B
static LogicalResult swiglu(Node &node) {
  if (failed(node.requireSameTypes()))
    return failure();
  FailureOr<SmallVector<Tensor>> tensors = node.emit.broadcastAll({node.input(0), node.input(1)});
  if (failed(tensors))
    return failure();
  const Tensor &gate = (*tensors)[0];
  Expression e{node.emit, gate};
  node.setOutput(0, node.emit.like(gate, e.mul(swish(node, e, gate.value), (*tensors)[1].value)));
  return success();
}

/// min(max(x, low), high): `high` wins where the limits cross. The limits are inputs, attributes before opset 11.
static LogicalResult clip(Node &node) {
  if (failed(node.requireSameTypes()))
    return failure();
  Emitter &emit = node.emit;
  Tensor x = node.input(0);
  for (size_t index : {1, 2}) {
    if (!node.hasInput(index))
      continue;
    const Tensor &limit = node.input(index);
    if (limit.elementCount() != 1)
      return node.error() << "expects a scalar limit, but got " << limit.type();
    Value bound = emit.broadcast(emit.reshape(limit, {}), x.sizes).value;
    x = emit.like(x, index == 1 ? emit.max(x.value, bound, x.isUnsigned) : emit.min(x.value, bound, x.isUnsigned));
  }
  node.setOutput(0, x);
  return success();
}

namespace {
/// What softmax and its kin work on: input 0, along one dimension.
struct AxisView {
  Tensor x;
  int64_t dimension;
};
} // namespace

/// From opset 13 on one axis; before, all dimensions from `axis` on, taken as one.
static FailureOr<AxisView> axisView(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  bool flattens = node.opset() < 13;
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", flattens ? 1 : -1), x.rank());
  if (failed(axis))
    return failure();
  if (!flattens)
    return AxisView{x, *axis};
  ArrayRef<Size> sizes(x.sizes);
  Size flat[] = {emit.math.product(sizes.take_front(*axis)), emit.math.product(sizes.drop_front(*axis))};
  return AxisView{emit.reshape(x, flat), 1};
}

template <bool isLog> static LogicalResult softmax(Node &node) {
  FailureOr<AxisView> view = axisView(node);
  if (failed(view))
    return failure();
  const Tensor &x = view->x;
  Value result = SoftmaxOp::create(node.emit.builder, x.type(), x.value, view->dimension, isLog);
  node.setOutput(0, node.emit.reshape(node.emit.like(x, result), node.input(0).sizes));
  return success();
}

/// 1 at the first greatest element, else 0.
static LogicalResult hardmax(Node &node) {
  FailureOr<AxisView> view = axisView(node);
  if (failed(view))
    return failure();
  Emitter &emit = node.emit;
  const Tensor &x = view->x;
  Tensor greatest = emit.argReduce(ArgReduceKind::Max, x, view->dimension, /*selectLast=*/false, /*keepDims=*/true);
  Tensor wide = emit.broadcast(greatest, x.sizes);
  auto body = [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange inputs) -> Value {
    Value index = arith::IndexCastOp::create(b, loc, b.getI64Type(), indices[view->dimension]);
    Value hit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, index, inputs[0]);
    return arith::UIToFPOp::create(b, loc, x.elementType, hit);
  };
  node.setOutput(0, emit.reshape(emit.generate(x.elementType, x.sizes, {wide}, body), node.input(0).sizes));
  return success();
}

static const OpHandler table[] = {
    {"Celu", 1, 1, TypeClass::Float, activation<celu>},
    {"Clip", 1, 3, TypeClass::Numeric, clip},
    {"Elu", 1, 1, TypeClass::Float, activation<elu>},
    {"Gelu", 1, 1, TypeClass::Float, activation<gelu>},
    {"HardSigmoid", 1, 1, TypeClass::Float, activation<hardSigmoid>},
    {"HardSwish", 1, 1, TypeClass::Float, activation<hardSwish>},
    {"Hardmax", 1, 1, TypeClass::Float, hardmax},
    {"LeakyRelu", 1, 1, TypeClass::Float, activation<leakyRelu>},
    {"LogSoftmax", 1, 1, TypeClass::Float, softmax<true>},
    {"Mish", 1, 1, TypeClass::Float, activation<mish>},
    {"PRelu", 2, 2, TypeClass::Float, prelu},
    {"Relu", 1, 1, TypeClass::Numeric, activation<relu>},
    {"Selu", 1, 1, TypeClass::Float, activation<selu>},
    {"Shrink", 1, 1, TypeClass::Float, activation<shrink>},
    {"Sigmoid", 1, 1, TypeClass::Float, activation<sigmoid>},
    {"Softmax", 1, 1, TypeClass::Float, softmax<false>},
    {"Softplus", 1, 1, TypeClass::Float, activation<softplus>},
    {"Softsign", 1, 1, TypeClass::Float, activation<softsign>},
    {"SwiGLU", 2, 2, TypeClass::Float, swiglu},
    {"Swish", 1, 1, TypeClass::Float, activation<swish>},
    {"ThresholdedRelu", 1, 1, TypeClass::Float, activation<thresholdedRelu>},
    {"com.microsoft:BiasGelu", 2, 2, TypeClass::Float, biasedActivation<geluExact>},
    {"com.microsoft:FastGelu", 1, 2, TypeClass::Float, biasedActivation<geluTanh>},
    {"com.microsoft:Gelu", 1, 1, TypeClass::Float, biasedActivation<geluExact>},
    {"com.microsoft:QuickGelu", 1, 1, TypeClass::Float, activation<quickGelu>},
};

ArrayRef<OpHandler> thresh::activationHandlers() { return table; }
