//===- CheckpointFrontend.h - Checkpoint folders to the graph stage ----------===//
//
// Reads a folder as the Hugging Face libraries write it: config.json, which names the architecture, and
// its weights as safetensors.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTFRONTEND_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTFRONTEND_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

namespace thresh {

struct CheckpointOptions {
  /// Dynamic dimensions to fix, by name: "batch" -> 1, ...
  llvm::StringMap<int64_t> fixedDims;
};

/// The graph-stage module of the checkpoint in `folder`, or null after an error was emitted in `context`.
/// Weights are `thresh.parameter` symbols that point into their files. The entry point is `@main`; an
/// argument with `thresh.default = N : i64` may be left out by the caller and is then filled with N.
mlir::OwningOpRef<mlir::ModuleOp> importCheckpoint(llvm::StringRef folder, mlir::MLIRContext &context,
                                                   const CheckpointOptions &options);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTFRONTEND_H
