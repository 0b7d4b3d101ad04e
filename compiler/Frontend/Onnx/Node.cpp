//===- Node.cpp - Inputs, attributes and outputs of an ONNX node ---------===//
#include "compiler/Frontend/Onnx/Node.h"

#include "compiler/Frontend/Onnx/Importer.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/APSInt.h"

using namespace mlir;
using namespace thresh;

Node::Node(Importer &importer, Scope &scope, const onnx::NodeProto &proto, Emitter &emit)
    : emit(emit), importer(importer), scope(scope), proto(proto),
      version(scope.opsets.lookup(proto.domain() == "ai.onnx" ? "" : proto.domain())) {
  outputs.resize(proto.output_size());
}

StringRef Node::opType() const { return proto.op_type(); }

InFlightDiagnostic Node::error() {
  hasError = true;
  return emit.error();
}

//===- Inputs --------------------------------------------------------------===//

LogicalResult Node::resolveInputs() {
  for (const std::string &name : proto.input()) {
    bool isAbsent = name.empty() || scope.absent.contains(name);
    inputs.push_back(isAbsent ? nullptr : importer.lookUp(scope, name));
    if (!isAbsent && !inputs.back())
      return failure();
  }
  return success();
}

const Tensor &Node::input(size_t index) {
  Tensor &tensor = *inputs[index];
  tensor.value = emit.value(tensor);
  return tensor;
}

/// The numbers of a small constant of a type that is not tracked, toward zero where they are floats.
static std::optional<Sizes> knownElements(Emitter &emit, const Tensor &tensor) {
  DenseElementsAttr constant;
  if (!tensor.value || !matchPattern(tensor.value, m_Constant(&constant)) ||
      constant.getNumElements() > maxShapeElements)
    return std::nullopt;
  Sizes elements;
  if (isa<FloatType>(tensor.elementType)) {
    for (const APFloat &number : constant.getValues<APFloat>()) {
      APSInt integer(64, /*isUnsigned=*/false);
      bool isExact;
      if (number.convertToInteger(integer, APFloat::rmTowardZero, &isExact) == APFloat::opInvalidOp)
        return std::nullopt;
      elements.push_back(emit.math.constant(integer.getSExtValue()));
    }
    return elements;
  }
  for (const APInt &number : constant.getValues<APInt>())
    elements.push_back(emit.math.constant(tensor.isUnsigned ? number.getZExtValue() : number.getSExtValue()));
  return elements;
}

FailureOr<Sizes> Node::elements(size_t index) {
  const Tensor &tensor = shapeInput(index);
  if (tensor.elements)
    return *tensor.elements;
  if (std::optional<Sizes> known = knownElements(emit, tensor))
    return *known;
  std::optional<int64_t> count = tensor.elementCount();
  if (!isa<IntegerType>(tensor.elementType) || tensor.rank() > 1 || !count || *count > maxShapeElements)
    return error() << "expects input " << index << " to be an integer tensor of rank 0 or 1 with at most "
                   << maxShapeElements << " elements, but got " << tensor.type();
  Sizes elements;
  for (int64_t i = 0; i < *count; ++i) {
    SmallVector<Value> indices;
    if (tensor.rank() == 1)
      indices.push_back(emit.math.value(emit.math.constant(i)));
    Value element = tensor::ExtractOp::create(emit.builder, input(index).value, indices);
    elements.push_back(Value(arith::IndexCastOp::create(emit.builder, emit.builder.getIndexType(), element)));
  }
  return elements;
}

FailureOr<Sizes> Node::extents(size_t index) {
  FailureOr<Sizes> sizes = elements(index);
  if (mlir::failed(sizes))
    return failure();
  SmallVector<int64_t> known;
  for (Size size : *sizes)
    known.push_back(SizeMath::known(size).value_or(1));
  if (checkedBytes(known, emit.builder.getI8Type()))
    return sizes;
  InFlightDiagnostic diagnostic = error() << "expects sizes >= 0 and less than 2^62 elements as input " << index
                                          << ", but got [";
  llvm::interleaveComma(known, diagnostic);
  return diagnostic << "]";
}

FailureOr<SmallVector<int64_t>> Node::constants(size_t index) {
  SmallVector<int64_t> numbers;
  const Tensor &tensor = shapeInput(index);
  if (tensor.elements)
    for (Size element : *tensor.elements)
      if (std::optional<int64_t> number = SizeMath::known(element))
        numbers.push_back(*number);
  if (!tensor.elements || numbers.size() != tensor.elements->size())
    return error() << "expects input " << index << " ('" << proto.input(static_cast<int>(index))
                   << "') to be an integer constant of at most " << maxShapeElements << " elements";
  return numbers;
}

//===- Attributes ----------------------------------------------------------===//

const onnx::AttributeProto *Node::attribute(StringRef name) const {
  for (const onnx::AttributeProto &attribute : proto.attribute()) {
    if (attribute.name() != name)
      continue;
    return attribute.ref_attr_name().empty() ? &attribute : scope.callAttributes.lookup(attribute.ref_attr_name());
  }
  return nullptr;
}

/// `attribute` if it is there and of `type`; an error for another type.
static const onnx::AttributeProto *typed(Node &node, StringRef name, onnx::AttributeProto::AttributeType type) {
  const onnx::AttributeProto *attribute = node.attribute(name);
  if (!attribute || attribute->type() == type)
    return attribute;
  node.error() << "expects attribute '" << name << "' of kind " << onnx::AttributeProto::AttributeType_Name(type)
               << ", but got " << onnx::AttributeProto::AttributeType_Name(attribute->type());
  return nullptr;
}

int64_t Node::intAttribute(StringRef name, int64_t otherwise) {
  const onnx::AttributeProto *attribute = typed(*this, name, onnx::AttributeProto::INT);
  return attribute ? attribute->i() : otherwise;
}

double Node::floatAttribute(StringRef name, double otherwise) {
  const onnx::AttributeProto *attribute = typed(*this, name, onnx::AttributeProto::FLOAT);
  return attribute ? static_cast<double>(attribute->f()) : otherwise;
}

std::string Node::stringAttribute(StringRef name, StringRef otherwise) {
  const onnx::AttributeProto *attribute = typed(*this, name, onnx::AttributeProto::STRING);
  return attribute ? attribute->s() : otherwise.str();
}

std::optional<SmallVector<int64_t>> Node::intsAttribute(StringRef name) {
  const onnx::AttributeProto *attribute = typed(*this, name, onnx::AttributeProto::INTS);
  if (!attribute)
    return std::nullopt;
  return SmallVector<int64_t>(attribute->ints().begin(), attribute->ints().end());
}

FailureOr<std::optional<Tensor>> Node::tensorAttribute(StringRef name) {
  const onnx::AttributeProto *attribute = typed(*this, name, onnx::AttributeProto::TENSOR);
  if (!attribute)
    return std::optional<Tensor>();
  FailureOr<Tensor> tensor = importer.importTensor(attribute->t(), outputCount() > 0 ? proto.output(0) : "");
  if (mlir::failed(tensor))
    return failure();
  return std::optional<Tensor>(*tensor);
}

FailureOr<SmallVector<Tensor>> Node::graphAttribute(StringRef name) {
  const onnx::AttributeProto *attribute = typed(*this, name, onnx::AttributeProto::GRAPH);
  if (!attribute)
    return error() << "expects a graph as attribute '" << name << "'";
  return importer.importSubgraph(attribute->g(), scope);
}

FailureOr<std::optional<SmallVector<int64_t>>> Node::intsFromAttributeOrInput(StringRef name, size_t index) {
  if (!hasInput(index))
    return intsAttribute(name);
  FailureOr<SmallVector<int64_t>> numbers = constants(index);
  if (mlir::failed(numbers))
    return failure();
  return std::optional<SmallVector<int64_t>>(*numbers);
}

FailureOr<int64_t> Node::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return error() << "expects an axis in [" << -rank << ", " << rank << "), but got " << axis;
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> Node::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normalized = normalizeAxis(axis, rank);
    if (mlir::failed(normalized))
      return failure();
    if (llvm::is_contained(result, *normalized))
      return error() << "expects each axis once, but got " << axis << " twice";
    result.push_back(*normalized);
  }
  return result;
}

//===- Outputs and types ---------------------------------------------------===//

size_t Node::outputCount() const { return outputs.size(); }

bool Node::wantsOutput(size_t index) const {
  return index < outputs.size() && !proto.output(static_cast<int>(index)).empty();
}

void Node::setOutput(size_t index, Tensor tensor) {
  if (wantsOutput(index))
    outputs[index] = std::move(tensor);
}

LogicalResult Node::requireSameTypes() {
  const Tensor &first = shapeInput(0);
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (!hasInput(i))
      continue;
    const Tensor &tensor = shapeInput(i);
    if (tensor.elementType != first.elementType || tensor.isUnsigned != first.isUnsigned)
      return error() << "expects inputs of one element type, but got " << first.elementType << " and "
                     << tensor.elementType;
  }
  return success();
}

LogicalResult Node::requireEqual(Size a, Size b, StringRef what) {
  if (a == b)
    return success();
  std::optional<int64_t> first = SizeMath::known(a), second = SizeMath::known(b);
  if (first && second)
    return error() << "expects equal " << what << ", but got " << *first << " and " << *second;
  emit.checkEqual(a, b, ("expects equal " + what + ", but got %lld and %lld").str());
  return success();
}

FailureOr<std::pair<Type, bool>> Node::elementType(int64_t dataType) {
  FailureOr<ElementType> type = convertElementType(static_cast<int32_t>(dataType), emit.builder.getLoc());
  if (mlir::failed(type)) {
    hasError = true;
    return failure();
  }
  return std::make_pair(type->type, type->isUnsigned);
}
