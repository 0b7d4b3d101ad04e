//===- Description.cpp - JSON files that describe a compilation --------------===//
#include "compiler/Frontend/Description/Description.h"

#include "compiler/Frontend/Checkpoint/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace thresh {

static constexpr llvm::StringLiteral kKeys[] = {
    kAttentionSection, "context_window_size", "dtype",        kFeedForwardSection, "kv_cache", "max_batch_size",
    "model",           "model_config",        "quantization", "targets",           "version"};
static constexpr int64_t kMaxContext = int64_t(1) << 30;

/// Settings of which one value is supported so far.
static void requireSupported(JsonFields &fields) {
  if (std::string value = fields.string("dtype", "float32"); value != "float32")
    fields.fail("dtype", "expects \"float32\", but got \"" + value + "\"");
  fields.integer("version", 1, 1, 1);
  fields.integer("max_batch_size", 1, 1, 1);
}

/// A format by its name, if the key is there.
template <typename Format>
static std::optional<Format> readFormat(JsonFields &fields, llvm::StringRef key,
                                        std::optional<Format> (*parse)(llvm::StringRef), std::string (*names)()) {
  if (!fields.has(key))
    return std::nullopt;
  std::string value = fields.string(key);
  std::optional<Format> format = parse(value);
  if (!format)
    fields.fail(key, "expects one of " + names() + ", but got \"" + value + "\"");
  return format;
}

/// The sections on sparsity that are there. What is in them is for those who know the model to check.
static SparsitySections readSparsity(const nlohmann::json &root, JsonFields &fields, llvm::StringRef file) {
  nlohmann::json found = nlohmann::json::object();
  for (llvm::StringRef key : {kAttentionSection, kFeedForwardSection})
    if (fields.nested(key))
      found[key.str()] = root[key.str()];
  return {file.str(), found.empty() ? std::string() : found.dump()};
}

static std::string joinPath(llvm::StringRef folder, llvm::StringRef path) {
  if (llvm::sys::path::is_absolute(path))
    return path.str();
  llvm::SmallString<256> joined(folder);
  llvm::sys::path::append(joined, path);
  return joined.str().str();
}

llvm::Expected<ModelDescription> readDescription(llvm::StringRef file) {
  auto root = readJsonObject(file);
  if (!root)
    return root.takeError();
  JsonFields fields(*root, file);
  fields.expectOnly(kKeys);
  requireSupported(fields);

  ModelDescription description;
  std::string model = fields.string("model");
  if (model.empty())
    fields.fail("model", "expects the path of a checkpoint folder");
  description.checkpoint = joinPath(llvm::sys::path::parent_path(file), model);
  if (fields.has("context_window_size"))
    description.context = fields.integer("context_window_size", 1, kMaxContext);
  if (fields.nested("model_config"))
    description.modelConfig = (*root)["model_config"].dump();
  description.sparsity = readSparsity(*root, fields, file);
  if (fields.has("targets"))
    description.targets = fields.strings("targets");
  description.weights = readFormat(fields, "quantization", parseWeightFormat, weightFormatNames);
  description.cache = readFormat(fields, "kv_cache", parseCacheFormat, cacheFormatNames);
  if (llvm::Error error = fields.takeError())
    return error;
  return description;
}

} // namespace thresh
