//===- WeightsPlan.h - Where each packed tensor goes ---------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_WEIGHTSPLAN_H
#define THRESH_COMPILER_WEIGHTS_WEIGHTSPLAN_H

#include "compiler/Weights/Weights.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "llvm/Support/raw_ostream.h"

namespace thresh {

/// The layout of one module's weights, and what fills it.
struct WeightsPlan {
  PackedWeights weights;
  /// What each tensor in weights.tensors is made of: the first parameter that is it, or the parts of a record.
  std::vector<llvm::SmallVector<ParameterOp, 1>> parts;
};

/// Bytes of one element in a weights file, 0 when the format has no such element type.
int64_t getElementBytes(mlir::Type type);

mlir::FailureOr<WeightsPlan> planWeights(mlir::ModuleOp module);

/// The first weights.headerBytes bytes of the file; `content` is the hash of the data, 32 hex digits.
std::string makeWeightsHeader(const PackedWeights &weights, llvm::StringRef content);

/// Streams the data section to `out` and sets the plan's id. Returns the content hash for the header.
mlir::FailureOr<std::string> streamWeights(WeightsPlan &plan, llvm::raw_ostream &out);

/// Creates `outFile` by letting `write` fill a temporary file beside it, renamed at the end. Errors are
/// emitted at `loc`.
mlir::LogicalResult writeFileAtomically(mlir::Location loc, llvm::StringRef outFile,
                                        llvm::function_ref<mlir::LogicalResult(llvm::raw_pwrite_stream &)> write);

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_WEIGHTSPLAN_H
