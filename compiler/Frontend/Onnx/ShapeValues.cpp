//===- ShapeValues.cpp - Shape arithmetic, element by element ------------===//
//
// Exporters compute shapes with ordinary nodes: Shape, Gather, Concat, Mul, Slice and so on over small integer tensors.
// Where every input of such a node is known element by element, its result is too, and no tensor op is emitted.
//
//===----------------------------------------------------------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

using namespace mlir;
using namespace thresh;

namespace {

/// Computes the outputs of a node whose inputs are shape values; false when it cannot.
using Evaluator = bool (*)(Node &node);

struct Entry {
  const char *op;
  Evaluator evaluate;
};

SmallVector<int64_t> knownShape(const Tensor &tensor) { return tensor.staticShape(); }

const Sizes &elementsOf(Node &node, size_t input) { return *node.shapeInput(input).elements; }

/// The only element of an input.
std::optional<int64_t> knownScalar(Node &node, size_t input) {
  const Sizes &elements = elementsOf(node, input);
  return elements.size() == 1 ? SizeMath::known(elements.front()) : std::nullopt;
}

/// A known number as `type` holds it.
Size wrapTo(Emitter &emit, Size size, Type type) {
  std::optional<int64_t> number = SizeMath::known(size);
  if (number && type.isInteger(32))
    return emit.math.constant(static_cast<int32_t>(*number));
  return size;
}

void setElements(Node &node, Sizes elements, ArrayRef<int64_t> shape, Type type) {
  for (Size &element : elements)
    element = wrapTo(node.emit, element, type);
  node.setOutput(0, node.emit.shapeValue(std::move(elements), node.emit.math.constants(shape), type));
}

/// numpy broadcasting of known shapes; nothing when they do not fit.
std::optional<SmallVector<int64_t>> broadcastShape(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> shape(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return std::nullopt;
    shape[shape.size() - 1 - i] = x == 1 ? y : x;
  }
  return shape;
}

int64_t countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// The elements of `tensor` broadcast to `shape`.
Sizes broadcastElements(const Tensor &tensor, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> from = knownShape(tensor);
  Sizes result;
  for (int64_t flat = 0, count = countOf(shape); flat < count; ++flat) {
    int64_t rest = flat, position = 0, stride = 1;
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t index = rest % shape[shape.size() - 1 - i];
      rest /= shape[shape.size() - 1 - i];
      if (i >= from.size())
        continue;
      int64_t extent = from[from.size() - 1 - i];
      position += (extent == 1 ? 0 : index) * stride;
      stride *= extent;
    }
    result.push_back((*tensor.elements)[position]);
  }
  return result;
}

/// Inputs broadcast together, combined by `fn` from the left.
template <typename Fn> bool combine(Node &node, Type type, Fn fn) {
  SmallVector<int64_t> shape = knownShape(node.shapeInput(0));
  for (size_t i = 1; i < node.inputCount(); ++i) {
    std::optional<SmallVector<int64_t>> common = broadcastShape(shape, knownShape(node.shapeInput(i)));
    if (!common)
      return false;
    shape = *common;
  }
  if (countOf(shape) > maxShapeElements)
    return false;
  Sizes result = broadcastElements(node.shapeInput(0), shape);
  for (size_t i = 1; i < node.inputCount(); ++i)
    for (auto [element, other] : llvm::zip_equal(result, broadcastElements(node.shapeInput(i), shape)))
      element = fn(node.emit.math, element, other);
  setElements(node, result, shape, type);
  return true;
}

using Method = Size (SizeMath::*)(Size, Size);

bool sameTypes(Node &node) {
  for (size_t i = 1; i < node.inputCount(); ++i)
    if (node.shapeInput(i).elementType != node.shapeInput(0).elementType)
      return false;
  return true;
}

template <Method method> bool arithmetic(Node &node) {
  return sameTypes(node) && combine(node, node.shapeInput(0).elementType,
                                    [](SizeMath &math, Size a, Size b) { return (math.*method)(a, b); });
}

/// Division and remainder, left to the tensor op where the divisor may be 0.
template <Method method> bool quotient(Node &node) {
  bool nonZero =
      llvm::all_of(elementsOf(node, 1), [](Size divisor) { return SizeMath::known(divisor).value_or(0) != 0; });
  return nonZero && node.intAttribute("fmod", 0) == 0 && arithmetic<method>(node);
}

/// `method(a, b)`, or of (b, a), or its opposite: the comparisons from `less` and `equal`.
template <Method method, bool swaps, bool negates> bool compare(Node &node) {
  return sameTypes(node) && combine(node, node.emit.builder.getI1Type(), [](SizeMath &math, Size a, Size b) {
           Size result = swaps ? (math.*method)(b, a) : (math.*method)(a, b);
           return negates ? math.sub(math.constant(1), result) : result;
         });
}

bool logicalNot(Node &node) {
  Sizes result;
  for (Size element : elementsOf(node, 0))
    result.push_back(node.emit.math.sub(node.emit.math.constant(1), element));
  setElements(node, result, knownShape(node.shapeInput(0)), node.shapeInput(0).elementType);
  return true;
}

bool negate(Node &node) {
  Sizes result;
  for (Size element : elementsOf(node, 0))
    result.push_back(node.emit.math.sub(node.emit.math.constant(0), element));
  setElements(node, result, knownShape(node.shapeInput(0)), node.shapeInput(0).elementType);
  return true;
}

bool where(Node &node) {
  const Tensor &condition = node.shapeInput(0), &x = node.shapeInput(1), &y = node.shapeInput(2);
  std::optional<SmallVector<int64_t>> shape = broadcastShape(knownShape(x), knownShape(y));
  if (shape)
    shape = broadcastShape(*shape, knownShape(condition));
  if (!shape || countOf(*shape) > maxShapeElements || x.elementType != y.elementType)
    return false;
  Sizes result;
  for (auto [choice, a, b] : llvm::zip_equal(broadcastElements(condition, *shape), broadcastElements(x, *shape),
                                             broadcastElements(y, *shape)))
    result.push_back(node.emit.math.select(choice, a, b));
  setElements(node, result, *shape, x.elementType);
  return true;
}

bool cast(Node &node) {
  FailureOr<std::pair<Type, bool>> type = node.elementType(node.intAttribute("to", 0));
  if (failed(type))
    return false;
  bool tracked = type->first.isInteger(1) || type->first.isInteger(32) || type->first.isInteger(64);
  if (!tracked || type->second)
    return false;
  SizeMath &math = node.emit.math;
  Sizes result = elementsOf(node, 0);
  if (type->first.isInteger(1))
    for (Size &element : result)
      element = math.sub(math.constant(1), math.equal(element, math.constant(0)));
  setElements(node, result, knownShape(node.shapeInput(0)), type->first);
  return true;
}

bool concat(Node &node) {
  Sizes result;
  if (!sameTypes(node))
    return false;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    if (node.shapeInput(i).rank() != 1)
      return false;
    llvm::append_range(result, elementsOf(node, i));
  }
  int64_t count = static_cast<int64_t>(result.size());
  if (count > maxShapeElements)
    return false;
  setElements(node, result, count, node.shapeInput(0).elementType);
  return true;
}

/// Rank-1 data at known indices.
bool gather(Node &node) {
  const Sizes &data = elementsOf(node, 0);
  if (node.shapeInput(0).rank() != 1)
    return false;
  Sizes result;
  for (Size element : elementsOf(node, 1)) {
    std::optional<int64_t> index = SizeMath::known(element);
    int64_t count = static_cast<int64_t>(data.size());
    if (!index || *index < -count || *index >= count)
      return false;
    result.push_back(data[*index < 0 ? *index + count : *index]);
  }
  setElements(node, result, knownShape(node.shapeInput(1)), node.shapeInput(0).elementType);
  return true;
}

/// Rank-1 data between known positions.
bool slice(Node &node) {
  const Sizes &data = elementsOf(node, 0);
  if (node.shapeInput(0).rank() != 1)
    return false;
  int64_t count = static_cast<int64_t>(data.size());
  std::optional<int64_t> start = knownScalar(node, 1), end = knownScalar(node, 2);
  std::optional<int64_t> step = node.hasInput(4) ? knownScalar(node, 4) : 1;
  if (!start || !end || !step || *step == 0)
    return false;
  int64_t least = *step < 0 ? -1 : 0, most = *step < 0 ? count - 1 : count;
  auto position = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + count : at, least, most); };
  int64_t stride = std::clamp<int64_t>(*step, -maxShapeElements, maxShapeElements);
  int64_t first = std::max<int64_t>(position(*start), 0), last = position(*end);
  Sizes result;
  for (int64_t i = first; stride > 0 ? i < last : i > last && i < count; i += stride)
    result.push_back(data[i]);
  setElements(node, result, static_cast<int64_t>(result.size()), node.shapeInput(0).elementType);
  return true;
}

/// All elements of rank-1 data into one.
template <Method method> bool reduce(Node &node) {
  const Sizes &data = elementsOf(node, 0);
  bool noop = node.intAttribute("noop_with_empty_axes", 0) != 0;
  if (node.shapeInput(0).rank() != 1 || data.empty() || noop)
    return false;
  Size result = data.front();
  for (Size element : ArrayRef(data).drop_front())
    result = (node.emit.math.*method)(result, element);
  SmallVector<int64_t> shape(node.intAttribute("keepdims", 1) != 0 ? 1 : 0, 1);
  setElements(node, {result}, shape, node.shapeInput(0).elementType);
  return true;
}

bool expand(Node &node) {
  SmallVector<int64_t> target;
  for (Size element : elementsOf(node, 1))
    target.push_back(SizeMath::known(element).value_or(-1));
  if (llvm::any_of(target, [](int64_t extent) { return extent < 0 || extent > maxShapeElements; }))
    return false;
  std::optional<SmallVector<int64_t>> shape = broadcastShape(knownShape(node.shapeInput(0)), target);
  if (!shape || shape->size() > 8 || countOf(*shape) > maxShapeElements)
    return false;
  setElements(node, broadcastElements(node.shapeInput(0), *shape), *shape, node.shapeInput(0).elementType);
  return true;
}

constexpr Entry table[] = {
    {"Add", arithmetic<&SizeMath::add>},
    {"And", arithmetic<&SizeMath::logicalAnd>},
    {"Cast", cast},
    {"Concat", concat},
    {"Div", quotient<&SizeMath::div>},
    {"Equal", compare<&SizeMath::equal, false, false>},
    {"Expand", expand},
    {"Gather", gather},
    {"Greater", compare<&SizeMath::less, true, false>},
    {"GreaterOrEqual", compare<&SizeMath::less, false, true>},
    {"Less", compare<&SizeMath::less, false, false>},
    {"LessOrEqual", compare<&SizeMath::less, true, true>},
    {"Max", arithmetic<&SizeMath::max>},
    {"Min", arithmetic<&SizeMath::min>},
    {"Mod", quotient<&SizeMath::mod>},
    {"Mul", arithmetic<&SizeMath::mul>},
    {"Neg", negate},
    {"Not", logicalNot},
    {"Or", arithmetic<&SizeMath::logicalOr>},
    {"ReduceMax", reduce<&SizeMath::max>},
    {"ReduceMin", reduce<&SizeMath::min>},
    {"ReduceProd", reduce<&SizeMath::mul>},
    {"ReduceSum", reduce<&SizeMath::add>},
    {"Slice", slice},
    {"Sub", arithmetic<&SizeMath::sub>},
    {"Where", where},
};

} // namespace

FailureOr<bool> thresh::evaluateShapeValue(Node &node) {
  const Entry *entry = llvm::find_if(table, [&](const Entry &candidate) { return node.opType() == candidate.op; });
  if (entry == std::end(table) || node.inputCount() == 0)
    return false;
  for (size_t i = 0; i < node.inputCount(); ++i)
    if (node.hasInput(i) ? !node.shapeInput(i).elements.has_value() : i < 3)
      return false;
  bool done = entry->evaluate(node);
  if (node.failed())
    return failure();
  return done;
}
