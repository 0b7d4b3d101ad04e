//===- KernelGroups.h - Which linalg ops make up one kernel ------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_KERNELGROUPS_H
#define THRESH_COMPILER_TRANSFORMS_KERNELGROUPS_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

namespace thresh {

/// The ops of one kernel. Every member but the root is used by members only.
struct KernelGroup {
  mlir::linalg::GenericOp root;
  llvm::SetVector<mlir::Operation *> members; ///< root first, then producers
  KernelFamily family = KernelFamily::Elementwise;
};

/// Grows the group that ends at `root`. Ops that `isTaken` says yes to belong to other kernels or to none.
KernelGroup growKernelGroup(mlir::linalg::GenericOp root, llvm::function_ref<bool(mlir::Operation *)> isTaken);

/// True for sum-of-products reductions of two operands: matmul, matrix-vector, batched.
bool isContraction(mlir::linalg::GenericOp op);

/// The argument of a generic's body whose element `value` is, widened: by casts, or as a narrow integer times the
/// element of another argument. Null for other values.
mlir::BlockArgument storedElement(mlir::Value value);

/// True for the two halves of a product with a quantised matrix (dialects/README.md, `thresh.quantized_matmul`): the
/// i32 sum of each group, and the f32 sum of scaled groups, which reads nothing but the first and scales.
bool isGroupSum(mlir::linalg::GenericOp op);
bool isQuantizedContraction(mlir::linalg::GenericOp op);

/// True if the body only moves data: it yields one of its inputs.
bool isDataMovement(mlir::linalg::GenericOp op);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_KERNELGROUPS_H
