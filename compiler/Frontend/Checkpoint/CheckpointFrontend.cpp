//===- CheckpointFrontend.cpp - Checkpoint folders to the graph stage --------===//
#include "compiler/Frontend/Checkpoint/CheckpointFrontend.h"

#include "compiler/Frontend/Checkpoint/Bert.h"
#include "compiler/Frontend/Checkpoint/CheckpointTensors.h"
#include "compiler/Frontend/Checkpoint/Decoder.h"
#include "compiler/Frontend/Checkpoint/GenerationConfig.h"
#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace thresh {

static llvm::Error unknownModelType(JsonFields &config, llvm::StringRef modelType) {
  std::vector<llvm::StringRef> names = {"bert"};
  for (const DecoderFamily &family : decoderFamilies())
    names.push_back(family.modelType);
  config.fail("model_type", "expects one of " + llvm::join(names, ", ") + ", but got \"" + modelType + "\"");
  return config.takeError();
}

static llvm::Error buildDecoderGraph(GraphBuilder &graph, const DecoderFamily &family, DecoderFields source,
                                     const CheckpointOptions &options) {
  llvm::Expected<DecoderConfig> config = readDecoderConfig(family, source, options.context);
  if (!config)
    return config.takeError();
  if (llvm::Error error = imposeSparsity(options.sparsity, family, *config))
    return error;
  return buildDecoder(family, *config, graph);
}

/// Multimodal wrappers nest the language model: its config is then `text_config`.
static bool isWrapper(const nlohmann::json &root) {
  auto modelType = root.find("model_type");
  if (modelType == root.end() || !modelType->is_string() || !root.contains("text_config"))
    return false;
  const auto &name = modelType->get_ref<const std::string &>();
  return name != "bert" && !findDecoderFamily(name);
}

/// Applies `changes`, a JSON object, to the fields of the model. Its syntax has been checked.
static void overrule(nlohmann::json &root, const std::string &changes) {
  nlohmann::json &fields = isWrapper(root) && root["text_config"].is_object() ? root["text_config"] : root;
  fields.update(nlohmann::json::parse(changes, nullptr, /*allow_exceptions=*/false));
}

static llvm::Error buildModel(GraphBuilder &graph, JsonFields &config, bool isNested,
                              const CheckpointOptions &options) {
  std::string modelType = config.string("model_type");
  std::unique_ptr<JsonFields> text = isNested ? config.nested("text_config") : nullptr;
  if (text) {
    modelType = text->string("model_type");
    config.adopt(text->takeError());
  }
  const DecoderFamily *family = findDecoderFamily(modelType);
  if (llvm::Error error = config.takeError())
    return error;
  if (family)
    return buildDecoderGraph(graph, *family, {text ? *text : config, /*isNested=*/text != nullptr}, options);
  if (llvm::Error error = refuseSparsity(options.sparsity, modelType))
    return error;
  if (options.context)
    return makeError("a context length is for decoders, but the model is \"" + modelType + "\"");
  return modelType == "bert" && !text ? buildBert(graph, config) : unknownModelType(text ? *text : config, modelType);
}

static llvm::Error buildGraph(llvm::StringRef folder, ModuleOp module, const CheckpointOptions &options) {
  llvm::SmallString<256> configFile(folder);
  llvm::sys::path::append(configFile, "config.json");
  auto root = readJsonObject(configFile);
  if (!root)
    return root.takeError();
  auto tensors = options.randomSeed ? CheckpointTensors::random(*options.randomSeed) : CheckpointTensors::open(folder);
  if (!tensors)
    return tensors.takeError();
  if (!options.modelConfig.empty())
    overrule(*root, options.modelConfig);
  JsonFields config(*root, configFile);
  GraphBuilder graph(module, *tensors, options.fixedDims);
  llvm::Error error = buildModel(graph, config, isWrapper(*root), options);
  if (error || !module->hasAttr("thresh.context"))
    return error;
  return declareGeneration(folder, config, module);
}

OwningOpRef<ModuleOp> importCheckpoint(llvm::StringRef folder, MLIRContext &context, const CheckpointOptions &options) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                      tensor::TensorDialect, ThreshDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(NameLoc::get(StringAttr::get(&context, folder)));
  if (llvm::Error error = buildGraph(folder, *module, options)) {
    emitError(UnknownLoc::get(&context)) << llvm::toString(std::move(error));
    return nullptr;
  }
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

} // namespace thresh
