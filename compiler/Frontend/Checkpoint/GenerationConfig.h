//===- GenerationConfig.h - How a checkpoint wants its tokens chosen ---------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_GENERATIONCONFIG_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_GENERATIONCONFIG_H

#include "compiler/Frontend/Checkpoint/Json.h"

#include "mlir/IR/BuiltinOps.h"

namespace thresh {

/// Sets the module attribute `thresh.generation` from generation_config.json in `folder`, if there is one: stop tokens,
/// the first token, and how to draw. Token ids that it does not say are those of config.json, whose fields are
/// `config`. The error names the file and the field.
llvm::Error declareGeneration(llvm::StringRef folder, JsonFields &config, mlir::ModuleOp module);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_GENERATIONCONFIG_H
