//===- ChooseSparseKernels.h - Sparse ops that kernels compute ---------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_CHOOSESPARSEKERNELS_H
#define THRESH_COMPILER_TRANSFORMS_CHOOSESPARSEKERNELS_H

#include "dialects/Thresh/IR/ThreshSparseOps.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SetVector.h"

namespace thresh {

/// Copies of weights that kernels read row by row. They are parameters of their own beside those of the dense products:
/// the same source, unpacked, always with a `#thresh.pack`.
class RowParameters {
public:
  explicit RowParameters(mlir::ModuleOp module) : module(module), symbols(module) {}

  /// The matrix of `load`, or its transpose, loaded at the builder's place.
  mlir::Value load(mlir::OpBuilder &builder, LoadParameterOp load, bool isTransposed);

  /// Drops the parameters that nothing reads any more.
  void eraseUnused();

private:
  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  llvm::SetVector<ParameterOp> originals;
  llvm::DenseMap<ParameterOp, ParameterOp> copies[2]; ///< by whether they are transposed
};

/// Replaces `op` by the result of its kernel and, if it tells its survivors, by their `counts`, which get wider.
void replaceByKernel(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value result, mlir::Value counts);

/// Each replaces its op by kernels, or says why none computes it.
std::optional<std::string> chooseFfnKernels(SparseFfnOp op, RowParameters &parameters);
std::optional<std::string> chooseAttentionKernel(TopkAttentionOp op);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_CHOOSESPARSEKERNELS_H
