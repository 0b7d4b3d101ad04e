//===- Description.cpp - JSON files that describe a compilation --------------===//
#include "compiler/Frontend/Description/Description.h"

#include "compiler/Frontend/Checkpoint/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace thresh {

static constexpr llvm::StringLiteral kKeys[] = {"context_window_size", "dtype",   "kv_cache",
                                                "max_batch_size",      "model",   "model_config",
                                                "quantization",        "targets", "version"};
static constexpr int64_t kMaxContext = int64_t(1) << 30;

static void rejectUnknownKeys(const nlohmann::json &root, JsonFields &fields) {
  for (const auto &[key, value] : root.items())
    if (!llvm::is_contained(kKeys, key))
      fields.fail(key, "expects one of " + llvm::join(llvm::ArrayRef(kKeys), ", ") + " as the key");
}

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
  rejectUnknownKeys(*root, fields);
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
  if (fields.has("targets"))
    description.targets = fields.strings("targets");
  description.weights = readFormat(fields, "quantization", parseWeightFormat, weightFormatNames);
  description.cache = readFormat(fields, "kv_cache", parseCacheFormat, cacheFormatNames);
  if (llvm::Error error = fields.takeError())
    return error;
  return description;
}

} // namespace thresh
