//===- ImposedSparsity.cpp - Sparse layers on the tensors of a dense model ---===//
#include "compiler/Frontend/Checkpoint/ImposedSparsity.h"

#include <limits>

namespace thresh {

static constexpr llvm::StringLiteral kFeedForwardKeys[] = {"k", "mode", "predictor"};
static constexpr llvm::StringLiteral kGateKeys[] = {"kind"};
static constexpr llvm::StringLiteral kAttentionKeys[] = {"index_topk", "predictor"};
static constexpr llvm::StringLiteral kPartialKeyKeys[] = {"kind", "r"};

namespace {

/// Reads the sections into the layers of a decoder.
class SparsityReader {
public:
  SparsityReader(JsonFields &fields, const DecoderFamily &family, DecoderConfig &config)
      : fields(fields), family(family), config(config) {}

  void readFeedForward();
  void readAttention();

private:
  /// The only value that is known of a field.
  static void requireText(JsonFields &section, llvm::StringRef key, llvm::StringRef value);
  static std::unique_ptr<JsonFields> openPredictor(JsonFields &section, llvm::ArrayRef<llvm::StringLiteral> keys,
                                                   llvm::StringRef kind);
  void refuse(llvm::StringRef section, const llvm::Twine &expected, const llvm::Twine &found) {
    fields.fail(section, "expects " + expected + ", but \"" + family.modelType + "\" " + found);
  }
  bool isDenseFamily(llvm::StringRef section);
  bool hasPlainBlocks();

  JsonFields &fields;
  const DecoderFamily &family;
  DecoderConfig &config;
};

} // namespace

void SparsityReader::requireText(JsonFields &section, llvm::StringRef key, llvm::StringRef value) {
  std::string given = section.string(key);
  if (given != value)
    section.fail(key, "expects \"" + value + "\", but got \"" + given + "\"");
}

std::unique_ptr<JsonFields> SparsityReader::openPredictor(JsonFields &section, llvm::ArrayRef<llvm::StringLiteral> keys,
                                                          llvm::StringRef kind) {
  std::unique_ptr<JsonFields> predictor = section.nested("predictor");
  if (!predictor) {
    section.fail("predictor", "expects an object of kind \"" + kind + "\", but the field is missing");
    return nullptr;
  }
  predictor->expectOnly(keys);
  requireText(*predictor, "kind", kind);
  return predictor;
}

bool SparsityReader::isDenseFamily(llvm::StringRef section) {
  if (family.isSpark)
    refuse(section, "a dense family", "has sparse layers of its own in config.json");
  return !family.isSpark;
}

/// Whether the block is down(act(gate x) * (up x)) of three matrices.
bool SparsityReader::hasPlainBlocks() {
  const TensorNames &names = family.tensors;
  bool hasGate = !names.gate.empty();
  if (!hasGate)
    refuse(kFeedForwardSection, "feed-forward blocks with a gate projection of its own",
           names.gateUp.empty() ? "has none" : "has it in one tensor with the up projection");
  else if (config.hasInnerBias)
    refuse(kFeedForwardSection, "feed-forward blocks without biases", "has them (" + family.innerBias.field + ")");
  return hasGate && !config.hasInnerBias;
}

void SparsityReader::readFeedForward() {
  std::unique_ptr<JsonFields> section = fields.nested(kFeedForwardSection);
  if (!section || !isDenseFamily(kFeedForwardSection) || !hasPlainBlocks())
    return;
  section->expectOnly(kFeedForwardKeys);
  requireText(*section, "mode", "statistical_topk");
  std::vector<int64_t> counts = readPerLayer(*section, "k", config.layers.size(), config.innerWidth);
  if (auto predictor = openPredictor(*section, kGateKeys, "gate"))
    section->adopt(predictor->takeError());
  for (auto [layer, count] : llvm::zip_equal(config.layers, counts))
    layer.feedForward = {count, /*predictor=*/0, /*isImposed=*/true};
  fields.adopt(section->takeError());
}

void SparsityReader::readAttention() {
  std::unique_ptr<JsonFields> section = fields.nested(kAttentionSection);
  if (!section || !isDenseFamily(kAttentionSection))
    return;
  section->expectOnly(kAttentionKeys);
  std::vector<int64_t> counts =
      readPerLayer(*section, "index_topk", config.layers.size(), std::numeric_limits<int32_t>::max());
  int64_t dims = 0;
  if (auto predictor = openPredictor(*section, kPartialKeyKeys, "partial_key")) {
    dims = predictor->integer("r", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
    if (dims < 2 || dims > config.headDim - 2 || dims % 2 != 0)
      predictor->fail("r", "expects an even integer from 2 to " + llvm::Twine(config.headDim - 2) + ", but got " +
                               llvm::Twine(dims));
    section->adopt(predictor->takeError());
  }
  for (auto [layer, count] : llvm::zip_equal(config.layers, counts))
    layer.attention = {count, dims, /*isImposed=*/true};
  fields.adopt(section->takeError());
}

llvm::Error imposeSparsity(const SparsitySections &sections, const DecoderFamily &family, DecoderConfig &config) {
  if (sections.json.empty())
    return llvm::Error::success();
  nlohmann::json root = nlohmann::json::parse(sections.json, nullptr, /*allow_exceptions=*/false);
  JsonFields fields(root, sections.file);
  SparsityReader reader(fields, family, config);
  reader.readFeedForward();
  reader.readAttention();
  return fields.takeError();
}

llvm::Error refuseSparsity(const SparsitySections &sections, llvm::StringRef modelType) {
  if (sections.json.empty())
    return llvm::Error::success();
  nlohmann::json root = nlohmann::json::parse(sections.json, nullptr, /*allow_exceptions=*/false);
  JsonFields fields(root, sections.file);
  fields.fail(root.begin().key(), "expects a decoder, but the model is \"" + modelType + "\"");
  return fields.takeError();
}

} // namespace thresh
