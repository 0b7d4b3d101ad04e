//===- Creation.cpp - Constants, shapes, ranges, constant branches -------===//
#include "compiler/Frontend/Onnx/Handlers.h"
#include "compiler/Frontend/Onnx/StoredTensor.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace thresh;

/// A vector or scalar of the numbers that an attribute of a Constant spells out.
template <typename Number> static Tensor numbersTensor(Emitter &emit, ArrayRef<Number> numbers, bool isScalar) {
  Type type = std::is_same_v<Number, float> ? Type(emit.builder.getF32Type()) : Type(emit.builder.getI64Type());
  SmallVector<int64_t> shape;
  if (!isScalar)
    shape.push_back(static_cast<int64_t>(numbers.size()));
  return emit.constant(DenseElementsAttr::get(RankedTensorType::get(shape, type), numbers));
}

static LogicalResult constant(Node &node) {
  FailureOr<std::optional<Tensor>> value = node.tensorAttribute("value");
  if (failed(value))
    return failure();
  if (*value) {
    node.setOutput(0, **value);
    return success();
  }
  for (const onnx::AttributeProto &given : node.message().attribute()) {
    const onnx::AttributeProto *attribute = node.attribute(given.name());
    if (!attribute)
      continue;
    if (given.name() == "value_float" || given.name() == "value_int") {
      bool isFloat = given.name() == "value_float";
      node.setOutput(0, isFloat ? numbersTensor<float>(node.emit, attribute->f(), true)
                                : numbersTensor<int64_t>(node.emit, attribute->i(), true));
    } else if (given.name() == "value_floats") {
      SmallVector<float> numbers(attribute->floats().begin(), attribute->floats().end());
      node.setOutput(0, numbersTensor<float>(node.emit, numbers, false));
    } else if (given.name() == "value_ints") {
      SmallVector<int64_t> numbers(attribute->ints().begin(), attribute->ints().end());
      node.setOutput(0, numbersTensor<int64_t>(node.emit, numbers, false));
    } else {
      return node.error() << "expects a value of numbers, but got attribute '" << given.name() << "'";
    }
    return success();
  }
  return node.error() << "expects attribute 'value'";
}

static LogicalResult constantOfShape(Node &node) {
  Emitter &emit = node.emit;
  FailureOr<Sizes> sizes = node.extents(0);
  FailureOr<std::optional<Tensor>> value = node.tensorAttribute("value");
  if (failed(sizes) || failed(value))
    return failure();
  if (!*value) {
    node.setOutput(0, emit.wrap(emit.splat(emit.builder.getF32Type(), *sizes, 0), *sizes));
    return success();
  }
  if ((*value)->elementCount() != 1)
    return node.error() << "expects a value of one element, but got " << (*value)->type();
  Tensor scalar = emit.reshape(**value, {});
  Tensor shape{Value(), scalar.elementType, *sizes, scalar.isUnsigned, std::nullopt};
  std::optional<int64_t> count = shape.elementCount();
  if (scalar.elements && count && *count <= maxShapeElements) {
    node.setOutput(0, emit.shapeValue(Sizes(*count, scalar.elements->front()), *sizes, scalar.elementType));
    return success();
  }
  node.setOutput(0, emit.broadcast(scalar, *sizes));
  return success();
}

/// 1 where column == row + k, else 0.
static LogicalResult eyeLike(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &like = node.shapeInput(0);
  if (like.rank() != 2)
    return node.error() << "expects an input of rank 2, but got " << like.type();
  std::pair<Type, bool> type = {like.elementType, like.isUnsigned};
  if (node.attribute("dtype")) {
    FailureOr<std::pair<Type, bool>> given = node.elementType(node.intAttribute("dtype", 0));
    if (failed(given))
      return failure();
    type = *given;
  }
  Value shift = emit.math.value(emit.math.constant(node.intAttribute("k", 0)));
  auto body = [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange) -> Value {
    Value column = arith::AddIOp::create(b, loc, indices[0], shift);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, indices[1], column);
  };
  Tensor diagonal = emit.generate(emit.builder.getI1Type(), like.sizes, {}, body);
  node.setOutput(0, emit.cast(diagonal, type.first, type.second));
  return success();
}

static LogicalResult shapeOf(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.shapeInput(0);
  auto clamp = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + x.rank() : axis, 0, x.rank()); };
  int64_t start = clamp(node.intAttribute("start", 0)), end = clamp(node.intAttribute("end", x.rank()));
  Sizes sizes(ArrayRef(x.sizes).slice(start, std::max<int64_t>(end - start, 0)));
  Size count = emit.math.constant(sizes.size());
  node.setOutput(0, emit.shapeValue(sizes, {count}, emit.builder.getI64Type()));
  return success();
}

static LogicalResult sizeOf(Node &node) {
  Emitter &emit = node.emit;
  Size count = emit.math.product(node.shapeInput(0).sizes);
  node.setOutput(0, emit.shapeValue({count}, {}, emit.builder.getI64Type()));
  return success();
}

//===- Range ---------------------------------------------------------------===//

/// start, start + delta, ... below limit, for integers.
static LogicalResult integerRange(Node &node) {
  Emitter &emit = node.emit;
  SizeMath &math = emit.math;
  Type type = node.shapeInput(0).elementType;
  Size numbers[3];
  for (size_t i = 0; i < 3; ++i) {
    FailureOr<Sizes> element = node.elements(i);
    if (failed(element))
      return failure();
    if (element->size() != 1)
      return node.error() << "expects input " << i << " to be a scalar";
    numbers[i] = element->front();
  }
  auto [start, limit, delta] = numbers;
  std::optional<int64_t> step = SizeMath::known(delta);
  if (step == 0)
    return node.error() << "expects delta other than 0";
  Size up = math.sub(limit, start), down = math.sub(start, limit), back = math.sub(math.constant(0), delta);
  Size descends = math.less(delta, math.constant(0));
  Size distance = math.max(math.select(descends, down, up), math.constant(0));
  Size count = math.ceilDiv(distance, math.select(descends, back, delta));
  if (std::optional<int64_t> known = SizeMath::known(count); known && *known <= maxShapeElements) {
    Sizes elements;
    for (int64_t i = 0; i < *known; ++i)
      elements.push_back(math.add(start, math.mul(math.constant(i), delta)));
    node.setOutput(0, emit.shapeValue(elements, {count}, type));
    return success();
  }
  Value first = math.value(start), stride = math.value(delta);
  auto body = [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange) -> Value {
    Value element = arith::AddIOp::create(b, loc, first, arith::MulIOp::create(b, loc, indices[0], stride));
    return arith::IndexCastOp::create(b, loc, type, element);
  };
  node.setOutput(0, emit.generate(type, {count}, {}, body));
  return success();
}

/// The number that a constant float tensor of one element holds.
static std::optional<double> constantFloat(const Tensor &tensor) {
  DenseElementsAttr elements;
  if (!tensor.value || !matchPattern(tensor.value, m_Constant(&elements)) || elements.getNumElements() != 1)
    return std::nullopt;
  APFloat number = elements.getSplatValue<APFloat>();
  bool losesInfo;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToDouble();
}

static LogicalResult floatRange(Node &node) {
  Emitter &emit = node.emit;
  Type type = node.shapeInput(0).elementType;
  double numbers[3];
  for (size_t i = 0; i < 3; ++i) {
    std::optional<double> number = constantFloat(node.input(i));
    if (!number)
      return node.error() << "expects input " << i << " of a float range to be a constant scalar";
    numbers[i] = *number;
  }
  auto [start, limit, delta] = numbers;
  double count = std::max(std::ceil((limit - start) / delta), 0.0);
  if (!(count < double(int64_t(1) << 40)))
    return node.error() << "expects a finite range, but got " << start << " to " << limit << " by " << delta;
  Sizes sizes = {emit.math.constant(static_cast<int64_t>(count))};
  auto body = [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange) -> Value {
    Type wide = b.getF64Type();
    Value index = arith::IndexCastOp::create(b, loc, b.getI64Type(), indices[0]);
    Value offset = arith::MulFOp::create(b, loc, arith::SIToFPOp::create(b, loc, wide, index),
                                         arith::ConstantOp::create(b, loc, b.getF64FloatAttr(delta)));
    Value element = arith::AddFOp::create(b, loc, arith::ConstantOp::create(b, loc, b.getF64FloatAttr(start)), offset);
    return type == wide ? element : Value(arith::TruncFOp::create(b, loc, type, element));
  };
  node.setOutput(0, emit.generate(type, sizes, {}, body));
  return success();
}

static LogicalResult range(Node &node) {
  if (failed(node.requireSameTypes()))
    return failure();
  return isa<FloatType>(node.shapeInput(0).elementType) ? floatRange(node) : integerRange(node);
}

//===- If ------------------------------------------------------------------===//

/// A branch chosen by a constant condition, imported in place.
static LogicalResult ifOp(Node &node) {
  const Tensor &condition = node.shapeInput(0);
  std::optional<int64_t> known;
  if (condition.elements && condition.elements->size() == 1)
    known = SizeMath::known(condition.elements->front());
  if (!known)
    return node.error() << "expects a condition that is constant when the model is compiled";
  FailureOr<SmallVector<Tensor>> results = node.graphAttribute(*known ? "then_branch" : "else_branch");
  if (failed(results))
    return failure();
  for (auto [i, tensor] : llvm::enumerate(*results))
    node.setOutput(i, tensor);
  return success();
}

static const OpHandler table[] = {
    {"Constant", 0, 0, TypeClass::Any, constant}, {"ConstantOfShape", 1, 1, TypeClass::Integer, constantOfShape},
    {"EyeLike", 1, 1, TypeClass::Any, eyeLike},   {"If", 1, 1, TypeClass::Bool, ifOp},
    {"Range", 3, 3, TypeClass::Numeric, range},   {"Shape", 1, 1, TypeClass::Any, shapeOf},
    {"Size", 1, 1, TypeClass::Any, sizeOf},
};

ArrayRef<OpHandler> thresh::creationHandlers() { return table; }
