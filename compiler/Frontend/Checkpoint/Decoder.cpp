//===- Decoder.cpp - Decoder language models ---------------------------------===//
//
// One builder for all families: DecoderFamilies.cpp says what each of them differs in. Hidden states are
// [n, width] for the n tokens of a call.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Frontend/Checkpoint/Decoder.h"

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace thresh {

namespace {

/// The tokens whose logits an entry point returns.
enum class Rows { Last, All };

/// Whether an entry point returns what its sparse layers used.
enum class Usage { Dropped, Returned };

/// Tokens that a session can step back at least where a layer keeps the last ones only.
constexpr int64_t kRewindTokens = 64;

/// Rows of a layer's key and value states: as many as the context, or fewer in a ring. Sparse attention wants the key
/// of token t in row t.
int64_t stateRows(const DecoderConfig &config, const DecoderLayer &layer) {
  bool isRing = layer.window && !layer.attention.isSparse();
  return isRing ? std::min(config.context, layer.window + kRewindTokens) : config.context;
}

/// The keys and values that the tokens of a call look at.
struct Cache {
  HeadParts keys;
  Value values; ///< [length, kv, headDim]
  Value length; ///< rows
  Value first;  ///< row of the call's first token; those before it are earlier tokens, the latest last
  int64_t wrap =
      0; ///< rows of a ring in place: those behind the first token's hold what came `wrap` tokens before; else 0
};

/// Builds one entry point.
class DecoderBuilder {
public:
  DecoderBuilder(const DecoderFamily &family, const DecoderConfig &config, llvm::StringRef prefix, GraphBuilder &graph)
      : family(family), names(family.tensors), config(config), graph(graph), builder(graph.builder), loc(graph.loc),
        prefix(prefix) {}

  void build(llvm::StringRef entry, llvm::StringRef dim, Rows rows, Usage usage = Usage::Dropped);

private:
  using Sizes = SmallVector<OpFoldResult>;

  void checkTokens(Value ids);
  Value embed(Value ids);
  Value norm(Value x, const std::string &name, int64_t size);
  Value linear(Value x, const std::string &name, int64_t in, int64_t out, bool hasBias);
  Value columns(Value x, int64_t begin, int64_t end);
  Value contract(Value lhs, ArrayRef<int64_t> lhsDims, Value rhs, ArrayRef<int64_t> rhsDims, const Sizes &sizes);
  Value softCap(Value x, double cap, const Sizes &sizes);
  Value mask(Value scores, const Sizes &sizes, const Cache &cache, int64_t window);
  HeadParts prepareHeads(Value x, int64_t heads, llvm::StringRef headNorm, size_t index);
  Cache remember(const HeadParts &key, Value value, size_t index);
  Value attend(Value x, size_t index);
  Value feedForward(Value x, size_t index);
  Value buildLayer(Value x, size_t index);
  Value lastRow(Value x);
  Value logits(Value x, OpFoldResult rows);
  Value stack(ArrayRef<Value> counts);

  std::string named(llvm::StringRef name) const { return (prefix + name).str(); }
  std::string inLayer(size_t index, llvm::StringRef name) const {
    return (prefix + names.layer + "." + llvm::Twine(index) + "." + name).str();
  }
  OpFoldResult index(int64_t value) { return builder.getIndexAttr(value); }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
  Value multiply(Value x, double factor, const Sizes &sizes) {
    return factor == 1 ? x : arith::MulFOp::create(builder, loc, x, graph.splat(factor, sizes)).getResult();
  }

  const DecoderFamily &family;
  const TensorNames &names;
  const DecoderConfig &config;
  GraphBuilder &graph;
  OpBuilder &builder;
  Location loc;
  llvm::StringRef prefix;
  OpFoldResult count;                          ///< tokens of the call
  Value position;                              ///< tokens before it
  Value length;                                ///< tokens after it
  std::vector<std::pair<Value, Value>> angles; ///< cosines and sines of each rope
  SmallVector<Value> neurons, tokens;          ///< what sparse layers used, by layer
};

} // namespace

/// Stops the call at a token that is not in the vocabulary, and at a call without tokens.
void DecoderBuilder::checkTokens(Value ids) {
  Value tokens = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                            getValueOrCreateConstantIndexOp(builder, loc, count));
  Value one = arith::ConstantIntOp::create(builder, loc, 1, 64);
  CheckOp::create(builder, loc, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, tokens, one),
                  "expects at least one token", ValueRange{});
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64);
  Value size = arith::ConstantIntOp::create(builder, loc, config.vocabulary, 64);
  std::tuple<ReduceKind, arith::CmpIPredicate, Value> limits[] = {{ReduceKind::Min, arith::CmpIPredicate::sge, zero},
                                                                  {ReduceKind::Max, arith::CmpIPredicate::slt, size}};
  for (auto [kind, predicate, limit] : limits) {
    Value extreme = ReduceOp::create(builder, loc, kind, ids, builder.getDenseI64ArrayAttr({0}), /*keep_dims=*/false);
    Value token = tensor::ExtractOp::create(builder, loc, extreme, ValueRange{});
    Value fits = arith::CmpIOp::create(builder, loc, predicate, token, limit);
    CheckOp::create(builder, loc, fits, "token %lld is not in the vocabulary of %lld tokens", ValueRange{token, size});
  }
}

/// The embedding factor sqrt(width), rounded as transformers does to the dtype that the weights are stored in.
static double embeddingScale(const StoredTensor *table, int64_t width) {
  float scale = static_cast<float>(std::sqrt(static_cast<double>(width)));
  llvm::APFloat rounded(scale);
  bool losesInfo;
  if (table && table->dtype == "BF16")
    rounded.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  else if (table && table->dtype == "F16")
    rounded.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.convertToDouble();
}

Value DecoderBuilder::embed(Value ids) {
  std::string name = named(names.tokens) + ".weight";
  Value table = graph.parameter(name, {config.vocabulary, config.embeddingWidth});
  Value x = GatherOp::create(builder, loc, table, ids, /*dimension=*/0);
  if (family.scalesEmbedding)
    x = multiply(x, embeddingScale(graph.getTensors().find(name), config.width), {count, index(config.embeddingWidth)});
  if (config.embeddingWidth != config.width)
    x = linear(x, named("project_in"), config.embeddingWidth, config.width, /*hasBias=*/false);
  if (family.positions.kind != PositionKind::Learned)
    return x;
  int64_t firstRow = family.positions.firstRow;
  Value rows = graph.parameter(named(names.positions) + ".weight", {config.positions + firstRow, config.width});
  Value start =
      builder.createOrFold<arith::AddIOp>(loc, position, arith::ConstantIndexOp::create(builder, loc, firstRow));
  Sizes offsets = {start, index(0)}, sizes = {count, index(config.width)}, strides = {index(1), index(1)};
  return add(x, tensor::ExtractSliceOp::create(builder, loc, rows, offsets, sizes, strides));
}

/// Normalises the last dimension, of `size` elements.
Value DecoderBuilder::norm(Value x, const std::string &name, int64_t size) {
  if (family.norm == NormKind::Layer)
    return graph.layerNorm(x, name, size, config.epsilon);
  Value scale = graph.parameter(name + ".weight", {size});
  if (family.norm == NormKind::RmsOnePlus)
    scale = add(scale, graph.splat(1.0, {index(size)}));
  int64_t axis = cast<RankedTensorType>(x.getType()).getRank() - 1;
  return RmsNormOp::create(builder, loc, x, scale, axis, llvm::APFloat(config.epsilon));
}

Value DecoderBuilder::linear(Value x, const std::string &name, int64_t in, int64_t out, bool hasBias) {
  Sizes rows = {tensor::getMixedSize(builder, loc, x, 0)};
  return graph.linear(x, rows, name, in, out, {hasBias, family.hasTransposedLinear});
}

/// Columns [begin, end) of x [n, ...].
Value DecoderBuilder::columns(Value x, int64_t begin, int64_t end) {
  Sizes offsets = {index(0), index(begin)}, sizes = {count, index(end - begin)}, strides = {index(1), index(1)};
  return tensor::ExtractSliceOp::create(builder, loc, x, offsets, sizes, strides);
}

/// A sum of products over one loop, the last: loops 0 to rank - 1 index the result of `sizes`, and `lhsDims` and
/// `rhsDims` say which loop indexes each dimension of an operand.
Value DecoderBuilder::contract(Value lhs, ArrayRef<int64_t> lhsDims, Value rhs, ArrayRef<int64_t> rhsDims,
                               const Sizes &sizes) {
  int64_t rank = sizes.size();
  auto mapOf = [&](ArrayRef<int64_t> dims) {
    return AffineMap::getMultiDimMapWithTargets(rank + 1, llvm::to_vector_of<unsigned>(dims), builder.getContext());
  };
  SmallVector<AffineMap> maps = {mapOf(lhsDims), mapOf(rhsDims),
                                 builder.getMultiDimIdentityMap(rank + 1).dropResult(rank)};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  Value zero = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  Value start = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  return linalg::GenericOp::create(builder, loc, start.getType(), ValueRange{lhs, rhs}, start, maps, iterators,
                                   [](OpBuilder &b, Location l, ValueRange args) {
                                     Value product = arith::MulFOp::create(b, l, args[0], args[1]);
                                     Value sum = arith::AddFOp::create(b, l, args[2], product);
                                     linalg::YieldOp::create(b, l, sum);
                                   })
      .getResult(0);
}

/// cap * tanh(x / cap), or x without a cap.
Value DecoderBuilder::softCap(Value x, double cap, const Sizes &sizes) {
  if (cap == 0)
    return x;
  Value inner = arith::DivFOp::create(builder, loc, x, graph.splat(cap, sizes));
  return multiply(math::TanhOp::create(builder, loc, inner), cap, sizes);
}

/// Scores [kv, group, n, length] where the query sees the key, the least finite float elsewhere. Query i is the token
/// of row first + i and sees the keys up to its own, of which the last `window` if there is a window.
Value DecoderBuilder::mask(Value scores, const Sizes &sizes, const Cache &cache, int64_t window) {
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(4));
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, TypeRange{empty.getType()}, ValueRange{scores}, ValueRange{empty}, maps, iterators,
             [&](OpBuilder &b, Location l, ValueRange args) {
               Value query = arith::AddIOp::create(b, l, cache.first, linalg::IndexOp::create(b, l, 2));
               Value key = linalg::IndexOp::create(b, l, 3);
               if (cache.wrap) {
                 Value wrapped = arith::SubIOp::create(b, l, key, arith::ConstantIndexOp::create(b, l, cache.wrap));
                 Value isBehind = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt, key, query);
                 key = arith::SelectOp::create(b, l, isBehind, wrapped, key);
               }
               Value isSeen = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle, key, query);
               if (window) {
                 Value end = arith::AddIOp::create(b, l, key, arith::ConstantIndexOp::create(b, l, window));
                 Value isNear = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt, end, query);
                 isSeen = arith::AndIOp::create(b, l, isSeen, isNear);
               }
               auto least = b.getF32FloatAttr(std::numeric_limits<float>::lowest());
               Value unseen = arith::ConstantOp::create(b, l, least);
               linalg::YieldOp::create(b, l, arith::SelectOp::create(b, l, isSeen, args[0], unseen).getResult());
             })
      .getResult(0);
}

/// [n, heads * headDim] to normalised and rotated [n, heads, headDim], in parts where attention is sparse: those of a
/// layer that is sparse by itself rotate on their own.
HeadParts DecoderBuilder::prepareHeads(Value x, int64_t heads, llvm::StringRef headNorm, size_t index) {
  x = graph.reshape(x, {count, this->index(heads), this->index(config.headDim)});
  if (!headNorm.empty())
    x = norm(x, inLayer(index, headNorm), config.headDim);
  const DecoderLayer &layer = config.layers[index];
  auto rotate = [&](Value part, size_t rope) -> Value {
    if (angles.empty())
      return part;
    auto [cos, sin] = angles[rope];
    return RotaryEmbeddingOp::create(builder, loc, part, cos, sin, /*interleaved=*/false);
  };
  if (!layer.attention.isSparse())
    return {rotate(x, layer.rope), Value()};
  if (layer.attention.isImposed)
    return splitHeads(graph, rotate(x, layer.rope), layer.attention.predictor);
  auto [first, rest] = splitHeads(graph, x, layer.attention.predictor);
  return {rotate(first, layer.rope), rotate(rest, layer.restRope)};
}

/// Appends the keys and values [n, kv, headDim] of the call to the states: one for each part of the keys. One token is
/// written into a ring before the ring is read in place; several may push rows out of it that the first of them still
/// sees, so that these are copied.
Cache DecoderBuilder::remember(const HeadParts &key, Value value, size_t layer) {
  int64_t window = config.layers[layer].window, rows = stateRows(config, config.layers[layer]);
  bool isRing = rows < config.context, isOne = isConstantIntValue(count, 1);
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); };
  Cache cache;
  cache.length = length;
  cache.first = position;
  if (isRing && isOne) {
    cache.length = builder.createOrFold<arith::MinSIOp>(loc, length, constant(rows));
    cache.first = builder.createOrFold<arith::RemUIOp>(loc, position, constant(rows));
    cache.wrap = rows;
  } else if (isRing) {
    cache.first = builder.createOrFold<arith::MinSIOp>(loc, position, constant(window - 1));
    Value tokens = getValueOrCreateConstantIndexOp(builder, loc, count);
    cache.length = builder.createOrFold<arith::AddIOp>(loc, cache.first, tokens);
  }
  auto store = [&](llvm::StringRef role, Value fresh) -> Value {
    std::string state = (role + llvm::Twine(layer)).str();
    int64_t width = cast<RankedTensorType>(fresh.getType()).getDimSize(2);
    auto type = RankedTensorType::get({ShapedType::kDynamic, config.keyValueHeads, width}, builder.getF32Type());
    Value seen;
    if (isRing && !isOne) {
      Value out = tensor::EmptyOp::create(builder, loc, type, ValueRange{cache.length});
      seen = RecallStateOp::create(builder, loc, type, state, position, fresh, out).getResult();
    }
    AppendStateOp::create(builder, loc, state, fresh, position);
    return seen ? seen : ReadStateOp::create(builder, loc, type, state, cache.length).getResult();
  };
  cache.keys.first = store("key_", key.first);
  if (key.rest)
    cache.keys.rest = store("key_rest_", key.rest);
  cache.values = store("value_", value);
  return cache;
}

Value DecoderBuilder::attend(Value x, size_t layer) {
  int64_t kv = config.keyValueHeads, group = config.heads / kv, dim = config.headDim;
  int64_t queryWidth = config.heads * dim, keyWidth = kv * dim;
  Value query, key, value;
  if (!names.queryKeyValue.empty()) {
    Value all = linear(x, inLayer(layer, names.queryKeyValue), config.width, queryWidth + 2 * keyWidth,
                       config.hasQueryKeyValueBias);
    query = columns(all, 0, queryWidth);
    key = columns(all, queryWidth, queryWidth + keyWidth);
    value = columns(all, queryWidth + keyWidth, queryWidth + 2 * keyWidth);
  } else {
    query = linear(x, inLayer(layer, names.query), config.width, queryWidth, config.hasQueryKeyValueBias);
    key = linear(x, inLayer(layer, names.key), config.width, keyWidth, config.hasQueryKeyValueBias);
    value = linear(x, inLayer(layer, names.value), config.width, keyWidth, config.hasQueryKeyValueBias);
  }
  HeadParts queries = prepareHeads(query, config.heads, names.queryNorm, layer);
  HeadParts keys = prepareHeads(key, kv, names.keyNorm, layer);
  value = graph.reshape(value, {count, index(kv), index(dim)});

  Cache cache = remember(keys, value, layer);
  const DecoderLayer &facts = config.layers[layer];
  if (facts.attention.isSparse()) {
    SparseResult sparse =
        buildSparseAttention(graph, inLayer(layer, "self_attn"), {queries, cache.keys, cache.values, position},
                             facts.attention, {facts.scoreScale, config.scoreCap, facts.window});
    tokens.push_back(sparse.survivors);
    Value mixed = graph.reshape(sparse.result, {count, index(queryWidth)});
    return linear(mixed, inLayer(layer, names.attentionOut), queryWidth, config.width, config.hasAttentionOutBias);
  }
  query = graph.reshape(queries.first, {count, index(kv), index(group), index(dim)});
  Sizes scoreSizes = {index(kv), index(group), count, cache.length};
  Value scores = contract(query, {2, 0, 1, 4}, cache.keys.first, {3, 0, 4}, scoreSizes);
  scores = multiply(scores, facts.scoreScale, scoreSizes);
  scores = softCap(scores, config.scoreCap, scoreSizes);
  scores = mask(scores, scoreSizes, cache, facts.window);
  Value weights = SoftmaxOp::create(builder, loc, scores, /*dimension=*/3, /*log=*/false);
  Value mixed = contract(weights, {1, 2, 0, 4}, cache.values, {4, 1, 3}, {count, index(kv), index(group), index(dim)});
  mixed = graph.reshape(mixed, {count, index(queryWidth)});
  return linear(mixed, inLayer(layer, names.attentionOut), queryWidth, config.width, config.hasAttentionOutBias);
}

Value DecoderBuilder::feedForward(Value x, size_t layer) {
  int64_t inner = config.innerWidth;
  if (LayerSparsity sparsity = config.layers[layer].feedForward; sparsity.isSparse()) {
    std::string place = named(names.layer) + "." + std::to_string(layer);
    SparseResult sparse = buildSparseFeedForward(graph, place, x, inner, sparsity, config.activation);
    neurons.push_back(sparse.survivors);
    return sparse.result;
  }
  Sizes sizes = {count, index(inner)};
  auto project = [&](llvm::StringRef name, int64_t out) {
    return linear(x, inLayer(layer, name), config.width, out, config.hasInnerBias);
  };
  Value result;
  if (!names.gateUp.empty()) {
    Value both = project(names.gateUp, 2 * inner);
    Value gate = buildActivation(graph, config.activation, columns(both, 0, inner), sizes);
    result = arith::MulFOp::create(builder, loc, gate, columns(both, inner, 2 * inner));
  } else if (!names.gate.empty()) {
    Value gate = buildActivation(graph, config.activation, project(names.gate, inner), sizes);
    result = arith::MulFOp::create(builder, loc, gate, project(names.up, inner));
  } else {
    result = buildActivation(graph, config.activation, project(names.up, inner), sizes);
  }
  return linear(result, inLayer(layer, names.down), inner, config.width, config.hasInnerBias);
}

/// x + attention and x + feed-forward, with the norms where the family has them.
Value DecoderBuilder::buildLayer(Value x, size_t layer) {
  auto block = [&](Value in, Value (DecoderBuilder::*body)(Value, size_t), llvm::StringRef before,
                   llvm::StringRef after) {
    Value y = config.normsAfterBlocks ? in : norm(in, inLayer(layer, before), config.width);
    y = (this->*body)(y, layer);
    if (!after.empty())
      y = norm(y, inLayer(layer, after), config.width);
    y = add(in, y);
    return config.normsAfterBlocks ? norm(y, inLayer(layer, before), config.width) : y;
  };
  x = block(x, &DecoderBuilder::attend, names.attentionNorm, names.attentionOutNorm);
  return block(x, &DecoderBuilder::feedForward, names.innerNorm, names.innerOutNorm);
}

Value DecoderBuilder::lastRow(Value x) {
  Value tokens = getValueOrCreateConstantIndexOp(builder, loc, count);
  Value last = builder.createOrFold<arith::SubIOp>(loc, tokens, arith::ConstantIndexOp::create(builder, loc, 1));
  Sizes offsets = {last, index(0)}, sizes = {index(1), index(config.width)}, strides = {index(1), index(1)};
  return tensor::ExtractSliceOp::create(builder, loc, x, offsets, sizes, strides);
}

Value DecoderBuilder::logits(Value x, OpFoldResult rows) {
  if (config.hasFinalNorm)
    x = norm(x, named(names.finalNorm), config.width);
  if (config.embeddingWidth != config.width)
    x = linear(x, named("project_out"), config.width, config.embeddingWidth, /*hasBias=*/false);
  std::string name = named(names.tokens) + ".weight";
  if (!config.isTied)
    name =
        graph.getTensors().find("language_model.lm_head.weight") ? "language_model.lm_head.weight" : "lm_head.weight";
  Value head = graph.parameter(name, {config.vocabulary, config.embeddingWidth});
  Value result = MatmulOp::create(builder, loc, x, head, /*transpose_rhs=*/true);
  return softCap(result, config.logitCap, {rows, index(config.vocabulary)});
}

/// One after the other: each has one row.
Value DecoderBuilder::stack(ArrayRef<Value> counts) {
  return counts.size() == 1 ? counts.front() : tensor::ConcatOp::create(builder, loc, /*dim=*/0, counts).getResult();
}

void DecoderBuilder::build(llvm::StringRef entry, llvm::StringRef dim, Rows rows, Usage usage) {
  Value ids = graph.beginEntry(entry, {{"input_ids", {dim}, std::nullopt, /*isTokens=*/true}}).front();
  count = tensor::getMixedSize(builder, loc, ids, 0);
  position = PositionOp::create(builder, loc, builder.getIndexType());
  length = arith::AddIOp::create(builder, loc, position, getValueOrCreateConstantIndexOp(builder, loc, count));
  checkTokens(ids);
  angles.clear();
  for (const Rope &rope : config.ropes)
    angles.push_back(buildAngles(graph, rope, count, position, length));

  Value x = embed(ids);
  for (size_t layer = 0; layer < config.layers.size() && !graph.hasFailed(); ++layer)
    x = buildLayer(x, layer);
  if (rows == Rows::Last && !isConstantIntValue(count, 1))
    x = lastRow(x);
  Value result = logits(x, rows == Rows::Last ? index(1) : count);
  SmallVector<EntryOutput> outputs = {{"logits", result, {dim, "vocabulary"}}};
  if (usage == Usage::Returned && !neurons.empty())
    outputs.push_back({"active_neurons", stack(neurons), {"layers"}});
  if (usage == Usage::Returned && !tokens.empty())
    outputs.push_back({"attended_tokens", stack(tokens), {"layers", "heads"}});
  graph.endEntry(outputs);
}

llvm::Error buildDecoder(const DecoderFamily &family, const DecoderConfig &config, GraphBuilder &graph) {
  const TensorNames &names = family.tensors;
  llvm::StringRef prefix = names.prefixes.front();
  for (llvm::StringRef candidate : llvm::reverse(names.prefixes))
    if (graph.getTensors().find((candidate + names.tokens + ".weight").str()))
      prefix = candidate;
  for (auto [number, layer] : llvm::enumerate(config.layers)) {
    int64_t rows = stateRows(config, layer);
    auto declare = [&](llvm::StringRef role, int64_t width) {
      graph.declareState((role + llvm::Twine(number)).str(), {rows, config.keyValueHeads, width},
                         rows < config.context ? layer.window : 0);
    };
    int64_t first = layer.attention.isSparse() ? layer.attention.predictor : config.headDim;
    declare("key_", first);
    if (first < config.headDim)
      declare("key_rest_", config.headDim - first);
    declare("value_", config.headDim);
  }
  graph.declareContext(config.context);
  DecoderBuilder(family, config, prefix, graph).build("prefill", "seq", Rows::Last);
  DecoderBuilder(family, config, prefix, graph).build("decode", "1", Rows::Last, Usage::Returned);
  DecoderBuilder(family, config, prefix, graph).build("score", "seq", Rows::All);
  return graph.finish();
}

} // namespace thresh
