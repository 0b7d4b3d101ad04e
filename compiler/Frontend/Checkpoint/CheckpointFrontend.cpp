//===- CheckpointFrontend.cpp - Checkpoint folders to the graph stage --------===//
#include "compiler/Frontend/Checkpoint/CheckpointFrontend.h"

#include "compiler/Frontend/Checkpoint/Bert.h"
#include "compiler/Frontend/Checkpoint/CheckpointTensors.h"
#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace thresh {

namespace {

/// How one `model_type` of config.json becomes a graph.
struct Architecture {
  llvm::StringLiteral modelType;
  /// Builds `@main` in the builder's module from the fields of config.json.
  llvm::Error (*build)(GraphBuilder &graph, JsonFields &config);
};

constexpr Architecture kArchitectures[] = {
    {"bert", buildBert},
};

} // namespace

static llvm::Error buildGraph(llvm::StringRef folder, ModuleOp module, const CheckpointOptions &options) {
  llvm::SmallString<256> configFile(folder);
  llvm::sys::path::append(configFile, "config.json");
  auto root = readJsonObject(configFile);
  if (!root)
    return root.takeError();

  JsonFields config(*root, configFile);
  std::string modelType = config.string("model_type");
  if (llvm::Error error = config.takeError())
    return error;
  const auto *architecture = llvm::find_if(
      kArchitectures, [&](const Architecture &candidate) { return candidate.modelType == modelType; });
  if (architecture == std::end(kArchitectures)) {
    auto names = llvm::map_range(kArchitectures, [](const Architecture &known) { return known.modelType; });
    config.fail("model_type", "expects one of " + llvm::join(names, ", ") + ", but got \"" + modelType + "\"");
    return config.takeError();
  }

  auto tensors = CheckpointTensors::open(folder);
  if (!tensors)
    return tensors.takeError();
  GraphBuilder graph(module, *tensors, options.fixedDims);
  return architecture->build(graph, config);
}

OwningOpRef<ModuleOp> importCheckpoint(llvm::StringRef folder, MLIRContext &context, const CheckpointOptions &options) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect, ThreshDialect>();
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
