//===- Description.cpp - JSON files that describe a compilation --------------===//
#include "compiler/Frontend/Description/Description.h"

#include "compiler/Frontend/Checkpoint/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace thresh {

static constexpr llvm::StringLiteral kKeys[] = {"context_window_size", "dtype",        "max_batch_size", "model",
                                                "model_config",        "quantization", "targets",        "version"};
static constexpr int64_t kMaxContext = int64_t(1) << 30;

static void rejectUnknownKeys(const nlohmann::json &root, JsonFields &fields) {
  for (const auto &[key, value] : root.items())
    if (!llvm::is_contained(kKeys, key))
      fields.fail(key, "expects one of " + llvm::join(llvm::ArrayRef(kKeys), ", ") + " as the key");
}

/// Settings of which one value is supported so far.
static void requireSupported(JsonFields &fields) {
  for (auto [key, only] : {std::pair<llvm::StringLiteral, llvm::StringLiteral>{"dtype", "float32"}, {"quantization", "none"}})
    if (std::string value = fields.string(key, only); value != only)
      fields.fail(key, "expects \"" + only + "\", but got \"" + value + "\"");
  fields.integer("version", 1, 1, 1);
  fields.integer("max_batch_size", 1, 1, 1);
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
  if (llvm::Error error = fields.takeError())
    return error;
  return description;
}

} // namespace thresh
