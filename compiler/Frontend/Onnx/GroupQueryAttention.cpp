//===- GroupQueryAttention.cpp - com.microsoft's attention with a cache --===//
//
// Queries, keys and values of `length` new tokens, [batch, length, heads * width], and caches [batch, key heads, rows,
// width]. With total_sequence_length = past + length the past is a cache of its own size and the present one row longer
// per token; with no more than the past's rows the past is a buffer that keeps its size, and the new rows go into it.
// Entry b of the batch holds seqlens_k[b] + 1 keys, the new ones at the end; when length = total_sequence_length the
// call starts the sequences, and the new rows are the first.
//
//===---------------------------------------------------------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace thresh;

namespace {

enum GroupQueryInput : size_t {
  queryInput,
  keyInput,
  valueInput,
  pastKeyInput,
  pastValueInput,
  lastKeysInput,
  totalInput,
  cosInput,
  sinInput,
  positionsInput,
  biasInput,
  sinkInput,
  keyScaleInput,
  valueScaleInput,
  queryNormInput,
  keyNormInput,
};

/// What a node's attributes and inputs say, checked.
struct GroupQuery {
  int64_t heads, keyHeads;
  /// Elements of a head.
  int64_t width;
  /// Each [batch, length, heads of it * width].
  Tensor queries, keys, values;
  Size batch, length;
  /// total_sequence_length, and the rows of the caches before and after.
  Size total, pastRows, presentRows;
  /// seqlens_k: i32 [batch].
  Tensor lastKeys;
  /// i1: the call starts the sequences.
  Value isStart;
  /// i64 [batch]: the row of the first new token.
  Tensor starts;
};

} // namespace

//===- Reading the node ----------------------------------------------------===//

static LogicalResult refuseUnsupported(Node &node) {
  static constexpr const char *flags[] = {"smooth_softmax", "sliding_window_cache", "kv_cache_bit_width"};
  static constexpr const char *kinds[] = {"k_quant_type", "v_quant_type"};
  static constexpr std::pair<size_t, const char *> inputs[] = {
      {sinkInput, "head_sink"}, {keyScaleInput, "k_scale"}, {valueScaleInput, "v_scale"}};
  for (const char *name : flags)
    if (int64_t number = node.intAttribute(name, 0))
      return node.error() << "attribute '" << name << "' = " << number << " is not supported";
  for (const char *name : kinds)
    if (std::string kind = node.stringAttribute(name, "NONE"); kind != "NONE")
      return node.error() << "attribute '" << name << "' = '" << kind << "' is not supported";
  for (auto [index, name] : inputs)
    if (node.hasInput(index))
      return node.error() << "input '" << name << "' is not supported";
  static constexpr std::pair<std::pair<size_t, size_t>, const char *> pairs[] = {
      {{keyInput, valueInput}, "key and value"},
      {{pastKeyInput, pastValueInput}, "past_key and past_value"},
      {{cosInput, sinInput}, "cos_cache and sin_cache"},
      {{queryNormInput, keyNormInput}, "q_norm_weight and k_norm_weight"}};
  for (auto [pair, names] : pairs)
    if (node.hasInput(pair.first) != node.hasInput(pair.second))
      return node.error() << "expects " << names << " together";
  return success();
}

/// Elements [begin, begin + count) of the last dimension.
static Tensor lastColumns(Emitter &emit, const Tensor &x, int64_t begin, int64_t count) {
  Sizes offsets(x.rank(), emit.math.constant(0)), strides(x.rank(), emit.math.constant(1)), sizes = x.sizes;
  offsets.back() = emit.math.constant(begin);
  sizes.back() = emit.math.constant(count);
  return emit.slice(x, offsets, sizes, strides);
}

/// Queries, keys and values, which may come as one input.
static LogicalResult readHeads(Node &node, GroupQuery &query) {
  Emitter &emit = node.emit;
  query.heads = node.intAttribute("num_heads", 0);
  query.keyHeads = node.intAttribute("kv_num_heads", 0);
  if (query.heads < 1 || query.keyHeads < 1 || query.heads % query.keyHeads != 0)
    return node.error() << "expects num_heads to be a multiple of kv_num_heads, both at least 1, but got "
                        << query.heads << " and " << query.keyHeads;
  const Tensor &first = node.input(queryInput);
  bool isPacked = !node.hasInput(keyInput);
  int64_t parts = isPacked ? query.heads + 2 * query.keyHeads : query.heads;
  std::optional<int64_t> columns = first.rank() == 3 ? SizeMath::known(first.sizes[2]) : std::nullopt;
  if (!columns || *columns == 0 || *columns % parts != 0)
    return node.error() << "expects queries [batch, length, " << parts << " * head size], but got " << first.type();
  query.width = *columns / parts;
  query.batch = first.sizes[0];
  query.length = first.sizes[1];
  int64_t queryColumns = query.heads * query.width, keyColumns = query.keyHeads * query.width;
  query.queries = lastColumns(emit, first, 0, queryColumns);
  query.keys = isPacked ? lastColumns(emit, first, queryColumns, keyColumns) : node.input(keyInput);
  query.values = isPacked ? lastColumns(emit, first, queryColumns + keyColumns, keyColumns) : node.input(valueInput);
  for (const Tensor &x : {query.keys, query.values}) {
    if (x.rank() != 3 || x.elementType != first.elementType || !SizeMath::isKnown(x.sizes[2], keyColumns))
      return node.error() << "expects keys and values [batch, length, " << keyColumns << "] of " << first.elementType
                          << ", but got " << x.type();
    if (failed(node.requireEqual(x.sizes[0], query.batch, "batch sizes of keys and queries")) ||
        failed(node.requireEqual(x.sizes[1], query.length, "lengths of keys and queries")))
      return failure();
  }
  return success();
}

static LogicalResult readPast(Node &node, GroupQuery &query) {
  Emitter &emit = node.emit;
  query.pastRows = emit.math.constant(0);
  for (size_t index : {pastKeyInput, pastValueInput}) {
    if (!node.hasInput(index))
      continue;
    const Tensor &past = node.input(index);
    if (past.rank() != 4 || past.elementType != query.keys.elementType ||
        !SizeMath::isKnown(past.sizes[1], query.keyHeads) || !SizeMath::isKnown(past.sizes[3], query.width))
      return node.error() << "expects a past [batch, " << query.keyHeads << ", rows, " << query.width << "] of "
                          << query.keys.elementType << ", but got " << past.type();
    if (index == pastKeyInput)
      query.pastRows = past.sizes[2];
    if (failed(node.requireEqual(past.sizes[0], query.batch, "batch sizes of the past and the queries")) ||
        failed(node.requireEqual(past.sizes[2], query.pastRows, "lengths of past_value and past_key")))
      return failure();
  }
  return success();
}

/// The least or greatest element of an i32 vector.
static Size extreme(Emitter &emit, ReduceKind kind, const Tensor &vector) {
  Value scalar = emit.reduce(kind, vector, {0}, /*keepDims=*/false).value;
  Value element = tensor::ExtractOp::create(emit.builder, scalar, ValueRange{});
  return Value(arith::IndexCastOp::create(emit.builder, emit.builder.getIndexType(), element));
}

/// The rows of the first new tokens, i64 [batch].
static Tensor startRows(Emitter &emit, const GroupQuery &query) {
  Value length = emit.math.value(query.length);
  auto body = [&](OpBuilder &b, Location loc, ValueRange, ValueRange inputs) -> Value {
    Type i64 = b.getI64Type();
    Value zero = arith::ConstantIntOp::create(b, loc, i64, 0), one = arith::ConstantIntOp::create(b, loc, i64, 1);
    Value keys = arith::AddIOp::create(b, loc, arith::ExtSIOp::create(b, loc, i64, inputs[0]), one);
    Value first = arith::SubIOp::create(b, loc, keys, arith::IndexCastOp::create(b, loc, i64, length));
    return arith::SelectOp::create(b, loc, query.isStart, zero, first);
  };
  return emit.generate(emit.builder.getI64Type(), query.lastKeys.sizes, query.lastKeys, body);
}

/// The counts of keys that are known when the model runs, and the checks that keep every row inside its cache.
static LogicalResult readLengths(Node &node, GroupQuery &query) {
  Emitter &emit = node.emit;
  SizeMath &math = emit.math;
  Tensor lastKeys = node.input(lastKeysInput);
  if (lastKeys.rank() == 2 && SizeMath::isKnown(lastKeys.sizes[1], 1))
    lastKeys = emit.reshape(lastKeys, {lastKeys.sizes[0]});
  if (lastKeys.rank() != 1 || !lastKeys.elementType.isInteger(32))
    return node.error() << "expects seqlens_k as int32 [batch], but got " << lastKeys.type();
  if (failed(node.requireEqual(lastKeys.sizes[0], query.batch, "lengths of seqlens_k and the batch")))
    return failure();
  query.lastKeys = lastKeys;
  FailureOr<Sizes> total = node.elements(totalInput);
  if (failed(total))
    return failure();
  if (total->size() != 1)
    return node.error() << "expects total_sequence_length as one element, but got " << total->size();
  Size one = math.constant(1), grown = math.add(query.pastRows, query.length), given = total->front();
  Size fits = math.logicalOr(math.equal(given, grown), math.less(given, math.add(query.pastRows, one)));
  emit.check(fits, "total_sequence_length is %lld, neither past + length (%lld) nor within the past", given, grown);
  bool hasPast = !SizeMath::isKnown(query.pastRows, 0);
  // Memory is laid out before the check: a bound by the shapes keeps it small.
  query.total = hasPast ? math.max(math.min(given, grown), math.constant(0)) : query.length;
  query.presentRows = math.max(query.total, query.pastRows);
  Size isStart = math.equal(query.length, query.total);
  query.isStart =
      arith::CmpIOp::create(emit.builder, arith::CmpIPredicate::ne, math.value(isStart), math.value(math.constant(0)));
  Size most = extreme(emit, ReduceKind::Max, query.lastKeys), least = extreme(emit, ReduceKind::Min, query.lastKeys);
  emit.check(math.less(most, query.total), "seqlens_k is %lld, not below total_sequence_length (%lld)", most,
             query.total);
  Size lowest = math.select(isStart, math.constant(0), math.sub(query.length, one));
  emit.check(math.less(math.sub(lowest, one), least), "seqlens_k is %lld, below %lld", least, lowest);
  query.starts = startRows(emit, query);
  return success();
}

static FailureOr<GroupQuery> readGroupQuery(Node &node) {
  GroupQuery query;
  if (failed(refuseUnsupported(node)) || failed(readHeads(node, query)) || failed(readPast(node, query)) ||
      failed(readLengths(node, query)))
    return failure();
  return query;
}

//===- Norms and rotation of the heads -------------------------------------===//

/// The row of the first new token of entry `entry` of the batch.
static Value firstRow(OpBuilder &b, Location loc, const GroupQuery &query, Value entry) {
  Value start = tensor::ExtractOp::create(b, loc, query.starts.value, entry);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), start);
}

/// Positions of the new tokens, i64 [batch, length]: those given, which at the start of sequences count on from the
/// very first; else the rows of the cache.
static FailureOr<Tensor> positions(Node &node, const GroupQuery &query) {
  Emitter &emit = node.emit;
  Value given;
  if (node.hasInput(positionsInput)) {
    const Tensor &ids = node.input(positionsInput);
    if (ids.rank() != 2 || !ids.elementType.isInteger(64))
      return node.error() << "expects position_ids as int64 [batch, length], but got " << ids.type();
    if (failed(node.requireEqual(ids.sizes[0], query.batch, "batch sizes of position_ids and queries")) ||
        failed(node.requireEqual(ids.sizes[1], query.length, "lengths of position_ids and queries")))
      return failure();
    given = ids.value;
  }
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) -> Value {
    Type i64 = b.getI64Type();
    if (!given) {
      Value row = arith::AddIOp::create(b, loc, firstRow(b, loc, query, at[0]), at[1]);
      return arith::IndexCastOp::create(b, loc, i64, row);
    }
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value start = tensor::ExtractOp::create(b, loc, given, ValueRange{zero, zero});
    Value counted = arith::AddIOp::create(b, loc, start, arith::IndexCastOp::create(b, loc, i64, at[1]));
    Value own = tensor::ExtractOp::create(b, loc, given, at);
    return arith::SelectOp::create(b, loc, query.isStart, counted, own);
  };
  return emit.generate(emit.builder.getI64Type(), {query.batch, query.length}, {}, body);
}

/// Cosines or sines of the new tokens, [batch * length, pairs].
static FailureOr<Tensor> angles(Node &node, const GroupQuery &query, size_t input, const Tensor &rows, Type type) {
  Emitter &emit = node.emit;
  const Tensor &table = node.input(input);
  std::optional<int64_t> pairs = table.rank() == 2 ? SizeMath::known(table.sizes[1]) : std::nullopt;
  if (!pairs || *pairs < 1 || *pairs > query.width / 2 || !isa<FloatType>(table.elementType))
    return node.error() << "expects cos_cache and sin_cache [positions, at most " << query.width / 2 << "], but got "
                        << table.type();
  Sizes sizes = {rows.sizes[0], rows.sizes[1], table.sizes[1]};
  Tensor taken = emit.wrap(GatherOp::create(emit.builder, table.value, rows.value, 0), sizes);
  return emit.cast(emit.reshape(taken, {emit.math.mul(sizes[0], sizes[1]), sizes[2]}), type, false);
}

/// The heads of `x` normalised one by one, where the node has weights for that.
static FailureOr<Tensor> normalizeHeads(Node &node, const GroupQuery &query, const Tensor &x, size_t input) {
  Emitter &emit = node.emit;
  if (!node.hasInput(input))
    return x;
  const Tensor &scale = node.input(input);
  if (scale.rank() != 1 || !SizeMath::isKnown(scale.sizes[0], query.width))
    return node.error() << "expects q_norm_weight and k_norm_weight [" << query.width << "], but got " << scale.type();
  llvm::APFloat epsilon(node.floatAttribute("qk_norm_epsilon", 1e-6f));
  Value weight = emit.cast(scale, x.elementType, false).value;
  return emit.like(x, RmsNormOp::create(emit.builder, x.type(), x.value, weight, /*axis=*/2, epsilon));
}

/// Normalises and rotates queries and keys, which become f32 if they are narrower.
static LogicalResult prepareHeads(Node &node, GroupQuery &query) {
  Emitter &emit = node.emit;
  bool rotates = node.intAttribute("do_rotary", 0) != 0;
  bool interleaved = node.intAttribute("rotary_interleaved", 0) != 0;
  Type type = emit.widen(query.queries).elementType;
  Tensor cos, sin;
  if (rotates) {
    if (!node.hasInput(cosInput))
      return node.error() << "expects cos_cache and sin_cache for do_rotary = 1";
    FailureOr<Tensor> rows = positions(node, query);
    if (failed(rows))
      return failure();
    FailureOr<Tensor> cosines = angles(node, query, cosInput, *rows, type);
    FailureOr<Tensor> sines = angles(node, query, sinInput, *rows, type);
    if (failed(cosines) || failed(sines))
      return failure();
    if (cosines->sizes[1] != sines->sizes[1])
      return node.error() << "expects cos_cache and sin_cache of one width, but got " << cosines->type() << " and "
                          << sines->type();
    cos = *cosines;
    sin = *sines;
  }
  struct Part {
    Tensor *tensor;
    int64_t heads;
    size_t norm;
  };
  for (Part part :
       {Part{&query.queries, query.heads, queryNormInput}, Part{&query.keys, query.keyHeads, keyNormInput}}) {
    Sizes flat = {emit.math.mul(query.batch, query.length), emit.math.constant(part.heads),
                  emit.math.constant(query.width)};
    Sizes whole = part.tensor->sizes;
    FailureOr<Tensor> x =
        normalizeHeads(node, query, emit.reshape(emit.cast(*part.tensor, type, false), flat), part.norm);
    if (failed(x))
      return failure();
    if (rotates)
      x->value = RotaryEmbeddingOp::create(emit.builder, x->type(), x->value, cos.value, sin.value, interleaved);
    *part.tensor = emit.reshape(*x, whole);
  }
  return success();
}

//===- The cache -----------------------------------------------------------===//

/// The cache after the call, [batch, key heads, rows, width]: the past with the new rows in it.
static Tensor present(Node &node, const GroupQuery &query, size_t pastInput, const Tensor &fresh) {
  Emitter &emit = node.emit;
  Size keyHeads = emit.math.constant(query.keyHeads), width = emit.math.constant(query.width);
  Tensor rows = emit.transpose(emit.reshape(fresh, {query.batch, query.length, keyHeads, width}), {0, 2, 1, 3});
  if (!node.hasInput(pastInput))
    return rows;
  Sizes sizes = {query.batch, keyHeads, query.presentRows, width};
  return emit.writeRows(node.input(pastInput), rows, query.starts, /*axis=*/2, sizes);
}

/// The rows of a cache that may hold keys.
static Tensor usedRows(Emitter &emit, const GroupQuery &query, const Tensor &cache) {
  Sizes offsets(4, emit.math.constant(0)), strides(4, emit.math.constant(1)), sizes = cache.sizes;
  sizes[2] = query.total;
  return emit.slice(cache, offsets, sizes, strides);
}

//===- Attention -----------------------------------------------------------===//

/// `scores` [batch, key heads, group, length, keys] with the least float where a query does not see a key.
static Tensor hideKeys(Node &node, const GroupQuery &query, const Tensor &scores, bool causal, int64_t window) {
  Emitter &emit = node.emit;
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange inputs) -> Value {
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, loc, predicate, x, y);
    };
    Value key = at[4], isSeen;
    if (causal) {
      Value position = arith::AddIOp::create(b, loc, firstRow(b, loc, query, at[0]), at[3]);
      isSeen = compare(arith::CmpIPredicate::sle, key, position);
      if (window > 0) {
        Value end = arith::AddIOp::create(b, loc, key, arith::ConstantIndexOp::create(b, loc, window));
        isSeen = arith::AndIOp::create(b, loc, isSeen, compare(arith::CmpIPredicate::sgt, end, position));
      }
    } else {
      Value last = tensor::ExtractOp::create(b, loc, query.lastKeys.value, at[0]);
      isSeen = compare(arith::CmpIPredicate::sle, key, arith::IndexCastOp::create(b, loc, b.getIndexType(), last));
    }
    auto type = cast<FloatType>(scores.elementType);
    llvm::APFloat least = llvm::APFloat::getLargest(type.getFloatSemantics(), /*Negative=*/true);
    Value unseen = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, least));
    return arith::SelectOp::create(b, loc, isSeen, inputs[0], unseen);
  };
  return emit.generate(scores.elementType, scores.sizes, scores, body);
}

/// attention_bias [batch or 1, heads or 1, length, keys] at the shape of `scores`.
static FailureOr<Tensor> scoreBias(Node &node, const GroupQuery &query, const Tensor &scores) {
  Emitter &emit = node.emit;
  const Tensor &bias = node.input(biasInput);
  if (bias.rank() != 4 || bias.elementType != node.shapeInput(queryInput).elementType)
    return node.error() << "expects attention_bias [batch or 1, heads or 1, length, keys], but got " << bias.type();
  SizeMath &math = emit.math;
  Sizes sizes = {query.batch, math.constant(query.heads), query.length, query.total};
  for (auto [size, wanted] : llvm::zip(ArrayRef(bias.sizes).take_front(2), sizes)) {
    Size fits = math.logicalOr(math.equal(size, math.constant(1)), math.equal(size, wanted));
    if (SizeMath::isKnown(fits, 0))
      return node.error() << "expects attention_bias [batch or 1, heads or 1, length, keys], but got " << bias.type();
    emit.check(fits, "expects attention_bias for 1 or all entries and heads, but got %lld for %lld", size, wanted);
  }
  if (failed(node.requireEqual(bias.sizes[2], query.length, "lengths of attention_bias and queries")) ||
      failed(node.requireEqual(bias.sizes[3], query.total, "keys of attention_bias and total_sequence_length")))
    return failure();
  return emit.reshape(emit.broadcast(emit.cast(bias, scores.elementType, false), sizes), scores.sizes);
}

/// softmax(softcap(scale Q K^T) + bias) V over the keys that each query sees, [batch, length, heads * width].
static FailureOr<Tensor> attend(Node &node, const GroupQuery &query, Tensor keys, Tensor values) {
  Emitter &emit = node.emit;
  SizeMath &math = emit.math;
  bool causal = node.intAttribute("causal", 1) != 0;
  int64_t window = node.intAttribute("local_window_size", -1);
  if (window == 0 || window < -1 || (window > 0 && !causal))
    return node.error() << "expects local_window_size -1, or above 0 with causal = 1, but got " << window;
  Type type = query.queries.elementType;
  keys = usedRows(emit, query, emit.cast(keys, type, false));
  values = usedRows(emit, query, emit.cast(values, type, false));
  Size keyHeads = math.constant(query.keyHeads), group = math.constant(query.heads / query.keyHeads);
  Sizes grouped = {query.batch, query.length, keyHeads, group, math.constant(query.width)};
  Sizes scoreSizes = {query.batch, keyHeads, group, query.length, query.total};
  Tensor scores = emit.contract(emit.reshape(query.queries, grouped), {0, 3, 1, 2, 5}, keys, {0, 1, 4, 5}, scoreSizes);
  double scale = node.floatAttribute("scale", 0);
  scale = scale == 0 ? 1 / std::sqrt(double(query.width)) : scale;
  scores.value = emit.mul(scores.value, emit.splatLike(scores, scale));
  if (double softcap = node.floatAttribute("softcap", 0); softcap > 0) {
    Value limit = emit.splatLike(scores, softcap);
    scores.value = emit.mul(math::TanhOp::create(emit.builder, emit.div(scores.value, limit)), limit);
  }
  if (node.hasInput(biasInput)) {
    FailureOr<Tensor> bias = scoreBias(node, query, scores);
    if (failed(bias))
      return failure();
    scores.value = emit.add(scores.value, bias->value);
  }
  scores = hideKeys(node, query, scores, causal, window);
  Tensor weights = emit.like(scores, SoftmaxOp::create(emit.builder, scores.type(), scores.value, 4, /*log=*/false));
  Tensor mixed = emit.contract(weights, {0, 2, 3, 1, 5}, values, {0, 2, 5, 4}, grouped);
  return emit.reshape(mixed, {query.batch, query.length, math.constant(query.heads * query.width)});
}

static LogicalResult groupQueryAttention(Node &node) {
  FailureOr<GroupQuery> query = readGroupQuery(node);
  if (failed(query) || failed(prepareHeads(node, *query)))
    return failure();
  Emitter &emit = node.emit;
  Type outputType = node.shapeInput(queryInput).elementType;
  Tensor keys = present(node, *query, pastKeyInput, emit.cast(query->keys, outputType, false));
  Tensor values = present(node, *query, pastValueInput, query->values);
  FailureOr<Tensor> result = attend(node, *query, keys, values);
  if (failed(result))
    return failure();
  node.setOutput(0, emit.cast(*result, outputType, false));
  node.setOutput(1, keys);
  node.setOutput(2, values);
  return success();
}

static const OpHandler table[] = {
    {"com.microsoft:GroupQueryAttention", 1, 16, TypeClass::Float, groupQueryAttention},
};

ArrayRef<OpHandler> thresh::groupQueryAttentionHandlers() { return table; }
