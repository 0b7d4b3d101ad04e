//===- Indexing.cpp - Gather, scatter, top-k and masks -------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace thresh;

//===- Index tensors -------------------------------------------------------===//

static Tensor gatherAlong(Emitter &emit, const Tensor &data, const Tensor &indices, int64_t axis) {
  Sizes sizes(ArrayRef(data.sizes).take_front(axis));
  llvm::append_range(sizes, indices.sizes);
  llvm::append_range(sizes, ArrayRef(data.sizes).drop_front(axis + 1));
  Tensor result{Value(), data.elementType, sizes, data.isUnsigned, std::nullopt};
  result.value = GatherOp::create(emit.builder, result.type(), emit.value(data), emit.value(indices), axis);
  return result;
}

/// Indices in [-extent, extent) as i64 in [0, extent): thresh.gather of 0, 1, 2, ... counts negative ones from the end
/// and stops the call for one outside.
static Tensor normalizeIndices(Emitter &emit, const Tensor &indices, Size extent) {
  auto body = [](OpBuilder &b, Location loc, ValueRange at, ValueRange) -> Value {
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), at[0]);
  };
  return gatherAlong(emit, emit.generate(emit.builder.getI64Type(), {extent}, {}, body), indices, 0);
}

static LogicalResult requireIndices(Node &node, size_t index) {
  Type type = node.shapeInput(index).elementType;
  if (type.isInteger(64) || type.isInteger(32))
    return success();
  return node.error() << "expects int32 or int64 indices, but got " << type;
}

/// Whether all sizes but that of `axis` are known to be 1.
static bool isVector(const Tensor &tensor, int64_t axis) {
  for (auto [i, size] : llvm::enumerate(tensor.sizes))
    if (int64_t(i) != axis && !SizeMath::isKnown(size, 1))
      return false;
  return true;
}

//===- Gather --------------------------------------------------------------===//

static LogicalResult gather(Node &node) {
  const Tensor &data = node.input(0);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", 0), data.rank());
  if (failed(axis) || failed(requireIndices(node, 1)))
    return failure();
  node.setOutput(0, gatherAlong(node.emit, data, node.input(1), *axis));
  return success();
}

/// y[i, j, k] = x[i, indices[i, j, k], k] for axis 1.
static LogicalResult gatherElements(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &data = node.input(0), &indices = node.input(1);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", 0), data.rank());
  if (failed(axis) || failed(requireIndices(node, 1)))
    return failure();
  if (indices.rank() != data.rank())
    return node.error() << "expects indices of rank " << data.rank() << ", but got " << indices.type();
  if (isVector(data, *axis) && isVector(indices, *axis)) {
    Tensor flat =
        gatherAlong(emit, emit.reshape(data, data.sizes[*axis]), emit.reshape(indices, indices.sizes[*axis]), 0);
    node.setOutput(0, emit.reshape(flat, indices.sizes));
    return success();
  }
  for (int64_t i = 0; i < data.rank(); ++i) {
    std::optional<int64_t> most = SizeMath::known(data.sizes[i]), wanted = SizeMath::known(indices.sizes[i]);
    if (i != *axis && most && wanted && *wanted > *most)
      return node.error() << "expects indices no larger than the data along dimension " << i << ", but got "
                          << indices.type();
    if (i != *axis && indices.sizes[i] != data.sizes[i] && !(most && wanted))
      emit.checkEqual(emit.math.max(indices.sizes[i], data.sizes[i]), data.sizes[i],
                      "indices of size %lld exceed the data's %lld");
  }
  Tensor positions = normalizeIndices(emit, indices, data.sizes[*axis]);
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange inputs) -> Value {
    SmallVector<Value> source(at.begin(), at.end());
    source[*axis] = arith::IndexCastOp::create(b, loc, b.getIndexType(), inputs[0]);
    return tensor::ExtractOp::create(b, loc, data.value, source);
  };
  node.setOutput(0, emit.generate(data.elementType, indices.sizes, positions, body, data.isUnsigned));
  return success();
}

/// The columns of an index tensor [.., count], each of shape [..] and normalised against the extent it indexes.
static SmallVector<Tensor> indexColumns(Emitter &emit, const Tensor &indices, int64_t count, ArrayRef<Size> extents) {
  SmallVector<Tensor> columns;
  Sizes offsets(indices.rank(), emit.math.constant(0)), strides(indices.rank(), emit.math.constant(1));
  Sizes sizes = indices.sizes;
  sizes.back() = emit.math.constant(1);
  for (int64_t i = 0; i < count; ++i) {
    offsets.back() = emit.math.constant(i);
    Tensor column = emit.reshape(emit.slice(indices, offsets, sizes, strides), ArrayRef(sizes).drop_back());
    columns.push_back(normalizeIndices(emit, column, extents[i]));
  }
  return columns;
}

/// y[b.., i.., s..] = x[b.., indices[b.., i.., :].., s..]
static LogicalResult gatherNd(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &data = node.input(0), &indices = node.input(1);
  int64_t batch = node.intAttribute("batch_dims", 0);
  if (failed(requireIndices(node, 1)))
    return failure();
  std::optional<int64_t> count = indices.rank() > 0 ? SizeMath::known(indices.sizes.back()) : std::nullopt;
  if (!count || batch < 0 || batch >= std::min(data.rank(), indices.rank()) || *count + batch > data.rank())
    return node.error() << "expects indices [.., n] with n + batch_dims <= the data's rank, but got " << indices.type()
                        << " for " << data.type();
  for (int64_t i = 0; i < batch; ++i)
    if (data.sizes[i] != indices.sizes[i])
      return node.error() << "expects equal batch dimensions, but got " << data.type() << " and " << indices.type();
  SmallVector<Tensor> columns = indexColumns(emit, indices, *count, ArrayRef(data.sizes).drop_front(batch));
  int64_t outer = indices.rank() - 1;
  Sizes sizes(ArrayRef(indices.sizes).drop_back());
  llvm::append_range(sizes, ArrayRef(data.sizes).drop_front(batch + *count));
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) -> Value {
    SmallVector<Value> source(at.take_front(batch));
    for (const Tensor &column : columns) {
      Value index = tensor::ExtractOp::create(b, loc, column.value, at.take_front(outer));
      source.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), index));
    }
    llvm::append_range(source, at.drop_front(outer));
    return tensor::ExtractOp::create(b, loc, data.value, source);
  };
  node.setOutput(0, emit.generate(data.elementType, sizes, {}, body, data.isUnsigned));
  return success();
}

//===- Scatter -------------------------------------------------------------===//

namespace {
enum class ScatterKind { Replace, Add, Mul, Max, Min };
} // namespace

static FailureOr<ScatterKind> scatterKind(Node &node) {
  static constexpr std::pair<const char *, ScatterKind> names[] = {{"none", ScatterKind::Replace},
                                                                   {"add", ScatterKind::Add},
                                                                   {"mul", ScatterKind::Mul},
                                                                   {"max", ScatterKind::Max},
                                                                   {"min", ScatterKind::Min}};
  std::string given = node.stringAttribute("reduction", "none");
  for (auto [name, kind] : names)
    if (given == name)
      return kind;
  return node.error() << "expects reduction none, add, mul, max or min, but got '" << given << "'";
}

/// What an element becomes when an update meets it.
static Value combine(OpBuilder &b, Location loc, ScatterKind kind, Value old, Value update, bool isUnsigned) {
  Emitter scalar(loc, b);
  switch (kind) {
  case ScatterKind::Replace: return update;
  case ScatterKind::Add: return scalar.add(old, update);
  case ScatterKind::Mul: return scalar.mul(old, update);
  case ScatterKind::Max: return scalar.max(old, update, isUnsigned);
  case ScatterKind::Min: return scalar.min(old, update, isUnsigned);
  }
  return {};
}

/// Scatters as a reduction over the updates, in their order: every element of `data` takes in those whose indices match
/// its own. The loops are the dimensions of `data`, then the updates'. `maps` address the index tensors, then
/// `updates`.
static Tensor scatterByMatching(Emitter &emit, ScatterKind kind, const Tensor &data, ArrayRef<Tensor> indices,
                                ArrayRef<int64_t> dimensions, const Tensor &updates, SmallVector<AffineMap> maps) {
  SmallVector<Value> operands;
  for (const Tensor &index : indices)
    operands.push_back(index.value);
  operands.push_back(updates.value);
  unsigned rank = data.rank(), loops = maps.front().getNumDims();
  maps.push_back(AffineMap::getMultiDimIdentityMap(loops, emit.builder.getContext()).getMajorSubMap(rank));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.resize(loops, utils::IteratorType::reduction);
  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    Value matches;
    for (auto [i, dimension] : llvm::enumerate(dimensions)) {
      Value own = arith::IndexCastOp::create(b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, dimension));
      Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, own, arguments[i]);
      matches = matches ? Value(arith::AndIOp::create(b, loc, matches, same)) : same;
    }
    Value old = arguments.back(), update = arguments[dimensions.size()];
    Value next = combine(b, loc, kind, old, update, data.isUnsigned);
    linalg::YieldOp::create(b, loc, matches ? Value(arith::SelectOp::create(b, loc, matches, next, old)) : next);
  };
  Value result =
      linalg::GenericOp::create(emit.builder, data.type(), operands, data.value, maps, iterators, body).getResult(0);
  return emit.like(data, result);
}

/// `tensor` padded at the end with `fill` to the sizes of `data`, but for `axis`.
static Tensor padTo(Emitter &emit, const Tensor &tensor, const Tensor &data, int64_t axis, int64_t fill) {
  Sizes low(data.rank(), emit.math.constant(0)), high, sizes = data.sizes;
  sizes[axis] = tensor.sizes[axis];
  if (sizes == tensor.sizes)
    return tensor;
  for (int64_t i = 0; i < data.rank(); ++i)
    high.push_back(emit.math.sub(sizes[i], tensor.sizes[i]));
  Value number =
      isa<FloatType>(tensor.elementType)
          ? Value(arith::ConstantOp::create(emit.builder, emit.builder.getZeroAttr(tensor.elementType)))
          : Value(arith::ConstantOp::create(emit.builder, emit.builder.getIntegerAttr(tensor.elementType, fill)));
  return emit.pad(tensor, low, high, sizes, number);
}

static LogicalResult requireUpdates(Node &node, ArrayRef<int64_t> shape) {
  const Tensor &data = node.shapeInput(0), &updates = node.shapeInput(2);
  bool fits = updates.elementType == data.elementType && updates.rank() == int64_t(shape.size());
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    std::optional<int64_t> size = SizeMath::known(updates.sizes[i]);
    fits = !size || ShapedType::isDynamic(shape[i]) || *size == shape[i];
  }
  if (fits)
    return success();
  return node.error() << "expects updates of type " << RankedTensorType::get(shape, data.elementType) << ", but got "
                      << updates.type();
}

static LogicalResult scatterElements(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &data = node.input(0), &indices = node.input(1), &updates = node.input(2);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", 0), data.rank());
  FailureOr<ScatterKind> kind = scatterKind(node);
  if (failed(axis) || failed(kind) || failed(requireIndices(node, 1)))
    return failure();
  if (indices.rank() != data.rank())
    return node.error() << "expects indices of rank " << data.rank() << ", but got " << indices.type();
  if (failed(requireUpdates(node, indices.staticShape())))
    return failure();
  for (int64_t i = 0; i < data.rank(); ++i) {
    std::optional<int64_t> most = SizeMath::known(data.sizes[i]), given = SizeMath::known(indices.sizes[i]);
    if (i != *axis && data.sizes[i] != indices.sizes[i] && (!most || !given || *given > *most))
      return node.error() << "expects indices no larger than the data along dimension " << i << ", but got "
                          << indices.type() << " for " << data.type();
  }
  Tensor positions = padTo(emit, normalizeIndices(emit, indices, data.sizes[*axis]), data, *axis, -1);
  Tensor values = padTo(emit, updates, data, *axis, 0);
  SmallVector<AffineExpr> address;
  for (int64_t i = 0; i < data.rank(); ++i)
    address.push_back(emit.builder.getAffineDimExpr(i == *axis ? data.rank() : i));
  AffineMap map = AffineMap::get(data.rank() + 1, 0, address, emit.builder.getContext());
  node.setOutput(0, scatterByMatching(emit, *kind, data, positions, *axis, values, {map, map}));
  return success();
}

static LogicalResult scatterNd(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &data = node.input(0), &indices = node.input(1), &updates = node.input(2);
  FailureOr<ScatterKind> kind = scatterKind(node);
  if (failed(kind) || failed(requireIndices(node, 1)))
    return failure();
  std::optional<int64_t> count = indices.rank() > 0 ? SizeMath::known(indices.sizes.back()) : std::nullopt;
  if (!count || *count > data.rank())
    return node.error() << "expects indices [.., n] with n <= the data's rank, but got " << indices.type() << " for "
                        << data.type();
  SmallVector<int64_t> shape = llvm::to_vector(ArrayRef(indices.staticShape()).drop_back());
  llvm::append_range(shape, ArrayRef(data.staticShape()).drop_front(*count));
  if (failed(requireUpdates(node, shape)))
    return failure();
  SmallVector<Tensor> columns = indexColumns(emit, indices, *count, data.sizes);
  MLIRContext *context = emit.builder.getContext();
  int64_t outer = indices.rank() - 1, loops = data.rank() + outer;
  SmallVector<AffineExpr> address;
  for (int64_t i = 0; i < outer; ++i)
    address.push_back(emit.builder.getAffineDimExpr(data.rank() + i));
  SmallVector<AffineMap> maps(columns.size(), AffineMap::get(loops, 0, address, context));
  for (int64_t i = *count; i < data.rank(); ++i)
    address.push_back(emit.builder.getAffineDimExpr(i));
  maps.push_back(AffineMap::get(loops, 0, address, context));
  SmallVector<int64_t> dimensions = llvm::to_vector(llvm::seq<int64_t>(0, *count));
  node.setOutput(0, scatterByMatching(emit, *kind, data, columns, dimensions, updates, maps));
  return success();
}

//===- Top-k ---------------------------------------------------------------===//

/// A tensor of `sizes` whose elements `body` accumulates from zero over one more loop, the last: what ranking and
/// picking by rank share. `body` gets the inputs' elements and the accumulator.
static Tensor reducePairs(Emitter &emit, ArrayRef<Tensor> inputs, ArrayRef<AffineMap> inputMaps, Type elementType,
                          ArrayRef<Size> sizes, llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  int64_t rank = static_cast<int64_t>(sizes.size());
  Value zero = arith::ConstantOp::create(emit.builder, emit.builder.getZeroAttr(elementType));
  Value init = linalg::FillOp::create(emit.builder, zero, emit.empty(elementType, sizes)).getResult(0);
  SmallVector<Value> operands;
  for (const Tensor &input : inputs)
    operands.push_back(input.value);
  SmallVector<AffineMap> maps(inputMaps);
  maps.push_back(AffineMap::getMultiDimIdentityMap(rank + 1, emit.builder.getContext()).getMajorSubMap(rank));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  auto wrapped = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(b, loc, body(b, loc, arguments));
  };
  return emit.wrap(
      linalg::GenericOp::create(emit.builder, init.getType(), operands, init, maps, iterators, wrapped).getResult(0),
      sizes);
}

/// The k greatest (or least) along an axis, sorted, the lower index first among equals. An element's place is the
/// number of elements before it; the element of place r becomes result r.
static LogicalResult topK(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", -1), x.rank());
  FailureOr<Sizes> count = node.extents(1);
  if (failed(axis) || failed(count))
    return failure();
  if (count->size() != 1)
    return node.error() << "expects one k, but got " << count->size();
  std::optional<int64_t> k = SizeMath::known(count->front()), extent = SizeMath::known(x.sizes[*axis]);
  if (k && (*k < 0 || (extent && *k > *extent)))
    return node.error() << "expects k from 0 to the size of the dimension, but got " << *k << " for " << x.type();
  Builder &builder = emit.builder;
  int64_t rank = x.rank();
  bool largest = node.intAttribute("largest", 1) != 0;
  AffineMap own = AffineMap::getMultiDimIdentityMap(rank + 1, builder.getContext()).getMajorSubMap(rank);
  SmallVector<AffineExpr> address(own.getResults());
  address[*axis] = builder.getAffineDimExpr(rank);
  AffineMap other = AffineMap::get(rank + 1, 0, address, builder.getContext());

  auto countBefore = [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
    Emitter scalar(loc, b);
    Value mine = arguments[0], theirs = arguments[1];
    Value before = largest ? scalar.less(mine, theirs, x.isUnsigned) : scalar.less(theirs, mine, x.isUnsigned);
    Value i = linalg::IndexOp::create(b, loc, *axis), j = linalg::IndexOp::create(b, loc, rank);
    Value earlier = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, j, i);
    Value tie = arith::AndIOp::create(b, loc, scalar.equal(mine, theirs), earlier);
    Value counts = arith::OrIOp::create(b, loc, before, tie);
    return scalar.add(arguments[2], arith::ExtUIOp::create(b, loc, b.getI64Type(), counts));
  };
  Tensor place = reducePairs(emit, {x, x}, {own, other}, builder.getI64Type(), x.sizes, countBefore);

  Sizes sizes = x.sizes;
  sizes[*axis] = count->front();
  auto hits = [&](OpBuilder &b, Location loc, Value placeOfOther) -> Value {
    Value wanted = arith::IndexCastOp::create(b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, *axis));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, placeOfOther, wanted);
  };
  auto pickValue = [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
    return arith::SelectOp::create(b, loc, hits(b, loc, arguments[1]), arguments[0], arguments[2]);
  };
  auto pickIndex = [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
    Value index = arith::IndexCastOp::create(b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, rank));
    return arith::SelectOp::create(b, loc, hits(b, loc, arguments[0]), index, arguments[1]);
  };
  Tensor values = reducePairs(emit, {x, place}, {other, other}, x.elementType, sizes, pickValue);
  values.isUnsigned = x.isUnsigned;
  node.setOutput(0, values);
  node.setOutput(1, reducePairs(emit, place, other, builder.getI64Type(), sizes, pickIndex));
  return success();
}

//===- Masks and selections ------------------------------------------------===//

/// Keeps the upper or lower triangle of the last two dimensions.
static LogicalResult trilu(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  if (x.rank() < 2)
    return node.error() << "expects an input of rank >= 2, but got " << x.type();
  Size shift = emit.math.constant(0);
  if (node.hasInput(1)) {
    FailureOr<Sizes> k = node.elements(1);
    if (failed(k))
      return failure();
    if (k->size() != 1)
      return node.error() << "expects one k, but got " << k->size();
    shift = k->front();
  }
  Value k = emit.math.value(shift);
  bool upper = node.intAttribute("upper", 1) != 0;
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange inputs) -> Value {
    Value diagonal = arith::AddIOp::create(b, loc, at[x.rank() - 2], k);
    auto predicate = upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle;
    Value keeps = arith::CmpIOp::create(b, loc, predicate, at.back(), diagonal);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(x.elementType));
    return arith::SelectOp::create(b, loc, keeps, inputs[0], zero);
  };
  node.setOutput(0, emit.generate(x.elementType, x.sizes, x, body, x.isUnsigned));
  return success();
}

/// values[1] where the index along the new axis is the one asked for, else values[0].
static LogicalResult oneHot(Node &node) {
  Emitter &emit = node.emit;
  Tensor indices = emit.cast(node.input(0), emit.builder.getI64Type(), false);
  const Tensor &values = node.input(2);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", -1), indices.rank() + 1);
  FailureOr<Sizes> depth = node.extents(1);
  if (failed(axis) || failed(depth))
    return failure();
  if (depth->size() != 1 || values.rank() != 1 || !SizeMath::isKnown(values.sizes[0], 2))
    return node.error() << "expects one depth and two values, but got values of type " << values.type();
  Sizes narrow = indices.sizes, sizes = indices.sizes;
  narrow.insert(narrow.begin() + *axis, emit.math.constant(1));
  sizes.insert(sizes.begin() + *axis, depth->front());
  Tensor wide = emit.broadcast(emit.reshape(indices, narrow), sizes);
  auto element = [&](int64_t i) -> Value {
    return tensor::ExtractOp::create(emit.builder, values.value, emit.math.value(emit.math.constant(i)));
  };
  Value off = element(0), on = element(1), extent = emit.math.value(depth->front());
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange inputs) -> Value {
    Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), inputs[0]);
    Value fromEnd = arith::AddIOp::create(b, loc, index, extent);
    Value hit = arith::OrIOp::create(b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, index, at[*axis]),
                                     arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, fromEnd, at[*axis]));
    return arith::SelectOp::create(b, loc, hit, on, off);
  };
  node.setOutput(0, emit.generate(values.elementType, sizes, wide, body, values.isUnsigned));
  return success();
}

/// A list of known indices.
static Tensor indexList(Emitter &emit, ArrayRef<int64_t> indices) {
  auto type = RankedTensorType::get(static_cast<int64_t>(indices.size()), emit.builder.getI64Type());
  return emit.constant(DenseElementsAttr::get(type, indices));
}

/// Slices along an axis (or elements) whose constant condition holds: the size of the result depends on it.
static LogicalResult compress(Node &node) {
  Emitter &emit = node.emit;
  Tensor x = node.input(0);
  FailureOr<SmallVector<int64_t>> condition = node.constants(1);
  if (failed(condition))
    return failure();
  int64_t axis = 0;
  if (node.attribute("axis")) {
    FailureOr<int64_t> given = node.normalizeAxis(node.intAttribute("axis", 0), x.rank());
    if (failed(given))
      return failure();
    axis = *given;
  } else {
    x = emit.reshape(x, emit.math.product(x.sizes));
  }
  SmallVector<int64_t> kept;
  for (auto [i, holds] : llvm::enumerate(*condition))
    if (holds)
      kept.push_back(static_cast<int64_t>(i));
  node.setOutput(0, gatherAlong(emit, x, indexList(emit, kept), axis));
  return success();
}

/// The indices [rank, count] of the nonzero elements of a constant: their number decides the shape.
static LogicalResult nonZero(Node &node) {
  Emitter &emit = node.emit;
  FailureOr<SmallVector<int64_t>> elements = node.constants(0);
  if (failed(elements))
    return failure();
  SmallVector<int64_t> shape = node.shapeInput(0).staticShape(), positions, indices;
  for (auto [i, element] : llvm::enumerate(*elements))
    if (element != 0)
      positions.push_back(static_cast<int64_t>(i));
  int64_t stride = static_cast<int64_t>(elements->size());
  for (int64_t extent : shape) {
    stride /= std::max<int64_t>(extent, 1);
    for (int64_t position : positions)
      indices.push_back(position / stride % extent);
  }
  auto type = RankedTensorType::get({int64_t(shape.size()), int64_t(positions.size())}, emit.builder.getI64Type());
  node.setOutput(0, emit.constant(DenseElementsAttr::get(type, ArrayRef(indices))));
  return success();
}

static const OpHandler table[] = {
    {"Compress", 2, 2, TypeClass::Any, compress},
    {"Gather", 2, 2, TypeClass::Any, gather},
    {"GatherElements", 2, 2, TypeClass::Any, gatherElements},
    {"GatherND", 2, 2, TypeClass::Any, gatherNd},
    {"NonZero", 1, 1, TypeClass::Any, nonZero},
    {"OneHot", 3, 3, TypeClass::Numeric, oneHot},
    {"ScatterElements", 3, 3, TypeClass::Any, scatterElements},
    {"ScatterND", 3, 3, TypeClass::Any, scatterNd},
    {"TopK", 2, 2, TypeClass::Numeric, topK},
    {"Trilu", 1, 2, TypeClass::Any, trilu},
};

ArrayRef<OpHandler> thresh::indexingHandlers() { return table; }
