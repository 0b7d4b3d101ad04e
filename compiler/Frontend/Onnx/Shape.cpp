//===- Shape.cpp - Reshape, slice, concat, pad and their kin -------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

#include <limits>

using namespace mlir;
using namespace thresh;

//===- The same elements under another shape -------------------------------===//

/// The size that a -1 stands for: all elements over the other sizes.
static FailureOr<Size> inferredSize(Node &node, ArrayRef<Size> from, const Sizes &target, size_t inferred) {
  Sizes others;
  for (auto [i, size] : llvm::enumerate(target))
    if (i != inferred)
      others.push_back(size);
  std::optional<int64_t> known = SizeMath::known(node.emit.math.product(others));
  std::optional<int64_t> total = SizeMath::known(node.emit.math.product(from));
  if (known == 0 || (known && total && *total % *known != 0))
    return node.error() << "expects a shape that the input's elements fill, but the size for -1 is not whole";
  return node.emit.math.exactQuotient(from, others);
}

/// Fails where the numbers of elements differ, and checks at run time where that is not known.
static LogicalResult checkSameCount(Node &node, ArrayRef<Size> from, ArrayRef<Size> to) {
  SizeMath &math = node.emit.math;
  Size quotient = math.exactQuotient(from, to);
  Size a = math.product(from), b = math.product(to);
  if (a == b || (SizeMath::isKnown(quotient, 1) && !SizeMath::isKnown(b, 0)))
    return success();
  if (SizeMath::known(a) && SizeMath::known(b))
    return node.error() << "cannot reshape " << *SizeMath::known(a) << " elements to " << *SizeMath::known(b);
  node.emit.checkEqual(a, b, "cannot reshape %lld elements to %lld");
  return success();
}

static LogicalResult reshape(Node &node) {
  const Tensor &x = node.shapeInput(0);
  FailureOr<Sizes> target = node.elements(1);
  if (failed(target))
    return failure();
  bool zeroCopies = node.intAttribute("allowzero", 0) == 0;
  std::optional<size_t> inferred;
  for (auto [i, size] : llvm::enumerate(*target)) {
    std::optional<int64_t> number = SizeMath::known(size);
    if (number == 0 && zeroCopies) {
      if (int64_t(i) >= x.rank())
        return node.error() << "expects at most " << x.rank() << " dimensions where size 0 copies the input's";
      size = x.sizes[i];
    } else if (number && *number < 0) {
      if (*number != -1 || inferred)
        return node.error() << "expects sizes >= 0 and at most one -1, but got " << *number;
      inferred = i;
    }
  }
  if (inferred) {
    FailureOr<Size> size = inferredSize(node, x.sizes, *target, *inferred);
    if (failed(size))
      return failure();
    (*target)[*inferred] = *size;
  }
  if (failed(checkSameCount(node, x.sizes, *target)))
    return failure();
  node.setOutput(0, node.emit.reshape(x, *target));
  return success();
}

static LogicalResult flatten(Node &node) {
  const Tensor &x = node.shapeInput(0);
  int64_t axis = node.intAttribute("axis", 1);
  if (axis < -x.rank() || axis > x.rank())
    return node.error() << "expects an axis in [" << -x.rank() << ", " << x.rank() << "], but got " << axis;
  axis = axis < 0 ? axis + x.rank() : axis;
  ArrayRef<Size> sizes(x.sizes);
  node.setOutput(0, node.emit.reshape(x, {node.emit.math.product(sizes.take_front(axis)),
                                          node.emit.math.product(sizes.drop_front(axis))}));
  return success();
}

static LogicalResult squeeze(Node &node) {
  const Tensor &x = node.shapeInput(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given = node.intsFromAttributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  FailureOr<SmallVector<int64_t>> axes = node.normalizeAxes(given->value_or(SmallVector<int64_t>()), x.rank());
  if (failed(axes))
    return failure();
  Sizes sizes;
  for (auto [i, size] : llvm::enumerate(x.sizes)) {
    bool drops = *given ? llvm::is_contained(*axes, int64_t(i)) : SizeMath::isKnown(size, 1);
    if (!drops) {
      sizes.push_back(size);
      continue;
    }
    std::optional<int64_t> known = SizeMath::known(size);
    if (known && *known != 1)
      return node.error() << "expects dimension " << i << " of size 1, but got " << *known;
    if (!known)
      node.emit.checkEqual(size, node.emit.math.constant(1), "squeezed dimension has size %lld, not %lld");
  }
  node.setOutput(0, node.emit.reshape(x, sizes));
  return success();
}

static LogicalResult unsqueeze(Node &node) {
  const Tensor &x = node.shapeInput(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given = node.intsFromAttributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  if (!*given)
    return node.error() << "expects axes";
  int64_t rank = x.rank() + static_cast<int64_t>((*given)->size());
  FailureOr<SmallVector<int64_t>> axes = node.normalizeAxes(**given, rank);
  if (failed(axes))
    return failure();
  Sizes sizes;
  for (int64_t i = 0, next = 0; i < rank; ++i)
    sizes.push_back(llvm::is_contained(*axes, i) ? node.emit.math.constant(1) : x.sizes[next++]);
  node.setOutput(0, node.emit.reshape(x, sizes));
  return success();
}

static LogicalResult transpose(Node &node) {
  const Tensor &x = node.input(0);
  SmallVector<int64_t> reversed = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, x.rank())));
  SmallVector<int64_t> permutation = node.intsAttribute("perm").value_or(reversed);
  if (int64_t(permutation.size()) != x.rank() || !isPermutationVector(permutation)) {
    InFlightDiagnostic diagnostic = node.error() << "expects a permutation of " << x.rank() << " dimensions, but got [";
    llvm::interleaveComma(permutation, diagnostic);
    return diagnostic << "]";
  }
  node.setOutput(0, node.emit.transpose(x, permutation));
  return success();
}

/// Depth to space and back are a reshape, a transpose and a reshape.
static LogicalResult depthToSpace(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  int64_t block = node.intAttribute("blocksize", 0);
  std::string mode = node.stringAttribute("mode", "DCR");
  if (x.rank() != 4 || block < 1 || block > (1 << 20) || (mode != "DCR" && mode != "CRD"))
    return node.error() << "expects an input of rank 4, blocksize >= 1 and mode DCR or CRD";
  std::optional<int64_t> channels = SizeMath::known(x.sizes[1]);
  if (!channels || *channels % (block * block) != 0)
    return node.error() << "expects a known number of channels that is a multiple of " << block * block;
  Size b = emit.math.constant(block), depth = emit.math.constant(*channels / (block * block));
  bool depthFirst = mode == "CRD";
  Sizes split = depthFirst ? Sizes{x.sizes[0], depth, b, b, x.sizes[2], x.sizes[3]}
                           : Sizes{x.sizes[0], b, b, depth, x.sizes[2], x.sizes[3]};
  SmallVector<int64_t> order =
      depthFirst ? SmallVector<int64_t>{0, 1, 4, 2, 5, 3} : SmallVector<int64_t>{0, 3, 4, 1, 5, 2};
  Tensor moved = emit.transpose(emit.reshape(x, split), order);
  node.setOutput(0,
                 emit.reshape(moved, {x.sizes[0], depth, emit.math.mul(x.sizes[2], b), emit.math.mul(x.sizes[3], b)}));
  return success();
}

static LogicalResult spaceToDepth(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  int64_t block = node.intAttribute("blocksize", 0);
  if (x.rank() != 4 || block < 1 || block > (1 << 20))
    return node.error() << "expects an input of rank 4 and blocksize >= 1";
  for (int64_t i : {2, 3})
    if (SizeMath::known(x.sizes[i]).value_or(0) % block != 0)
      return node.error() << "expects height and width that are multiples of " << block;
  Size b = emit.math.constant(block);
  Size height = emit.math.exactQuotient(x.sizes[2], b), width = emit.math.exactQuotient(x.sizes[3], b);
  Tensor split = emit.reshape(x, {x.sizes[0], x.sizes[1], height, b, width, b});
  Tensor moved = emit.transpose(split, {0, 3, 5, 1, 2, 4});
  node.setOutput(0, emit.reshape(moved, {x.sizes[0], emit.math.mul(emit.math.mul(x.sizes[1], b), b), height, width}));
  return success();
}

//===- Broadcast and repetition --------------------------------------------===//

static LogicalResult expand(Node &node) {
  FailureOr<Sizes> target = node.extents(1);
  if (failed(target))
    return failure();
  FailureOr<Sizes> sizes = node.emit.broadcastSizes(node.input(0).sizes, *target);
  if (failed(sizes))
    return failure();
  node.setOutput(0, node.emit.broadcast(node.input(0), *sizes));
  return success();
}

/// [a, b] repeated [m, n] times is [1, a, 1, b] broadcast to [m, a, n, b].
static LogicalResult tile(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  FailureOr<Sizes> repeats = node.extents(1);
  if (failed(repeats))
    return failure();
  if (int64_t(repeats->size()) != x.rank())
    return node.error() << "expects " << x.rank() << " repeats, but got " << repeats->size();
  Sizes spread, wide, result;
  for (auto [size, count] : llvm::zip_equal(x.sizes, *repeats)) {
    spread.append({emit.math.constant(1), size});
    wide.append({count, size});
    result.push_back(emit.math.mul(size, count));
  }
  node.setOutput(0, emit.reshape(emit.broadcast(emit.reshape(x, spread), wide), result));
  return success();
}

//===- Slices --------------------------------------------------------------===//

namespace {
/// One dimension of a slice: elements offset + i * step for 0 <= i < size.
struct SliceRange {
  Size offset, size;
  int64_t step = 1;
};
} // namespace

/// Resolves numpy's start:end:step against an extent.
static SliceRange resolveRange(SizeMath &math, Size extent, Size start, Size end, int64_t step) {
  constexpr int64_t far = int64_t(1) << 62;
  Size zero = math.constant(0), last = math.sub(extent, math.constant(1));
  auto position = [&](Size at, Size least, Size most) {
    if (std::optional<int64_t> number = SizeMath::known(at))
      at = math.constant(std::clamp(*number, -far, far));
    Size fromStart = math.select(math.less(at, zero), math.add(at, extent), at);
    return math.min(math.max(fromStart, least), most);
  };
  if (step > 0) {
    Size first = position(start, zero, extent);
    Size length = math.max(math.sub(position(end, zero, extent), first), zero);
    return {first, math.ceilDiv(length, math.constant(step)), step};
  }
  Size first = position(start, zero, last);
  Size length = math.max(math.sub(first, position(end, math.constant(-1), last)), zero);
  return {first, math.ceilDiv(length, math.constant(-step)), step};
}

/// Slices with negative steps: an index map that extract_slice cannot say.
static Tensor reversedSlice(Emitter &emit, const Tensor &x, ArrayRef<SliceRange> ranges) {
  Sizes sizes;
  SmallVector<Value> offsets, steps;
  for (const SliceRange &range : ranges) {
    sizes.push_back(range.size);
    offsets.push_back(emit.math.value(range.offset));
    steps.push_back(emit.math.value(emit.math.constant(range.step)));
  }
  auto body = [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange) -> Value {
    SmallVector<Value> position;
    for (auto [index, offset, step] : llvm::zip_equal(indices, offsets, steps))
      position.push_back(arith::AddIOp::create(b, loc, offset, arith::MulIOp::create(b, loc, index, step)));
    return tensor::ExtractOp::create(b, loc, x.value, position);
  };
  return emit.generate(x.elementType, sizes, {}, body, x.isUnsigned);
}

static LogicalResult slice(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  FailureOr<Sizes> starts = node.elements(1), ends = node.elements(2);
  if (failed(starts) || failed(ends))
    return failure();
  SmallVector<int64_t> given = llvm::to_vector(llvm::seq<int64_t>(0, starts->size())), steps(starts->size(), 1);
  for (auto [index, numbers] : {std::pair(size_t(3), &given), std::pair(size_t(4), &steps)}) {
    if (!node.hasInput(index))
      continue;
    FailureOr<SmallVector<int64_t>> constants = node.constants(index);
    if (failed(constants))
      return failure();
    *numbers = *constants;
  }
  FailureOr<SmallVector<int64_t>> axes = node.normalizeAxes(given, x.rank());
  if (failed(axes))
    return failure();
  if (ends->size() != starts->size() || axes->size() != starts->size() || steps.size() != starts->size())
    return node.error() << "expects as many ends, axes and steps as starts (" << starts->size() << ")";
  SmallVector<SliceRange> ranges;
  for (Size size : x.sizes)
    ranges.push_back({emit.math.constant(0), size, 1});
  bool reverses = false;
  for (auto [i, axis] : llvm::enumerate(*axes)) {
    int64_t step = std::clamp<int64_t>(steps[i], -(int64_t(1) << 62), int64_t(1) << 62);
    if (step == 0)
      return node.error() << "expects steps other than 0";
    reverses |= step < 0;
    ranges[axis] = resolveRange(emit.math, x.sizes[axis], (*starts)[i], (*ends)[i], step);
  }
  if (reverses) {
    node.setOutput(0, reversedSlice(emit, x, ranges));
    return success();
  }
  Sizes offsets, sizes, strides;
  for (const SliceRange &range : ranges) {
    offsets.push_back(SizeMath::isKnown(range.size, 0) ? emit.math.constant(0) : range.offset);
    sizes.push_back(range.size);
    strides.push_back(emit.math.constant(range.step));
  }
  node.setOutput(0, emit.slice(x, offsets, sizes, strides));
  return success();
}

/// The extents of the parts of a Split: given, or as equal as they can be.
static FailureOr<Sizes> splitSizes(Node &node, Size extent) {
  SizeMath &math = node.emit.math;
  int64_t count = static_cast<int64_t>(node.outputCount());
  if (node.hasInput(1))
    return node.extents(1);
  if (std::optional<SmallVector<int64_t>> given = node.intsAttribute("split"))
    return math.constants(*given);
  if (node.intAttribute("num_outputs", count) != count)
    return node.error() << "expects num_outputs " << count << ", but got " << node.intAttribute("num_outputs", count);
  std::optional<int64_t> known = SizeMath::known(extent);
  if (!known)
    return node.error() << "expects the sizes of the parts of a dimension of unknown size";
  int64_t part = llvm::divideCeil(*known, count);
  if (node.opset() < 18 && part * count != *known)
    return node.error() << "expects a dimension that splits into " << count << " equal parts, but got " << *known;
  Sizes sizes;
  for (int64_t i = 0; i < count; ++i)
    sizes.push_back(math.constant(std::clamp<int64_t>(*known - i * part, 0, part)));
  return sizes;
}

static LogicalResult split(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &x = node.input(0);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", 0), x.rank());
  if (failed(axis))
    return failure();
  FailureOr<Sizes> parts = splitSizes(node, x.sizes[*axis]);
  if (failed(parts))
    return failure();
  Size total = emit.math.constant(0);
  for (Size part : *parts) {
    if (SizeMath::known(part).value_or(0) < 0)
      return node.error() << "expects parts of sizes >= 0, but got " << *SizeMath::known(part);
    total = emit.math.add(total, part);
  }
  if (parts->size() != node.outputCount())
    return node.error() << "expects " << node.outputCount() << " parts, but got " << parts->size();
  if (SizeMath::known(total) && SizeMath::known(x.sizes[*axis]) && total != x.sizes[*axis])
    return node.error() << "expects parts that add up to " << *SizeMath::known(x.sizes[*axis]) << ", but got "
                        << *SizeMath::known(total);
  if (total != x.sizes[*axis])
    emit.checkEqual(total, x.sizes[*axis], "parts add up to %lld, but the dimension has size %lld");
  Sizes offsets(x.rank(), emit.math.constant(0)), strides(x.rank(), emit.math.constant(1)), sizes = x.sizes;
  for (auto [i, part] : llvm::enumerate(*parts)) {
    sizes[*axis] = part;
    node.setOutput(i, emit.slice(x, offsets, sizes, strides));
    offsets[*axis] = emit.math.add(offsets[*axis], part);
  }
  return success();
}

static LogicalResult concat(Node &node) {
  Emitter &emit = node.emit;
  if (failed(node.requireSameTypes()))
    return failure();
  const Tensor &first = node.input(0);
  if (!node.attribute("axis"))
    return node.error() << "expects attribute 'axis'";
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", 0), first.rank());
  if (failed(axis))
    return failure();
  SmallVector<Tensor> tensors;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    const Tensor &tensor = node.input(i);
    bool fits = tensor.rank() == first.rank();
    for (int64_t d = 0; fits && d < first.rank(); ++d) {
      std::optional<int64_t> a = SizeMath::known(first.sizes[d]), b = SizeMath::known(tensor.sizes[d]);
      fits = d == *axis || !a || !b || a == b;
      if (fits && d != *axis && first.sizes[d] != tensor.sizes[d])
        emit.checkEqual(first.sizes[d], tensor.sizes[d], "concatenated tensors have sizes %lld and %lld");
    }
    if (!fits)
      return node.error() << "expects tensors that differ along dimension " << *axis << " only, but got "
                          << first.type() << " and " << tensor.type();
    tensors.push_back(tensor);
  }
  node.setOutput(0, emit.concat(tensors, *axis));
  return success();
}

//===- Padding -------------------------------------------------------------===//

namespace {
/// Elements to add (or, negative, to take away) before and after each dimension.
struct Padding {
  Sizes low, high;
};
} // namespace

static FailureOr<Padding> readPadding(Node &node, int64_t rank) {
  SizeMath &math = node.emit.math;
  Padding padding{Sizes(rank, math.constant(0)), Sizes(rank, math.constant(0))};
  SmallVector<int64_t> given = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (node.hasInput(3)) {
    FailureOr<SmallVector<int64_t>> constants = node.constants(3);
    if (failed(constants))
      return failure();
    given = *constants;
  }
  FailureOr<SmallVector<int64_t>> axes = node.normalizeAxes(given, rank);
  FailureOr<Sizes> pads = node.elements(1);
  if (failed(axes) || failed(pads))
    return failure();
  if (pads->size() != 2 * axes->size())
    return node.error() << "expects " << 2 * axes->size() << " pads, but got " << pads->size();
  for (auto [i, axis] : llvm::enumerate(*axes)) {
    padding.low[axis] = (*pads)[i];
    padding.high[axis] = (*pads)[i + axes->size()];
  }
  return padding;
}

/// Where in [0, extent) the padded position `at` (counted from the first kept element) takes its element.
static Value wrapPosition(OpBuilder &b, Location loc, StringRef mode, Value at, Value extent) {
  auto number = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  Value last = arith::SubIOp::create(b, loc, extent, number(1));
  Value position = at;
  if (mode != "edge") {
    Value period = extent;
    if (mode == "reflect")
      period = arith::MaxSIOp::create(b, loc, arith::MulIOp::create(b, loc, last, number(2)), number(1));
    position = arith::RemSIOp::create(b, loc, at, period);
    Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, position, number(0));
    position = arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, position, period), position);
    if (mode == "reflect")
      position = arith::MinSIOp::create(b, loc, position, arith::SubIOp::create(b, loc, period, position));
  }
  // The clamp is what edge means; for the others it only shows the bounds to the code generator.
  return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, position, number(0)), last);
}

static Tensor padByIndex(Emitter &emit, const Tensor &x, StringRef mode, const Padding &padding, ArrayRef<Size> sizes) {
  SmallVector<Value> low, extents;
  for (auto [pad, extent] : llvm::zip_equal(padding.low, x.sizes)) {
    low.push_back(emit.math.value(pad));
    extents.push_back(emit.math.value(extent));
  }
  auto body = [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange) -> Value {
    SmallVector<Value> position;
    for (auto [index, pad, extent] : llvm::zip_equal(indices, low, extents))
      position.push_back(wrapPosition(b, loc, mode, arith::SubIOp::create(b, loc, index, pad), extent));
    return tensor::ExtractOp::create(b, loc, x.value, position);
  };
  return emit.generate(x.elementType, sizes, {}, body, x.isUnsigned);
}

/// tensor.pad after cutting what negative pads take away.
static Tensor padByConstant(Emitter &emit, Tensor x, Value fill, const Padding &padding, ArrayRef<Size> sizes) {
  SizeMath &math = emit.math;
  Size zero = math.constant(0);
  Sizes cutLow, kept, low, high, strides(x.rank(), math.constant(1));
  for (int64_t i = 0; i < x.rank(); ++i) {
    cutLow.push_back(math.max(math.sub(zero, padding.low[i]), zero));
    low.push_back(math.max(padding.low[i], zero));
    high.push_back(math.max(padding.high[i], zero));
    kept.push_back(math.sub(sizes[i], math.add(low[i], high[i])));
  }
  return emit.pad(emit.slice(x, cutLow, kept, strides), low, high, sizes, fill);
}

static LogicalResult pad(Node &node) {
  Emitter &emit = node.emit;
  SizeMath &math = emit.math;
  const Tensor &x = node.input(0);
  std::string mode = node.stringAttribute("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect" && mode != "wrap")
    return node.error() << "expects mode constant, edge, reflect or wrap, but got '" << mode << "'";
  FailureOr<Padding> padding = readPadding(node, x.rank());
  if (failed(padding))
    return failure();
  Sizes sizes;
  for (int64_t i = 0; i < x.rank(); ++i) {
    sizes.push_back(math.add(math.add(x.sizes[i], padding->low[i]), padding->high[i]));
    std::optional<int64_t> size = SizeMath::known(sizes.back());
    if ((size && *size < 0) || (mode != "constant" && SizeMath::isKnown(x.sizes[i], 0) && size != 0))
      return node.error() << "cannot pad dimension " << i << " of " << x.type();
  }
  if (mode != "constant") {
    node.setOutput(0, padByIndex(emit, x, mode, *padding, sizes));
    return success();
  }
  Value fill;
  if (node.hasInput(2)) {
    const Tensor &value = node.input(2);
    if (value.elementType != x.elementType || value.elementCount() != 1)
      return node.error() << "expects a scalar of the input's type as input 2, but got " << value.type();
    fill = tensor::ExtractOp::create(emit.builder, emit.reshape(value, {}).value, ValueRange());
  } else {
    fill = arith::ConstantOp::create(emit.builder, emit.builder.getZeroAttr(x.elementType));
  }
  node.setOutput(0, padByConstant(emit, x, fill, *padding, sizes));
  return success();
}

static const OpHandler table[] = {
    {"Concat", 1, anyNumber, TypeClass::Any, concat},
    {"DepthToSpace", 1, 1, TypeClass::Any, depthToSpace},
    {"Expand", 2, 2, TypeClass::Any, expand},
    {"Flatten", 1, 1, TypeClass::Any, flatten},
    {"Pad", 2, 4, TypeClass::Any, pad},
    {"Reshape", 2, 2, TypeClass::Any, reshape},
    {"Slice", 3, 5, TypeClass::Any, slice},
    {"SpaceToDepth", 1, 1, TypeClass::Any, spaceToDepth},
    {"Split", 1, 2, TypeClass::Any, split},
    {"Squeeze", 1, 2, TypeClass::Any, squeeze},
    {"Tile", 2, 2, TypeClass::Any, tile},
    {"Transpose", 1, 1, TypeClass::Any, transpose},
    {"Unsqueeze", 1, 2, TypeClass::Any, unsqueeze},
};

ArrayRef<OpHandler> thresh::shapeHandlers() { return table; }
