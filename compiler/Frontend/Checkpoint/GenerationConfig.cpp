//===- GenerationConfig.cpp - How a checkpoint wants its tokens chosen -------===//
#include "compiler/Frontend/Checkpoint/GenerationConfig.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace thresh {

namespace {

constexpr int64_t kMaxToken = INT32_MAX;
/// Drawing considers this many tokens where `top_k` is not said: transformers leaves its default out of the file.
constexpr int64_t kUsualTopK = 50;

/// Reads the ids of config.json, or of generation_config.json, into `attrs`; those that are there replace others.
void readTokens(JsonFields &fields, NamedAttrList &attrs, Builder &builder) {
  if (fields.has("eos_token_id"))
    attrs.set("stop_tokens", builder.getDenseI64ArrayAttr(fields.integers("eos_token_id", 0, kMaxToken)));
  if (fields.has("bos_token_id"))
    attrs.set("bos_token", builder.getI64IntegerAttr(fields.integer("bos_token_id", 0, kMaxToken)));
}

/// Reads a number greater than 0 and at most `most`.
void readFloat(JsonFields &fields, llvm::StringRef key, double most, NamedAttrList &attrs, Builder &builder) {
  if (!fields.has(key))
    return;
  double value = fields.positive(key);
  if (value > most || static_cast<float>(value) <= 0)
    fields.fail(key, "expects a number greater than 0 and at most " + describeJson(most) + ", but got " +
                         describeJson(value));
  attrs.set(key, builder.getF32FloatAttr(static_cast<float>(value)));
}

void readChoice(JsonFields &fields, NamedAttrList &attrs, Builder &builder) {
  constexpr double kLargest = 1e30; // far within f32
  bool isDrawn = fields.boolean("do_sample", false);
  if (isDrawn)
    attrs.set("do_sample", builder.getUnitAttr());
  if (isDrawn || fields.has("top_k"))
    attrs.set("top_k", builder.getI64IntegerAttr(fields.integer("top_k", 0, INT32_MAX, kUsualTopK)));
  readFloat(fields, "temperature", kLargest, attrs, builder);
  readFloat(fields, "top_p", 1, attrs, builder);
  readFloat(fields, "repetition_penalty", kLargest, attrs, builder);
}

} // namespace

llvm::Error declareGeneration(llvm::StringRef folder, JsonFields &config, ModuleOp module) {
  Builder builder(module.getContext());
  NamedAttrList attrs;
  readTokens(config, attrs, builder);
  if (std::unique_ptr<JsonFields> text = config.nested("text_config")) {
    readTokens(*text, attrs, builder);
    config.adopt(text->takeError());
  }
  if (llvm::Error error = config.takeError())
    return error;
  llvm::SmallString<256> file(folder);
  llvm::sys::path::append(file, "generation_config.json");
  if (llvm::sys::fs::exists(file)) {
    llvm::Expected<nlohmann::json> object = readJsonObject(file);
    if (!object)
      return object.takeError();
    JsonFields fields(*object, file);
    readTokens(fields, attrs, builder);
    readChoice(fields, attrs, builder);
    if (llvm::Error error = fields.takeError())
      return error;
  }
  if (!attrs.empty())
    module->setAttr("thresh.generation", attrs.getDictionary(module.getContext()));
  return llvm::Error::success();
}

} // namespace thresh
