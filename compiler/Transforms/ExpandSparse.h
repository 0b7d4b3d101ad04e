//===- ExpandSparse.h - The dense meaning of the sparse ops -------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_EXPANDSPARSE_H
#define THRESH_COMPILER_TRANSFORMS_EXPANDSPARSE_H

#include "dialects/Thresh/IR/ThreshSparseOps.h"

namespace thresh {

/// Each gives the values of the op's results, computed before it from all of its operands.
llvm::SmallVector<mlir::Value> expandStatisticalTopk(StatisticalTopkOp op, mlir::OpBuilder &builder);
llvm::SmallVector<mlir::Value> expandTopkAttention(TopkAttentionOp op, mlir::OpBuilder &builder);
llvm::SmallVector<mlir::Value> expandTopk(TopkOp op, mlir::OpBuilder &builder);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_EXPANDSPARSE_H
