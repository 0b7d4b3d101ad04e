//===- Attention.cpp - Attention, rotary embedding, cache updates --------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace thresh;

//===- Heads ---------------------------------------------------------------===//

/// [batch, length, heads * size] as [batch, heads, length, size]; a tensor of rank 4 is in that form.
static FailureOr<Tensor> splitHeads(Node &node, const Tensor &x, StringRef countAttribute) {
  Emitter &emit = node.emit;
  if (x.rank() == 4)
    return x;
  int64_t heads = node.intAttribute(countAttribute, 0);
  std::optional<int64_t> width = x.rank() == 3 ? SizeMath::known(x.sizes[2]) : std::nullopt;
  if (heads < 1 || !width || *width % heads != 0)
    return node.error() << "expects an input of rank 4, or of rank 3 whose last dimension holds " << countAttribute
                        << " heads, but got " << x.type();
  Size count = emit.math.constant(heads), size = emit.math.constant(*width / heads);
  return emit.transpose(emit.reshape(x, {x.sizes[0], x.sizes[1], count, size}), {0, 2, 1, 3});
}

/// The reverse of splitHeads.
static Tensor mergeHeads(Emitter &emit, const Tensor &x) {
  Tensor moved = emit.transpose(x, {0, 2, 1, 3});
  return emit.reshape(moved, {moved.sizes[0], moved.sizes[1], emit.math.mul(moved.sizes[2], moved.sizes[3])});
}

/// Each head of keys or values as often as query heads share it.
static FailureOr<Tensor> repeatHeads(Node &node, const Tensor &x, Size queryHeads) {
  Emitter &emit = node.emit;
  if (x.sizes[1] == queryHeads)
    return x;
  std::optional<int64_t> have = SizeMath::known(x.sizes[1]), want = SizeMath::known(queryHeads);
  if (!have || !want || *have == 0 || *want % *have != 0)
    return node.error() << "expects query heads that are a multiple of the key heads, but got " << x.type();
  Size one = emit.math.constant(1), times = emit.math.constant(*want / *have);
  ArrayRef<Size> sizes(x.sizes);
  Tensor spread = emit.reshape(x, {sizes[0], sizes[1], one, sizes[2], sizes[3]});
  Tensor wide = emit.broadcast(spread, {sizes[0], sizes[1], times, sizes[2], sizes[3]});
  return emit.reshape(wide, {sizes[0], queryHeads, sizes[2], sizes[3]});
}

//===- Masks ---------------------------------------------------------------===//

namespace {
/// Which keys a query may see by position alone.
struct Visibility {
  bool causal = false;
  /// Keys before and after the query's own position; -1: unbounded.
  int64_t left = -1, right = -1;
  /// Keys before the first query: the position of query i is offset + i.
  Size offset;
  /// Valid keys per batch entry (i64 [batch]); the offset is then that minus the number of queries.
  std::optional<Tensor> validKeys;

  bool isTrivial() const { return !causal && left < 0 && right < 0 && !validKeys; }
  /// Whether each query sees at least the first key: causal alone, with an offset >= 0.
  bool leavesNoRowEmpty() const { return left < 0 && right < 0 && !validKeys; }
};
} // namespace

/// Whether query `at[2]` sees key `at[3]`, as i1 [batch or 1, 1, queries, keys].
static Tensor visibleKeys(Emitter &emit, const Visibility &visibility, Size batch, Size queries, Size keys) {
  Value offset = emit.math.value(visibility.offset), queryCount = emit.math.value(queries);
  Sizes sizes = {visibility.validKeys ? batch : emit.math.constant(1), emit.math.constant(1), queries, keys};
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) -> Value {
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, loc, predicate, x, y);
    };
    auto number = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
    Value result = arith::ConstantIntOp::create(b, loc, b.getI1Type(), 1), first = offset, key = at[3];
    auto require = [&](Value condition) { result = arith::AndIOp::create(b, loc, result, condition); };
    if (visibility.validKeys) {
      Value valid = tensor::ExtractOp::create(b, loc, visibility.validKeys->value, at[0]);
      valid = arith::IndexCastOp::create(b, loc, b.getIndexType(), valid);
      require(compare(arith::CmpIPredicate::slt, key, valid));
      first = arith::SubIOp::create(b, loc, valid, queryCount);
    }
    Value position = arith::AddIOp::create(b, loc, first, at[2]);
    if (visibility.causal)
      require(compare(arith::CmpIPredicate::sle, key, position));
    if (visibility.left >= 0)
      require(
          compare(arith::CmpIPredicate::sge, key, arith::SubIOp::create(b, loc, position, number(visibility.left))));
    if (visibility.right >= 0)
      require(
          compare(arith::CmpIPredicate::sle, key, arith::AddIOp::create(b, loc, position, number(visibility.right))));
    return result;
  };
  return emit.generate(emit.builder.getI1Type(), sizes, {}, body);
}

/// 0 where `mask` holds, else -infinity.
static Tensor maskToBias(Emitter &emit, const Tensor &mask, Type type) {
  Value bias = emit.select(mask.value, emit.splat(type, mask.sizes, 0), emit.splat(type, mask.sizes, -INFINITY));
  return emit.wrap(bias, mask.sizes);
}

/// The mask input as an additive bias, its last dimension filled up to `keys` with keys that are not seen.
static Tensor maskBias(Emitter &emit, Tensor mask, Size keys, Type type) {
  bool isBool = mask.elementType.isInteger(1);
  if (mask.sizes.back() != keys) {
    Sizes low(mask.rank(), emit.math.constant(0)), high = low;
    high.back() = emit.math.sub(keys, mask.sizes.back());
    TypedAttr fill = isBool ? TypedAttr(emit.builder.getBoolAttr(false))
                            : TypedAttr(emit.builder.getFloatAttr(mask.elementType, -INFINITY));
    Sizes sizes = mask.sizes;
    sizes.back() = keys;
    mask = emit.pad(mask, low, high, sizes, arith::ConstantOp::create(emit.builder, fill));
  }
  return isBool ? maskToBias(emit, mask, type) : emit.cast(mask, type, false);
}

//===- Attention -----------------------------------------------------------===//

namespace {
/// Queries, and keys and values with what the cache holds, each [batch, heads, length, size].
struct Operands {
  Tensor queries, keys, values;
  Size pastLength;
};
} // namespace

/// Concatenates a past cache before `x` along the length, and gives the result to output `output`.
static FailureOr<Tensor> withPast(Node &node, size_t pastInput, const Tensor &x, size_t output) {
  Tensor present = x;
  if (node.hasInput(pastInput)) {
    const Tensor &past = node.input(pastInput);
    if (past.rank() != 4 || past.elementType != x.elementType)
      return node.error() << "expects a past of rank 4 and type " << x.elementType << ", but got " << past.type();
    for (int64_t i : {0, 1, 3})
      if (SizeMath::known(past.sizes[i]) && SizeMath::known(x.sizes[i]) && past.sizes[i] != x.sizes[i])
        return node.error() << "expects a past that differs in length only, but got " << past.type() << " and "
                            << x.type();
    present = node.emit.concat({past, x}, 2);
  }
  node.setOutput(output, present);
  return present;
}

static FailureOr<Operands> readOperands(Node &node) {
  if (node.hasInput(4) != node.hasInput(5))
    return node.error() << "expects past_key and past_value together";
  if (node.hasInput(4) && node.hasInput(6))
    return node.error() << "expects either a past or nonpad_kv_seqlen";
  FailureOr<Tensor> queries = splitHeads(node, node.input(0), "q_num_heads");
  FailureOr<Tensor> keys = splitHeads(node, node.input(1), "kv_num_heads");
  FailureOr<Tensor> values = splitHeads(node, node.input(2), "kv_num_heads");
  if (failed(queries) || failed(keys) || failed(values))
    return failure();
  std::optional<int64_t> a = SizeMath::known(queries->sizes[3]), b = SizeMath::known(keys->sizes[3]);
  if (!a || !b || *a != *b || *a == 0 || queries->sizes[0] != keys->sizes[0])
    return node.error() << "expects queries and keys of one batch and known head size, but got " << queries->type()
                        << " and " << keys->type();
  Size pastLength =
      node.hasInput(4) && node.shapeInput(4).rank() == 4 ? node.shapeInput(4).sizes[2] : node.emit.math.constant(0);
  keys = withPast(node, 4, *keys, 1);
  if (failed(keys))
    return failure();
  values = withPast(node, 5, *values, 2);
  if (failed(values))
    return failure();
  if (keys->sizes[2] != values->sizes[2] || keys->sizes[1] != values->sizes[1])
    return node.error() << "expects as many values as keys, but got " << values->type() << " and " << keys->type();
  keys = repeatHeads(node, *keys, queries->sizes[1]);
  values = repeatHeads(node, *values, queries->sizes[1]);
  if (failed(keys) || failed(values))
    return failure();
  return Operands{*queries, *keys, *values, pastLength};
}

static FailureOr<Visibility> readVisibility(Node &node, const Operands &operands) {
  Visibility visibility;
  visibility.causal = node.intAttribute("is_causal", 0) != 0;
  visibility.left = node.intAttribute("left_window_size", -1);
  visibility.right = node.intAttribute("right_window_size", -1);
  visibility.offset = operands.pastLength;
  if (visibility.left < -1 || visibility.right < -1)
    return node.error() << "expects window sizes >= -1";
  if (node.hasInput(6)) {
    const Tensor &valid = node.input(6);
    if (valid.rank() != 1 || !valid.elementType.isInteger(64) || valid.sizes[0] != operands.queries.sizes[0])
      return node.error() << "expects nonpad_kv_seqlen as int64 [batch], but got " << valid.type();
    visibility.validKeys = valid;
  }
  return visibility;
}

/// All that is added to the scores, at a shape that broadcasts to theirs; nothing when every key is seen.
static FailureOr<std::optional<Tensor>> readBias(Node &node, const Operands &operands, const Visibility &visibility,
                                                 Type type) {
  Emitter &emit = node.emit;
  Size keys = operands.keys.sizes[2];
  SmallVector<Tensor> terms;
  if (node.hasInput(3)) {
    const Tensor &mask = node.input(3);
    std::optional<int64_t> length = mask.rank() ? SizeMath::known(mask.sizes.back()) : std::nullopt;
    bool fits = mask.rank() >= 1 && mask.rank() <= 4 &&
                (mask.elementType.isInteger(1) || isa<FloatType>(mask.elementType)) &&
                !(length && SizeMath::known(keys) && *length > *SizeMath::known(keys));
    if (!fits)
      return node.error() << "expects a mask of rank 1 to 4 and at most as many keys as there are, but got "
                          << mask.type();
    terms.push_back(maskBias(emit, mask, keys, type));
  }
  if (!visibility.isTrivial()) {
    const Tensor &queries = operands.queries;
    terms.push_back(maskToBias(emit, visibleKeys(emit, visibility, queries.sizes[0], queries.sizes[2], keys), type));
  }
  if (terms.empty())
    return std::optional<Tensor>();
  FailureOr<SmallVector<Tensor>> wide = emit.broadcastAll(terms);
  if (failed(wide))
    return failure();
  Tensor bias = (*wide)[0];
  if (wide->size() == 2)
    bias.value = emit.add(bias.value, (*wide)[1].value);
  return std::optional<Tensor>(bias);
}

/// Softmax of the last dimension, 0 in rows whose bias lets no key through.
static FailureOr<Tensor> maskedSoftmax(Node &node, const Tensor &scores, const std::optional<Tensor> &bias,
                                       bool mayHaveEmptyRows) {
  Emitter &emit = node.emit;
  Value softmax = SoftmaxOp::create(emit.builder, scores.type(), scores.value, scores.rank() - 1, false);
  if (!bias || !mayHaveEmptyRows)
    return emit.like(scores, softmax);
  Tensor greatest = emit.reduce(ReduceKind::Max, *bias, bias->rank() - 1, true);
  Value isEmpty = emit.equal(greatest.value, emit.splatLike(greatest, -INFINITY));
  Value wide = emit.broadcast(emit.wrap(isEmpty, greatest.sizes), scores.sizes).value;
  return emit.like(scores, emit.select(wide, emit.splatLike(scores, 0), softmax));
}

/// softmax(softcap(scale Q K^T) + bias) V. Narrow floats are computed in f32.
static LogicalResult attention(Node &node) {
  Emitter &emit = node.emit;
  Type outputType = node.shapeInput(0).elementType;
  FailureOr<Operands> operands = readOperands(node);
  if (failed(operands))
    return failure();
  FailureOr<Visibility> visibility = readVisibility(node, *operands);
  if (failed(visibility))
    return failure();
  Tensor queries = emit.widen(operands->queries);
  Type type = queries.elementType;
  Tensor keys = emit.cast(operands->keys, type, false), values = emit.cast(operands->values, type, false);
  FailureOr<std::optional<Tensor>> bias = readBias(node, *operands, *visibility, type);
  if (failed(bias))
    return failure();

  double scale = node.floatAttribute("scale", 1 / std::sqrt(double(*SizeMath::known(queries.sizes[3]))));
  Tensor scores = emit.matmul(queries, keys, /*transposeRhs=*/true);
  scores = emit.like(scores, emit.mul(scores.value, emit.splatLike(scores, scale)));
  Tensor stages[4] = {scores, scores, scores, scores};
  if (double softcap = node.floatAttribute("softcap", 0); softcap > 0) {
    Value limit = emit.splatLike(scores, softcap);
    Value squashed = math::TanhOp::create(emit.builder, emit.div(scores.value, limit));
    scores = emit.like(scores, emit.mul(squashed, limit));
  }
  stages[1] = scores;
  if (*bias) {
    FailureOr<Sizes> common = emit.broadcastSizes(scores.sizes, (*bias)->sizes);
    if (failed(common))
      return failure();
    if (*common != scores.sizes)
      return node.error() << "expects a mask that broadcasts to " << scores.type() << ", but got " << (*bias)->type();
    scores = emit.like(scores, emit.add(scores.value, emit.broadcast(**bias, scores.sizes).value));
  }
  stages[2] = scores;
  bool mayHaveEmptyRows = node.hasInput(3) || !visibility->leavesNoRowEmpty();
  FailureOr<Tensor> weights = maskedSoftmax(node, scores, *bias, mayHaveEmptyRows);
  if (failed(weights))
    return failure();
  stages[3] = *weights;

  int64_t mode = node.intAttribute("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3)
    return node.error() << "expects qk_matmul_output_mode from 0 to 3, but got " << mode;
  node.setOutput(3, emit.cast(stages[mode], outputType, false));
  Tensor result = emit.cast(emit.matmul(*weights, values, false), outputType, false);
  node.setOutput(0, node.shapeInput(0).rank() == 3 ? mergeHeads(emit, result) : result);
  return success();
}

//===- Rotary embedding ----------------------------------------------------===//

/// A part of the last dimension: `count` elements from `offset`, `stride` apart.
static Tensor lastPart(Emitter &emit, const Tensor &x, int64_t offset, int64_t count, int64_t stride) {
  Sizes offsets(x.rank(), emit.math.constant(0)), strides(x.rank(), emit.math.constant(1)), sizes = x.sizes;
  offsets.back() = emit.math.constant(offset);
  sizes.back() = emit.math.constant(count);
  strides.back() = emit.math.constant(stride);
  return emit.slice(x, offsets, sizes, strides);
}

/// A cache [batch, length, half] (or [positions, half] looked up by `positions`) at the shape of `half`, whose length
/// is dimension `lengthAxis` of four.
static FailureOr<Tensor> rotaryTable(Node &node, size_t input, const std::optional<Tensor> &positions,
                                     const Tensor &half, int64_t lengthAxis) {
  Emitter &emit = node.emit;
  Tensor table = node.input(input);
  if (positions) {
    if (table.rank() != 2 || positions->rank() != 2 || !positions->elementType.isInteger(64))
      return node.error() << "expects caches [positions, half] and int64 positions [batch, length], but got "
                          << table.type() << " and " << positions->type();
    Sizes sizes = positions->sizes;
    sizes.push_back(table.sizes[1]);
    table = emit.wrap(GatherOp::create(emit.builder, table.value, positions->value, 0), sizes);
  }
  if (table.rank() != 3 || table.elementType != half.elementType || table.sizes[2] != half.sizes[3])
    return node.error() << "expects caches of " << half.type() << " by batch and length, but got " << table.type();
  Sizes sizes(4, emit.math.constant(1));
  sizes[0] = table.sizes[0];
  sizes[lengthAxis] = table.sizes[1];
  sizes[3] = table.sizes[2];
  FailureOr<Sizes> common = emit.broadcastSizes(half.sizes, sizes);
  if (failed(common))
    return failure();
  return emit.broadcast(emit.reshape(table, sizes), half.sizes);
}

/// Rotates the pairs (x1, x2) of each head: (cos x1 - sin x2, sin x1 + cos x2). The pairs are the halves of the rotated
/// part of the head, or its neighbours. `heads` counts in an input of rank 3.
static LogicalResult rotate(Node &node, int64_t heads, const std::optional<Tensor> &positions, size_t cosInput,
                            size_t sinInput) {
  Emitter &emit = node.emit;
  Tensor x = node.input(0);
  bool isFlat = x.rank() == 3;
  std::optional<int64_t> width = x.rank() >= 3 ? SizeMath::known(x.sizes.back()) : std::nullopt;
  if ((!isFlat && x.rank() != 4) || !width || (isFlat && (heads < 1 || *width % heads != 0)))
    return node.error() << "expects an input of rank 4, or of rank 3 with num_heads, but got " << x.type();
  int64_t size = isFlat ? *width / heads : *width;
  if (isFlat)
    x = emit.reshape(x, {x.sizes[0], x.sizes[1], emit.math.constant(heads), emit.math.constant(size)});
  int64_t rotated = node.intAttribute("rotary_embedding_dim", 0);
  rotated = rotated == 0 ? size : rotated;
  if (rotated < 0 || rotated > size || rotated % 2 != 0)
    return node.error() << "expects an even rotary_embedding_dim of at most " << size << ", but got " << rotated;
  bool interleaved = node.intAttribute("interleaved", 0) != 0;
  int64_t half = rotated / 2;
  Tensor first = lastPart(emit, x, 0, half, interleaved ? 2 : 1);
  Tensor second = lastPart(emit, x, interleaved ? 1 : half, half, interleaved ? 2 : 1);
  FailureOr<Tensor> cos = rotaryTable(node, cosInput, positions, first, isFlat ? 1 : 2);
  if (failed(cos))
    return failure();
  FailureOr<Tensor> sin = rotaryTable(node, sinInput, positions, first, isFlat ? 1 : 2);
  if (failed(sin))
    return failure();
  Tensor real = emit.like(first, emit.sub(emit.mul(cos->value, first.value), emit.mul(sin->value, second.value)));
  Tensor imaginary = emit.like(first, emit.add(emit.mul(sin->value, first.value), emit.mul(cos->value, second.value)));
  Sizes partSizes = x.sizes;
  partSizes.back() = emit.math.constant(rotated);
  Tensor result;
  if (interleaved) {
    Sizes pairSizes = first.sizes;
    pairSizes.push_back(emit.math.constant(1));
    result = emit.concat({emit.reshape(real, pairSizes), emit.reshape(imaginary, pairSizes)}, 4);
    result = emit.reshape(result, partSizes);
  } else {
    result = emit.concat({real, imaginary}, 3);
  }
  if (rotated < size)
    result = emit.concat({result, lastPart(emit, x, rotated, size - rotated, 1)}, 3);
  node.setOutput(0, emit.reshape(result, node.shapeInput(0).sizes));
  return success();
}

static LogicalResult rotaryEmbedding(Node &node) {
  std::optional<Tensor> positions;
  if (node.hasInput(3))
    positions = node.input(3);
  return rotate(node, node.intAttribute("num_heads", 0), positions, 1, 2);
}

/// com.microsoft's takes one position too, from which each entry of the batch counts on, and tells the heads from the
/// caches when it is not given their number.
static LogicalResult microsoftRotaryEmbedding(Node &node) {
  Emitter &emit = node.emit;
  if (node.intAttribute("is_packed_batching", 0) != 0)
    return node.error() << "attribute 'is_packed_batching' = 1 is not supported";
  if (double scale = node.floatAttribute("scale", 1); scale != 1)
    return node.error() << "attribute 'scale' = " << scale << " is not supported";
  const Tensor &x = node.input(0), &table = node.input(2);
  Tensor positions = node.input(1);
  if (positions.elementCount() == 1 && positions.rank() < 2 && x.rank() >= 3) {
    Value start = emit.reshape(positions, {}).value;
    auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) -> Value {
      Value first = tensor::ExtractOp::create(b, loc, start, ValueRange{});
      return arith::AddIOp::create(b, loc, first, arith::IndexCastOp::create(b, loc, first.getType(), at[1]));
    };
    positions = emit.generate(positions.elementType, {x.sizes[0], x.sizes[x.rank() - 2]}, {}, body);
  }
  int64_t heads = node.intAttribute("num_heads", 0);
  int64_t width = x.rank() == 3 ? SizeMath::known(x.sizes[2]).value_or(0) : 0;
  int64_t half = table.rank() == 2 ? SizeMath::known(table.sizes[1]).value_or(0) : 0;
  if (heads == 0 && half > 0 && !node.attribute("rotary_embedding_dim"))
    heads = width / (2 * half);
  return rotate(node, heads, positions, 2, 3);
}

//===- Cache updates -------------------------------------------------------===//

/// `past` with `update` from row starts[i] of entry i on, around the end.
static Tensor scatterAround(Emitter &emit, const Tensor &past, const Tensor &update, const Tensor &starts,
                            int64_t axis) {
  Value extent = emit.math.value(past.sizes[axis]), length = emit.math.value(update.sizes[axis]);
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange inputs) -> Value {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    Value start = tensor::ExtractOp::create(b, loc, starts.value, at[0]);
    Value place = arith::SubIOp::create(b, loc, at[axis], arith::IndexCastOp::create(b, loc, b.getIndexType(), start));
    place = arith::RemSIOp::create(b, loc, place, extent);
    Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, place, zero);
    place = arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, place, extent), place);
    Value written = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, place, length);
    // Loads are made where they are not selected too: inside the update.
    Value last = arith::SubIOp::create(b, loc, length, one);
    SmallVector<Value> source(at.begin(), at.end());
    source[axis] = arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, place, last), zero);
    Value fresh = tensor::ExtractOp::create(b, loc, update.value, source);
    return arith::SelectOp::create(b, loc, written, fresh, inputs[0]);
  };
  return emit.generate(past.elementType, past.sizes, past, body, past.isUnsigned);
}

/// `past` with `update` written along an axis from write_indices[batch] on; linear mode writes in place where it can.
static LogicalResult tensorScatter(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &past = node.input(0), &update = node.input(1);
  FailureOr<int64_t> axis = node.normalizeAxis(node.intAttribute("axis", -2), past.rank());
  std::string mode = node.stringAttribute("mode", "linear");
  if (failed(axis))
    return failure();
  bool fits = update.rank() == past.rank() && *axis > 0 && update.elementType == past.elementType;
  for (int64_t i = 0; fits && i < past.rank(); ++i)
    fits = i == *axis
               ? SizeMath::known(update.sizes[i]).value_or(0) <= SizeMath::known(past.sizes[i]).value_or(INT64_MAX)
               : update.sizes[i] == past.sizes[i];
  if (!fits || (mode != "linear" && mode != "circular"))
    return node.error()
           << "expects an update that differs along an axis > 0 only, and mode linear or circular, but got "
           << update.type() << " for " << past.type();
  Type i64 = emit.builder.getI64Type();
  Tensor starts = emit.wrap(emit.splatInteger(i64, past.sizes[0], 0), past.sizes[0]);
  if (node.hasInput(2)) {
    const Tensor &indices = node.input(2);
    if (indices.rank() != 1 || indices.elementType != i64 || indices.sizes[0] != past.sizes[0])
      return node.error() << "expects write_indices as int64 [batch], but got " << indices.type();
    starts = indices;
  }
  node.setOutput(0, mode == "circular" ? scatterAround(emit, past, update, starts, *axis)
                                       : emit.writeRows(past, update, starts, *axis, past.sizes));
  return success();
}

static const OpHandler table[] = {
    {"Attention", 3, 7, TypeClass::Float, attention, 23},
    {"RotaryEmbedding", 3, 4, TypeClass::Float, rotaryEmbedding, 23},
    {"TensorScatter", 2, 3, TypeClass::Any, tensorScatter, 24},
    {"com.microsoft:RotaryEmbedding", 4, 4, TypeClass::Float, microsoftRotaryEmbedding},
};

ArrayRef<OpHandler> thresh::attentionHandlers() { return table; }
