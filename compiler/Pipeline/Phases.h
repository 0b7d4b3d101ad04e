//===- Phases.h - The way a model takes through the compiler -----------------===//
#ifndef THRESH_COMPILER_PIPELINE_PHASES_H
#define THRESH_COMPILER_PIPELINE_PHASES_H

#include "compiler/Transforms/StorageFormats.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <optional>

namespace thresh {

/// Every stage that `thresh compile --emit=` can stop at, in order.
enum class Phase { Graph, Sparse, Linalg, Kernels, Halide, Llvm, Asm, Object, Library };

struct PhaseInfo {
  Phase phase;
  const char *name;
  const char *help;
};

/// One row per phase, in order.
llvm::ArrayRef<PhaseInfo> phases();
std::optional<Phase> parsePhase(llvm::StringRef name);

/// Registers all dialects, interfaces and translations that the phases use.
void registerDialects(mlir::DialectRegistry &registry);

/// The passes that lead to a phase from the one before it (graph is what a frontend makes).
/// `wantsDense`: sparse ops become dense ones without a remark.
void buildSparsePhase(mlir::OpPassManager &passes, WeightFormat weights, CacheFormat cache, bool wantsDense);
void buildLinalgPhase(mlir::OpPassManager &passes);
void buildKernelsPhase(mlir::OpPassManager &passes);
void buildLlvmPhase(mlir::OpPassManager &passes);

/// Registers the phases as thresh-<phase>-pipeline, for thresh-opt.
void registerPhasePipelines();

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_PHASES_H
