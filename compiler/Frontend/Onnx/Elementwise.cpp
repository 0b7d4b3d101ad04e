//===- Elementwise.cpp - Arithmetic, comparison, logic, casts ------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace thresh;

//===- Unary ---------------------------------------------------------------===//

/// An op of `math` on whole tensors.
template <typename OpTy> static LogicalResult unary(Node &node) {
  const Tensor &x = node.input(0);
  node.setOutput(0, node.emit.like(x, OpTy::create(node.emit.builder, x.value)));
  return success();
}

static LogicalResult identity(Node &node) {
  node.setOutput(0, node.shapeInput(0));
  return success();
}

/// Inference keeps everything: the mask is all true.
static LogicalResult dropout(Node &node) {
  const Tensor &x = node.shapeInput(0);
  if (node.hasInput(2)) {
    const Tensor &training = node.shapeInput(2);
    if (!training.elements || !SizeMath::isKnown(training.elements->front(), 0))
      return node.error() << "training mode is not supported";
  }
  node.setOutput(0, x);
  if (node.wantsOutput(1))
    node.setOutput(1, node.emit.wrap(node.emit.splat(node.emit.builder.getI1Type(), x.sizes, 1), x.sizes));
  return success();
}

static LogicalResult absolute(Node &node) {
  const Tensor &x = node.input(0);
  Value result = x.value;
  if (isa<FloatType>(x.elementType))
    result = math::AbsFOp::create(node.emit.builder, x.value);
  else if (!x.isUnsigned)
    result = math::AbsIOp::create(node.emit.builder, x.value);
  node.setOutput(0, node.emit.like(x, result));
  return success();
}

static LogicalResult negate(Node &node) {
  const Tensor &x = node.input(0);
  Emitter &emit = node.emit;
  Value result = isa<FloatType>(x.elementType) ? Value(arith::NegFOp::create(emit.builder, x.value))
                                               : emit.sub(emit.splatLike(x, 0), x.value);
  node.setOutput(0, emit.like(x, result));
  return success();
}

static LogicalResult reciprocal(Node &node) {
  const Tensor &x = node.input(0);
  node.setOutput(0, node.emit.like(x, node.emit.div(node.emit.splatLike(x, 1), x.value)));
  return success();
}

/// -1, 0 or 1; NaN for NaN.
static LogicalResult sign(Node &node) {
  const Tensor &x = node.input(0);
  Emitter &emit = node.emit;
  Value zero = emit.splatLike(x, 0);
  Value negative = emit.less(x.value, zero, x.isUnsigned), positive = emit.less(zero, x.value, x.isUnsigned);
  Value result = emit.select(positive, emit.splatLike(x, 1), x.value);
  if (!x.isUnsigned)
    result = emit.select(negative, emit.splatLike(x, -1), result);
  node.setOutput(0, emit.like(x, result));
  return success();
}

static LogicalResult logicalNot(Node &node) {
  const Tensor &x = node.input(0);
  node.setOutput(0, node.emit.like(x, arith::XOrIOp::create(node.emit.builder, x.value,
                                                            node.emit.splatInteger(x.elementType, x.sizes, -1))));
  return success();
}

static LogicalResult isNan(Node &node) {
  const Tensor &x = node.input(0);
  Value result = arith::CmpFOp::create(node.emit.builder, arith::CmpFPredicate::UNO, x.value, x.value);
  node.setOutput(0, node.emit.wrap(result, x.sizes));
  return success();
}

/// Beyond the greatest finite number.
static LogicalResult isInf(Node &node) {
  const Tensor &x = node.input(0);
  Emitter &emit = node.emit;
  double greatest = APFloat::getLargest(cast<FloatType>(x.elementType).getFloatSemantics()).convertToDouble();
  Value result = emit.splat(emit.builder.getI1Type(), x.sizes, 0);
  if (node.intAttribute("detect_positive", 1) != 0)
    result = arith::OrIOp::create(emit.builder, result, emit.less(emit.splatLike(x, greatest), x.value));
  if (node.intAttribute("detect_negative", 1) != 0)
    result = arith::OrIOp::create(emit.builder, result, emit.less(x.value, emit.splatLike(x, -greatest)));
  node.setOutput(0, emit.wrap(result, x.sizes));
  return success();
}

//===- Binary --------------------------------------------------------------===//

using BinaryFn = Value (*)(Emitter &, Value, Value, bool isUnsigned);

static Value addValues(Emitter &emit, Value a, Value b, bool) { return emit.add(a, b); }
static Value subValues(Emitter &emit, Value a, Value b, bool) { return emit.sub(a, b); }
static Value mulValues(Emitter &emit, Value a, Value b, bool) { return emit.mul(a, b); }
static Value divValues(Emitter &emit, Value a, Value b, bool isUnsigned) { return emit.div(a, b, isUnsigned); }
static Value maxValues(Emitter &emit, Value a, Value b, bool isUnsigned) { return emit.max(a, b, isUnsigned); }
static Value minValues(Emitter &emit, Value a, Value b, bool isUnsigned) { return emit.min(a, b, isUnsigned); }

template <typename OpTy> static Value integerOp(Emitter &emit, Value a, Value b, bool) {
  return OpTy::create(emit.builder, a, b);
}

/// All inputs, of one type, at their common shape.
static FailureOr<SmallVector<Tensor>> operands(Node &node) {
  SmallVector<Tensor> tensors;
  if (failed(node.requireSameTypes()))
    return failure();
  for (size_t i = 0; i < node.inputCount(); ++i)
    if (node.hasInput(i))
      tensors.push_back(node.input(i));
  return node.emit.broadcastAll(tensors);
}

/// One or more inputs combined from the left.
template <BinaryFn fn> static LogicalResult fold(Node &node) {
  FailureOr<SmallVector<Tensor>> tensors = operands(node);
  if (failed(tensors))
    return failure();
  Value result = tensors->front().value;
  for (const Tensor &tensor : ArrayRef(*tensors).drop_front())
    result = fn(node.emit, result, tensor.value, tensor.isUnsigned);
  node.setOutput(0, node.emit.like(tensors->front(), result));
  return success();
}

static LogicalResult mean(Node &node) {
  FailureOr<SmallVector<Tensor>> tensors = operands(node);
  if (failed(tensors))
    return failure();
  const Tensor &first = tensors->front();
  Value sum = first.value;
  for (const Tensor &tensor : ArrayRef(*tensors).drop_front())
    sum = node.emit.add(sum, tensor.value);
  node.setOutput(0, node.emit.like(first, node.emit.div(sum, node.emit.splatLike(first, tensors->size()))));
  return success();
}

template <arith::CmpFPredicate onFloats, arith::CmpIPredicate onSigned, arith::CmpIPredicate onUnsigned>
static LogicalResult compare(Node &node) {
  FailureOr<SmallVector<Tensor>> tensors = operands(node);
  if (failed(tensors))
    return failure();
  const Tensor &a = (*tensors)[0], &b = (*tensors)[1];
  Value result;
  if (isa<FloatType>(a.elementType))
    result = arith::CmpFOp::create(node.emit.builder, onFloats, a.value, b.value);
  else
    result = arith::CmpIOp::create(node.emit.builder, a.isUnsigned ? onUnsigned : onSigned, a.value, b.value);
  node.setOutput(0, node.emit.wrap(result, a.sizes));
  return success();
}

/// fmod = 1: the sign of the dividend, as in C; else the sign of the divisor.
static LogicalResult modulo(Node &node) {
  FailureOr<SmallVector<Tensor>> tensors = operands(node);
  if (failed(tensors))
    return failure();
  Emitter &emit = node.emit;
  const Tensor &a = (*tensors)[0], &b = (*tensors)[1];
  Value rest;
  if (isa<FloatType>(a.elementType))
    rest = arith::RemFOp::create(emit.builder, a.value, b.value);
  else if (a.isUnsigned)
    rest = arith::RemUIOp::create(emit.builder, a.value, b.value);
  else
    rest = arith::RemSIOp::create(emit.builder, a.value, b.value);
  if (node.intAttribute("fmod", 0) == 0 && !a.isUnsigned) {
    Value zero = emit.splatLike(a, 0);
    Value signsDiffer = arith::XOrIOp::create(emit.builder, emit.less(rest, zero), emit.less(b.value, zero));
    Value isZero = emit.equal(rest, zero);
    Value fixed = emit.select(signsDiffer, emit.add(rest, b.value), rest);
    rest = emit.select(isZero, rest, fixed);
  }
  node.setOutput(0, emit.like(a, rest));
  return success();
}

static LogicalResult bitShift(Node &node) {
  FailureOr<SmallVector<Tensor>> tensors = operands(node);
  if (failed(tensors))
    return failure();
  Emitter &emit = node.emit;
  const Tensor &a = (*tensors)[0], &b = (*tensors)[1];
  std::string direction = node.stringAttribute("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return node.error() << "expects direction LEFT or RIGHT, but got '" << direction << "'";
  Value shifted = direction == "LEFT" ? Value(arith::ShLIOp::create(emit.builder, a.value, b.value))
                                      : Value(arith::ShRUIOp::create(emit.builder, a.value, b.value));
  Value inRange = emit.less(b.value, emit.splatLike(b, a.elementType.getIntOrFloatBitWidth()), true);
  node.setOutput(0, emit.like(a, emit.select(inRange, shifted, emit.splatLike(a, 0))));
  return success();
}

//===- Powers --------------------------------------------------------------===//

/// The number that every element of `value` has, when it is a constant.
static std::optional<double> constantNumber(Value value) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  if (isa<FloatType>(elements.getElementType())) {
    APFloat number = elements.getSplatValue<APFloat>();
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    return number.convertToDouble();
  }
  return static_cast<double>(elements.getSplatValue<APInt>().getSExtValue());
}

/// x to a small constant power as products, which are exact enough and vectorise; null for other powers.
static Value simplePower(Emitter &emit, const Tensor &x, double power) {
  if (power == 1)
    return x.value;
  if (power == 2)
    return emit.mul(x.value, x.value);
  if (power == 3)
    return emit.mul(emit.mul(x.value, x.value), x.value);
  if (power == 0.5 && isa<FloatType>(x.elementType))
    return math::SqrtOp::create(emit.builder, x.value);
  return nullptr;
}

/// The exponent may be of another type than the base, which gives the result's.
static LogicalResult power(Node &node) {
  Emitter &emit = node.emit;
  std::optional<double> constant = constantNumber(node.input(1).value);
  FailureOr<SmallVector<Tensor>> tensors = emit.broadcastAll({node.input(0), node.input(1)});
  if (failed(tensors))
    return failure();
  Tensor x = (*tensors)[0], y = (*tensors)[1];
  if (Value result = constant ? simplePower(emit, x, *constant) : nullptr) {
    node.setOutput(0, emit.like(x, result));
    return success();
  }
  bool floatBase = isa<FloatType>(x.elementType), floatExponent = isa<FloatType>(y.elementType);
  if (!floatBase && !floatExponent) {
    y = emit.cast(y, x.elementType, x.isUnsigned);
    node.setOutput(0, emit.like(x, math::IPowIOp::create(emit.builder, x.value, emit.value(y))));
    return success();
  }
  Type computeType = floatBase ? x.elementType : Type(emit.builder.getF64Type());
  Value base = emit.value(emit.cast(x, computeType, false)), exponent = emit.value(emit.cast(y, computeType, false));
  Tensor result = emit.wrap(math::PowFOp::create(emit.builder, base, exponent), x.sizes);
  node.setOutput(0, emit.cast(result, x.elementType, x.isUnsigned));
  return success();
}

//===- Selection and casts -------------------------------------------------===//

static LogicalResult where(Node &node) {
  const Tensor &x = node.input(1), &y = node.input(2);
  if (x.elementType != y.elementType || x.isUnsigned != y.isUnsigned)
    return node.error() << "expects inputs 1 and 2 of one element type, but got " << x.elementType << " and "
                        << y.elementType;
  FailureOr<SmallVector<Tensor>> tensors = node.emit.broadcastAll({node.input(0), x, y});
  if (failed(tensors))
    return failure();
  Value result = node.emit.select((*tensors)[0].value, (*tensors)[1].value, (*tensors)[2].value);
  node.setOutput(0, node.emit.wrap(result, (*tensors)[1].sizes, x.isUnsigned));
  return success();
}

static LogicalResult castTo(Node &node) {
  FailureOr<std::pair<Type, bool>> type = node.elementType(node.intAttribute("to", 0));
  if (failed(type))
    return failure();
  node.setOutput(0, node.emit.cast(node.input(0), type->first, type->second));
  return success();
}

static LogicalResult castLike(Node &node) {
  const Tensor &like = node.shapeInput(1);
  node.setOutput(0, node.emit.cast(node.input(0), like.elementType, like.isUnsigned));
  return success();
}

static LogicalResult bitCast(Node &node) {
  FailureOr<std::pair<Type, bool>> type = node.elementType(node.intAttribute("to", 0));
  if (failed(type))
    return failure();
  Tensor x = node.input(0);
  if (x.elementType.getIntOrFloatBitWidth() != type->first.getIntOrFloatBitWidth())
    return node.error() << "expects types of equal width, but got " << x.elementType << " and " << type->first;
  x.isUnsigned = type->second;
  x.elements.reset();
  if (x.elementType != type->first) {
    x.elementType = type->first;
    x.value = arith::BitcastOp::create(node.emit.builder, x.type(), x.value);
  }
  node.setOutput(0, x);
  return success();
}

//===- Table ---------------------------------------------------------------===//

using FP = arith::CmpFPredicate;
using IP = arith::CmpIPredicate;

static const OpHandler table[] = {
    {"Abs", 1, 1, TypeClass::Numeric, absolute},
    {"Acos", 1, 1, TypeClass::Float, unary<math::AcosOp>},
    {"Acosh", 1, 1, TypeClass::Float, unary<math::AcoshOp>},
    {"Add", 2, 2, TypeClass::Numeric, fold<addValues>},
    {"And", 2, 2, TypeClass::Bool, fold<integerOp<arith::AndIOp>>, 7},
    {"Asin", 1, 1, TypeClass::Float, unary<math::AsinOp>},
    {"Asinh", 1, 1, TypeClass::Float, unary<math::AsinhOp>},
    {"Atan", 1, 1, TypeClass::Float, unary<math::AtanOp>},
    {"Atanh", 1, 1, TypeClass::Float, unary<math::AtanhOp>},
    {"BitCast", 1, 1, TypeClass::Any, bitCast},
    {"BitShift", 2, 2, TypeClass::Integer, bitShift},
    {"BitwiseAnd", 2, 2, TypeClass::Integer, fold<integerOp<arith::AndIOp>>},
    {"BitwiseNot", 1, 1, TypeClass::Integer, logicalNot},
    {"BitwiseOr", 2, 2, TypeClass::Integer, fold<integerOp<arith::OrIOp>>},
    {"BitwiseXor", 2, 2, TypeClass::Integer, fold<integerOp<arith::XOrIOp>>},
    {"Cast", 1, 1, TypeClass::Any, castTo},
    {"CastLike", 2, 2, TypeClass::Any, castLike},
    {"Ceil", 1, 1, TypeClass::Float, unary<math::CeilOp>},
    {"Cos", 1, 1, TypeClass::Float, unary<math::CosOp>},
    {"Cosh", 1, 1, TypeClass::Float, unary<math::CoshOp>},
    {"Div", 2, 2, TypeClass::Numeric, fold<divValues>},
    {"Dropout", 1, 3, TypeClass::Float, dropout},
    {"Equal", 2, 2, TypeClass::Any, compare<FP::OEQ, IP::eq, IP::eq>},
    {"Erf", 1, 1, TypeClass::Float, unary<math::ErfOp>},
    {"Exp", 1, 1, TypeClass::Float, unary<math::ExpOp>},
    {"Floor", 1, 1, TypeClass::Float, unary<math::FloorOp>},
    {"Greater", 2, 2, TypeClass::Numeric, compare<FP::OGT, IP::sgt, IP::ugt>},
    {"GreaterOrEqual", 2, 2, TypeClass::Numeric, compare<FP::OGE, IP::sge, IP::uge>},
    {"Identity", 1, 1, TypeClass::Any, identity},
    {"IsInf", 1, 1, TypeClass::Float, isInf},
    {"IsNaN", 1, 1, TypeClass::Float, isNan},
    {"Less", 2, 2, TypeClass::Numeric, compare<FP::OLT, IP::slt, IP::ult>},
    {"LessOrEqual", 2, 2, TypeClass::Numeric, compare<FP::OLE, IP::sle, IP::ule>},
    {"Log", 1, 1, TypeClass::Float, unary<math::LogOp>},
    {"Max", 1, anyNumber, TypeClass::Numeric, fold<maxValues>},
    {"Mean", 1, anyNumber, TypeClass::Float, mean},
    {"Min", 1, anyNumber, TypeClass::Numeric, fold<minValues>},
    {"Mod", 2, 2, TypeClass::Numeric, modulo},
    {"Mul", 2, 2, TypeClass::Numeric, fold<mulValues>},
    {"Neg", 1, 1, TypeClass::Numeric, negate},
    {"Not", 1, 1, TypeClass::Bool, logicalNot, 1},
    {"Or", 2, 2, TypeClass::Bool, fold<integerOp<arith::OrIOp>>, 7},
    {"Pow", 2, 2, TypeClass::Numeric, power},
    {"Reciprocal", 1, 1, TypeClass::Float, reciprocal},
    {"Round", 1, 1, TypeClass::Float, unary<math::RoundEvenOp>},
    {"Sign", 1, 1, TypeClass::Numeric, sign},
    {"Sin", 1, 1, TypeClass::Float, unary<math::SinOp>},
    {"Sinh", 1, 1, TypeClass::Float, unary<math::SinhOp>},
    {"Sqrt", 1, 1, TypeClass::Float, unary<math::SqrtOp>},
    {"Sub", 2, 2, TypeClass::Numeric, fold<subValues>},
    {"Sum", 1, anyNumber, TypeClass::Numeric, fold<addValues>},
    {"Tan", 1, 1, TypeClass::Float, unary<math::TanOp>},
    {"Tanh", 1, 1, TypeClass::Float, unary<math::TanhOp>},
    {"Where", 3, 3, TypeClass::Bool, where},
    {"Xor", 2, 2, TypeClass::Bool, fold<integerOp<arith::XOrIOp>>, 7},
};

ArrayRef<OpHandler> thresh::elementwiseHandlers() { return table; }
