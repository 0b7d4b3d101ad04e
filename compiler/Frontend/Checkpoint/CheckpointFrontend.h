//===- CheckpointFrontend.h - Checkpoint folders to the graph stage ----------===//
//
// Reads a folder as the Hugging Face libraries write it: config.json, which names the architecture, and
// its weights as safetensors.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTFRONTEND_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTFRONTEND_H

#include "compiler/Frontend/Checkpoint/ImposedSparsity.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace thresh {

struct CheckpointOptions {
  /// Dynamic dimensions to fix, by name: "batch" -> 1, ...
  llvm::StringMap<int64_t> fixedDims;
  /// Tokens that a session of a decoder can hold; by default what the model allows, at most 4096.
  std::optional<int64_t> context;
  /// A JSON object of fields that overrule those of config.json; empty: none.
  std::string modelConfig;
  /// What makes layers of a dense decoder sparse.
  SparsitySections sparsity;
  /// Set: every tensor is noise of this seed (compiler/Weights/README.md), and the folder needs no weights.
  std::optional<int64_t> randomSeed;
};

/// The graph-stage module of the checkpoint in `folder`, or null after an error was emitted in `context`.
/// Weights are `thresh.parameter` symbols that point into their files. The entry point of an encoder is
/// `@main`, those of a decoder are listed in Decoder.h; an argument with `thresh.default = N : i64` may be left out by
/// the caller and is then filled with N.
mlir::OwningOpRef<mlir::ModuleOp> importCheckpoint(llvm::StringRef folder, mlir::MLIRContext &context,
                                                   const CheckpointOptions &options);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTFRONTEND_H
