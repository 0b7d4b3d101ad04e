//===- ThreshActivations.h - Activation functions as arith and math ops ------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHACTIVATIONS_H
#define THRESH_DIALECTS_THRESH_IR_THRESHACTIVATIONS_H

#include "dialects/Thresh/IR/ThreshSparseOps.h"

namespace thresh {

/// A tensor of `sizes`, f32, every element `value`.
mlir::Value buildSplat(mlir::OpBuilder &builder, mlir::Location loc, double value,
                       llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// `activation` of every element of x, a tensor of f32 and of `sizes`.
mlir::Value buildActivation(mlir::OpBuilder &builder, mlir::Location loc, Activation activation, mlir::Value x,
                            llvm::ArrayRef<mlir::OpFoldResult> sizes);

} // namespace thresh

#endif // THRESH_DIALECTS_THRESH_IR_THRESHACTIVATIONS_H
