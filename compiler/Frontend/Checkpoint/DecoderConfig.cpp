//===- DecoderConfig.cpp - A decoder as its config.json describes it ---------===//
#include "compiler/Frontend/Checkpoint/DecoderConfig.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thresh {

/// The context window when nobody asks for one: as long as the model allows, within reason.
static constexpr int64_t kDefaultContext = 4096;
static constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();
static constexpr int64_t kMaxLayers = 4096;
static constexpr int64_t kMaxHeads = 65536;
static constexpr double kMaxStateBytes = 1e14;

static constexpr SparsityFields kAttentionFields = {"attention_topk", "attention_predictor_dims"};
static constexpr SparsityFields kFeedForwardFields = {"ffn_topk", "ffn_predictor_dims"};

static constexpr llvm::StringLiteral kSliding = "sliding_attention";
static constexpr llvm::StringLiteral kFull = "full_attention";

namespace {

class ConfigReader {
public:
  ConfigReader(const DecoderFamily &family, DecoderFields source)
      : family(family), fields(source.fields), isNested(source.isNested) {}

  llvm::Expected<DecoderConfig> read(std::optional<int64_t> context);

private:
  int64_t size(llvm::StringRef key, int64_t fallback, int64_t max = kMaxSize);
  void readSizes();
  void readHeads();
  void readBlocks();
  void readCaps();
  void readContext(std::optional<int64_t> context);
  void readLayers();
  void readScales();
  void readSparsities();
  std::vector<bool> windowedLayers(size_t layers);
  void readRopes();
  size_t addRope(JsonFields *scaling, double base, int64_t width);
  double ropeBase(JsonFields *scaling, llvm::StringRef key, double fallback);
  double partialFactor(JsonFields *scaling);
  void rejectUnsupported();

  const DecoderFamily &family;
  JsonFields &fields;
  bool isNested;
  DecoderConfig config = {};
};

} // namespace

/// A size that a nested config may leave out.
int64_t ConfigReader::size(llvm::StringRef key, int64_t fallback, int64_t max) {
  return fields.integer(key, 1, max, isNested ? std::optional<int64_t>(fallback) : std::nullopt);
}

void ConfigReader::readSizes() {
  const FieldNames &names = family.fields;
  const DefaultSizes &sizes = family.sizes;
  config.vocabulary = size("vocab_size", sizes.vocabulary);
  config.width = size(names.width, sizes.width);
  config.layers.resize(size(names.layers, sizes.layers, kMaxLayers));
  config.innerWidth = sizes.innerWidth ? size(names.innerWidth, sizes.innerWidth)
                                       : fields.integer(names.innerWidth, 1, kMaxSize, 4 * config.width);
  config.positions = size(names.positions, sizes.positions);
  config.embeddingWidth = fields.integer("word_embed_proj_dim", 1, kMaxSize, config.width);
}

void ConfigReader::readHeads() {
  const FieldNames &names = family.fields;
  config.heads = size(names.heads, family.sizes.heads, kMaxHeads);
  bool dropsKeyValueHeads = isNested && family.sizes.keyValueHeads && !fields.mentions(names.keyValueHeads);
  config.keyValueHeads = config.heads;
  if (!names.keyValueHeads.empty())
    config.keyValueHeads = fields.integer(names.keyValueHeads, 1, kMaxHeads,
                                          dropsKeyValueHeads ? family.sizes.keyValueHeads : config.heads);
  if (config.heads % config.keyValueHeads != 0)
    fields.fail(names.keyValueHeads, "expects a divisor of " + names.heads + " " + llvm::Twine(config.heads) +
                                         ", but got " + llvm::Twine(config.keyValueHeads));
  if (!names.headDim.empty() && (family.sizes.headDim || fields.has(names.headDim))) {
    config.headDim = fields.integer(names.headDim, 1, kMaxHeads, family.sizes.headDim);
    return;
  }
  config.headDim = config.width / config.heads;
  if (config.headDim * config.heads != config.width)
    fields.fail(names.heads, "expects a divisor of " + names.width + " " + llvm::Twine(config.width) + ", but got " +
                                 llvm::Twine(config.heads));
}

static bool readBias(JsonFields &fields, const BiasRule &rule) {
  return rule.field.empty() ? rule.fallback : fields.boolean(rule.field, rule.fallback);
}

void ConfigReader::readBlocks() {
  const FieldNames &names = family.fields;
  config.activation = fields.string(names.activation, family.activation);
  if (llvm::Error error = checkActivation(config.activation))
    fields.fail(names.activation, llvm::toString(std::move(error)));
  config.epsilon = names.epsilon.empty() ? family.epsilon : fields.positive(names.epsilon, family.epsilon);
  config.hasQueryKeyValueBias = readBias(fields, family.queryKeyValueBias);
  config.hasAttentionOutBias = readBias(fields, family.attentionOutBias);
  config.hasInnerBias = readBias(fields, family.innerBias);
  config.isTied = fields.boolean("tie_word_embeddings", family.isTied);
  config.normsAfterBlocks = !fields.boolean("do_layer_norm_before", true);
  config.hasFinalNorm = !config.normsAfterBlocks && !fields.boolean("_remove_final_layer_norm", false);
}

/// A cap that is absent has the family's default; one that is null is off.
static double readCap(JsonFields &fields, llvm::StringRef key, double fallback) {
  if (fields.has(key))
    return fields.positive(key);
  return fields.mentions(key) ? 0.0 : fallback;
}

void ConfigReader::readCaps() {
  if (!family.hasCaps)
    return;
  config.scoreCap = readCap(fields, "attn_logit_softcapping", family.scoreCap);
  config.logitCap = readCap(fields, "final_logit_softcapping", family.logitCap);
}

void ConfigReader::readContext(std::optional<int64_t> context) {
  config.context = context.value_or(std::min(config.positions, kDefaultContext));
  if (family.positions.kind == PositionKind::Learned && config.context > config.positions)
    fields.fail(family.fields.positions, "expects at least the context of " + llvm::Twine(config.context) +
                                             " tokens, but got " + llvm::Twine(config.positions));
  double rowBytes = 2.0 * sizeof(float) * config.keyValueHeads * config.headDim * config.layers.size();
  if (rowBytes * config.context > kMaxStateBytes)
    fields.fail(family.fields.layers, "expects keys and values of a session that fit into memory, but " +
                                          llvm::Twine(config.context) + " tokens take " +
                                          llvm::Twine(static_cast<int64_t>(rowBytes)) + " bytes each");
}

/// Which layers have a window, if the config sets one at all.
std::vector<bool> ConfigReader::windowedLayers(size_t layers) {
  std::vector<bool> windowed(layers, false);
  if (family.windows != WindowRule::AllLayers && fields.has("layer_types")) {
    std::vector<std::string> types = fields.strings("layer_types", layers, {kSliding, kFull});
    std::transform(types.begin(), types.end(), windowed.begin(),
                   [](const std::string &type) { return type == kSliding; });
    return windowed;
  }
  int64_t from = 0, period = 0;
  switch (family.windows) {
  case WindowRule::None: break;
  case WindowRule::AllLayers: break;
  case WindowRule::FromLayer:
    from = fields.boolean("use_sliding_window", false) ? fields.integer("max_window_layers", 0, kMaxLayers, 28)
                                                       : static_cast<int64_t>(layers);
    break;
  case WindowRule::EveryOther: period = 2; break;
  case WindowRule::AllButEveryNth: {
    llvm::StringRef key = fields.has("_sliding_window_pattern") ? "_sliding_window_pattern" : "sliding_window_pattern";
    period = fields.integer(key, 1, kMaxLayers, 6);
    break;
  }
  }
  for (int64_t layer = from; layer < static_cast<int64_t>(layers); ++layer)
    windowed[layer] = period == 0 || (layer + 1) % period != 0;
  return windowed;
}

void ConfigReader::readLayers() {
  if (family.windows == WindowRule::None)
    return;
  std::vector<bool> windowed = windowedLayers(config.layers.size());
  bool isOn = family.windows != WindowRule::FromLayer || fields.boolean("use_sliding_window", false);
  int64_t fallback = fields.mentions("sliding_window") ? 0 : family.window;
  int64_t window =
      fields.has("sliding_window") || !fallback ? fields.integer("sliding_window", 1, kMaxSize, 0) : fallback;
  for (auto [layer, hasWindow] : llvm::zip_equal(config.layers, windowed)) {
    layer.window = hasWindow ? window : 0;
    bool mustHaveOne = hasWindow && family.windows != WindowRule::AllLayers;
    if (mustHaveOne && (!isOn || window == 0))
      fields.fail(isOn ? "sliding_window" : "use_sliding_window",
                  "expects a window, as layers of type \"sliding_attention\" are asked for");
  }
}

void ConfigReader::readScales() {
  double scalar = static_cast<double>(config.headDim);
  if (family.queryScalar)
    scalar = fields.positive("query_pre_attn_scalar", static_cast<double>(family.queryScalar));
  bool isScaled = family.positions.kind != PositionKind::Learned || fields.boolean("scale_attn_weights", true);
  bool byLayer = fields.boolean("scale_attn_by_inverse_layer_idx", false);
  for (auto [index, layer] : llvm::enumerate(config.layers)) {
    layer.scoreScale = isScaled ? 1.0 / std::sqrt(scalar) : 1.0;
    if (byLayer)
      layer.scoreScale /= static_cast<double>(index + 1);
  }
}

void ConfigReader::readSparsities() {
  if (!family.isSpark)
    return;
  size_t layers = config.layers.size();
  std::vector<LayerSparsity> attention = readSparsity(fields, kAttentionFields, layers, config.headDim, /*step=*/2);
  std::vector<LayerSparsity> feedForward = readSparsity(fields, kFeedForwardFields, layers, config.width, /*step=*/1);
  for (auto [layer, attend, feed] : llvm::zip_equal(config.layers, attention, feedForward)) {
    layer.attention = attend;
    layer.feedForward = feed;
  }
}

//===----------------------------------------------------------------------===//
// Rotary positions, in the fields of transformers 4 (rope_theta, rope_scaling) and 5 (rope_parameters)
//===----------------------------------------------------------------------===//

double ConfigReader::ropeBase(JsonFields *scaling, llvm::StringRef key, double fallback) {
  double base = fields.positive(key, fallback);
  if (!scaling || !scaling->has("rope_theta"))
    return base;
  double inner = scaling->positive("rope_theta");
  if (fields.has(key) && inner != base)
    scaling->fail("rope_theta", "expects the value of " + key + " beside it, but the two differ");
  return inner;
}

double ConfigReader::partialFactor(JsonFields *scaling) {
  JsonFields &owner = scaling && scaling->has("partial_rotary_factor") ? *scaling : fields;
  double factor = owner.positive("partial_rotary_factor", 1.0);
  if (factor <= 1)
    return factor;
  owner.fail("partial_rotary_factor", "expects at most 1");
  return 1;
}

/// The index of the rotation of `width` elements that `scaling` describes; equal ones are kept once.
size_t ConfigReader::addRope(JsonFields *scaling, double base, int64_t width) {
  RopeContext context = {base, width, partialFactor(scaling), config.positions,
                         fields.integer("original_max_position_embeddings", 0, kMaxSize, 0)};
  Rope rope = readRope(fields, scaling, context);
  auto known = std::find(config.ropes.begin(), config.ropes.end(), rope);
  size_t index = known - config.ropes.begin();
  if (known == config.ropes.end())
    config.ropes.push_back(std::move(rope));
  return index;
}

void ConfigReader::readRopes() {
  const PositionFacts &facts = family.positions;
  if (facts.kind == PositionKind::Learned)
    return;
  if (fields.has("rope_parameters") && fields.has("rope_scaling"))
    fields.fail("rope_scaling", "expects no rope_parameters beside it");
  std::unique_ptr<JsonFields> scaling =
      fields.nested(fields.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
  bool isPerType = facts.kind == PositionKind::RotaryPerLayerType;
  std::unique_ptr<JsonFields> full, sliding;
  if (scaling && isPerType) {
    full = scaling->nested(kFull);
    sliding = scaling->nested(kSliding);
  }
  JsonFields *fullScaling = full ? full.get() : scaling.get();
  double fullBase = ropeBase(fullScaling, "rope_theta", facts.base);
  size_t fullRope = addRope(fullScaling, fullBase, config.headDim);
  size_t slidingRope = fullRope;
  if (isPerType)
    slidingRope =
        addRope(sliding.get(), ropeBase(sliding.get(), "rope_local_base_freq", facts.windowBase), config.headDim);
  for (DecoderLayer &layer : config.layers) {
    layer.rope = layer.window ? slidingRope : fullRope;
    if (!layer.attention.isSparse())
      continue;
    layer.rope = addRope(fullScaling, fullBase, layer.attention.predictor);
    layer.restRope = addRope(fullScaling, fullBase, config.headDim - layer.attention.predictor);
  }
  for (JsonFields *nested : {sliding.get(), full.get(), scaling.get()})
    if (nested)
      fields.adopt(nested->takeError());
}

/// Fields that change what the model computes in ways that the builder does not know.
void ConfigReader::rejectUnsupported() {
  for (const char *flag : {"is_encoder_decoder", "add_cross_attention", "use_bidirectional_attention"})
    if (fields.has(flag) && fields.boolean(flag))
      fields.fail(flag, "expects false: only causal decoders are supported");
  if (!fields.boolean("layer_norm_elementwise_affine", true))
    fields.fail("layer_norm_elementwise_affine", "expects true: norms without weights are not supported");
  if (fields.has("quantization_config"))
    fields.fail("quantization_config", "expects weights as F32, F16 or BF16 and no such field");
}

llvm::Expected<DecoderConfig> ConfigReader::read(std::optional<int64_t> context) {
  readSizes();
  readHeads();
  readBlocks();
  readCaps();
  readContext(context);
  readLayers();
  readScales();
  readSparsities();
  readRopes();
  rejectUnsupported();
  if (llvm::Error error = fields.takeError())
    return error;
  return std::move(config);
}

llvm::Expected<DecoderConfig> readDecoderConfig(const DecoderFamily &family, DecoderFields source,
                                                std::optional<int64_t> context) {
  return ConfigReader(family, source).read(context);
}

} // namespace thresh
