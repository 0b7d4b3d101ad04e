//===- Bert.cpp - The BERT encoder -------------------------------------------===//
//
// Post-norm encoder with learned absolute positions, as transformers' eager BertModel computes it.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Frontend/Checkpoint/Bert.h"

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace thresh {

namespace {

struct BertConfig {
  int64_t vocabulary;
  int64_t positions;
  int64_t tokenTypes;
  int64_t width;
  int64_t layers;
  int64_t heads;
  int64_t innerWidth;
  std::string activation;
  double epsilon;
};

/// Builds the body of @main. Hidden states are [batch, seq, width].
class BertBuilder {
public:
  BertBuilder(GraphBuilder &graph, const BertConfig &config, llvm::StringRef prefix)
      : graph(graph), builder(graph.builder), loc(graph.loc), config(config), prefix(prefix) {}

  void build();

private:
  Value embed(Value ids, Value types);
  Value buildMask(Value attentionMask);
  Value splitHeads(Value x);
  Value attend(Value x, Value mask, const std::string &name);
  Value buildLayer(Value x, Value mask, const std::string &name);

  std::string named(llvm::StringRef name) const { return (prefix + name).str(); }
  OpFoldResult index(int64_t value) { return builder.getIndexAttr(value); }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }

  GraphBuilder &graph;
  OpBuilder &builder;
  Location loc;
  const BertConfig &config;
  llvm::StringRef prefix; ///< of every tensor name: "bert." in checkpoints with a head, else ""
  OpFoldResult batch;
  OpFoldResult seq;
};

} // namespace

static llvm::Expected<BertConfig> readConfig(JsonFields &fields) {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  BertConfig config;
  config.vocabulary = fields.integer("vocab_size", 1, kMax);
  config.width = fields.integer("hidden_size", 1, kMax);
  config.layers = fields.integer("num_hidden_layers", 0, kMax);
  config.heads = fields.integer("num_attention_heads", 1, kMax);
  config.innerWidth = fields.integer("intermediate_size", 1, kMax);
  config.positions = fields.integer("max_position_embeddings", 1, kMax, 512);
  config.tokenTypes = fields.integer("type_vocab_size", 1, kMax, 2);
  config.activation = fields.string("hidden_act", "gelu");
  config.epsilon = fields.positive("layer_norm_eps", 1e-12);

  if (config.width % config.heads != 0)
    fields.fail("num_attention_heads", "expects a divisor of hidden_size " + llvm::Twine(config.width) + ", but got " +
                                           llvm::Twine(config.heads));
  if (llvm::Error error = checkActivation(config.activation))
    fields.fail("hidden_act", llvm::toString(std::move(error)));
  std::string positionType = fields.string("position_embedding_type", "absolute");
  if (positionType != "absolute")
    fields.fail("position_embedding_type", "expects \"absolute\", but got \"" + positionType + "\"");
  for (const char *decoderFlag : {"is_decoder", "add_cross_attention"})
    if (fields.boolean(decoderFlag, false))
      fields.fail(decoderFlag, "expects false: only the encoder is supported");
  if (llvm::Error error = fields.takeError())
    return error;
  return config;
}

/// Sum of the word, token type and position embeddings, normalised.
Value BertBuilder::embed(Value ids, Value types) {
  Value words = graph.parameter(named("embeddings.word_embeddings.weight"), {config.vocabulary, config.width});
  Value typeTable =
      graph.parameter(named("embeddings.token_type_embeddings.weight"), {config.tokenTypes, config.width});
  Value positionTable =
      graph.parameter(named("embeddings.position_embeddings.weight"), {config.positions, config.width});

  Value x = GatherOp::create(builder, loc, words, ids, /*dimension=*/0);
  x = add(x, GatherOp::create(builder, loc, typeTable, types, /*dimension=*/0));
  SmallVector<OpFoldResult> offsets = {index(0), index(0)};
  SmallVector<OpFoldResult> sizes = {seq, index(config.width)};
  SmallVector<OpFoldResult> strides = {index(1), index(1)};
  Value positions = tensor::ExtractSliceOp::create(builder, loc, positionTable, offsets, sizes, strides);
  x = add(x, graph.broadcast(positions, {batch, seq, index(config.width)}));
  return graph.layerNorm(x, named("embeddings.LayerNorm"), config.width, config.epsilon);
}

/// What is added to the attention scores [batch, heads, seq, seq]: 0 where the key's token counts, the
/// least finite float where attention_mask is 0. (A row with no token that counts attends evenly.)
Value BertBuilder::buildMask(Value attentionMask) {
  auto scalarType = RankedTensorType::get({}, builder.getI64Type());
  auto zeroAttr = DenseElementsAttr::get(scalarType, llvm::APInt(64, 0));
  Value zero = graph.broadcast(arith::ConstantOp::create(builder, loc, zeroAttr), {batch, seq});
  Value counts = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, attentionMask, zero);
  Value none = graph.splat(0.0, {batch, seq});
  Value least = graph.splat(std::numeric_limits<float>::lowest(), {batch, seq});
  Value mask = arith::SelectOp::create(builder, loc, counts, none, least);
  mask = graph.reshape(mask, {batch, index(1), index(1), seq});
  return graph.broadcast(mask, {batch, index(config.heads), seq, seq});
}

/// [batch, seq, width] to [batch, heads, seq, width / heads]
Value BertBuilder::splitHeads(Value x) {
  Value split = graph.reshape(x, {batch, seq, index(config.heads), index(config.width / config.heads)});
  return graph.transpose(split, {0, 2, 1, 3});
}

Value BertBuilder::attend(Value x, Value mask, const std::string &name) {
  int64_t width = config.width;
  SmallVector<OpFoldResult> rows = {batch, seq};
  SmallVector<OpFoldResult> scoreSizes = {batch, index(config.heads), seq, seq};
  Value query = splitHeads(graph.linear(x, rows, name + ".self.query", width, width));
  Value key = splitHeads(graph.linear(x, rows, name + ".self.key", width, width));
  Value value = splitHeads(graph.linear(x, rows, name + ".self.value", width, width));

  Value scores = MatmulOp::create(builder, loc, query, key, /*transpose_rhs=*/true);
  Value scale = graph.splat(1.0 / std::sqrt(double(width / config.heads)), scoreSizes);
  scores = add(arith::MulFOp::create(builder, loc, scores, scale), mask);
  Value weights = SoftmaxOp::create(builder, loc, scores, /*dimension=*/3, /*log=*/false);
  Value mixed = MatmulOp::create(builder, loc, weights, value, /*transpose_rhs=*/false);
  mixed = graph.reshape(graph.transpose(mixed, {0, 2, 1, 3}), {batch, seq, index(width)});
  Value result = add(graph.linear(mixed, rows, name + ".output.dense", width, width), x);
  return graph.layerNorm(result, name + ".output.LayerNorm", width, config.epsilon);
}

Value BertBuilder::buildLayer(Value x, Value mask, const std::string &name) {
  SmallVector<OpFoldResult> rows = {batch, seq};
  SmallVector<OpFoldResult> innerSizes = {batch, seq, index(config.innerWidth)};
  x = attend(x, mask, name + ".attention");
  Value inner = graph.linear(x, rows, name + ".intermediate.dense", config.width, config.innerWidth);
  inner = buildActivation(graph, config.activation, inner, innerSizes);
  Value result = add(graph.linear(inner, rows, name + ".output.dense", config.innerWidth, config.width), x);
  return graph.layerNorm(result, name + ".output.LayerNorm", config.width, config.epsilon);
}

void BertBuilder::build() {
  SmallVector<Value> inputs = graph.beginEntry("main", {
                                                           {"input_ids", {"batch", "seq"}, std::nullopt},
                                                           {"attention_mask", {"batch", "seq"}, 1},
                                                           {"token_type_ids", {"batch", "seq"}, 0},
                                                       });
  batch = tensor::getMixedSize(builder, loc, inputs[0], 0);
  seq = tensor::getMixedSize(builder, loc, inputs[0], 1);
  graph.limitExtent("seq", seq, config.positions, "max_position_embeddings");

  Value x = embed(inputs[0], inputs[2]);
  Value mask = buildMask(inputs[1]);
  for (int64_t layer = 0; layer < config.layers && !graph.hasFailed(); ++layer)
    x = buildLayer(x, mask, named("encoder.layer." + std::to_string(layer)));
  graph.endEntry({{"last_hidden_state", x, {"batch", "seq", "width"}}});
}

llvm::Error buildBert(GraphBuilder &graph, JsonFields &fields) {
  llvm::Expected<BertConfig> config = readConfig(fields);
  if (!config)
    return config.takeError();
  bool hasPrefix = graph.getTensors().find("bert.embeddings.word_embeddings.weight");
  BertBuilder(graph, *config, hasPrefix ? "bert." : "").build();
  return graph.finish();
}

} // namespace thresh
