//===- LinalgBuilders.h - What the lowerings are made of --------------------===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_LINALGBUILDERS_H
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_LINALGBUILDERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/PatternMatch.h"

namespace thresh {

/// Builds the scalar a generic yields from its block arguments (inputs, then outputs).
using ScalarBody = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// The sizes of an op's only result, in terms of its operands.
llvm::SmallVector<mlir::OpFoldResult> resultSizes(mlir::OpBuilder &builder, mlir::Operation *op);

/// An uninitialised tensor.
mlir::Value emptyTensor(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type elementType);

/// Replaces a graph op by a tensor of a compatible type, cast to the op's.
void replaceWithTensor(mlir::PatternRewriter &rewriter, mlir::Operation *op, mlir::Value tensor);

/// A tensor whose elements are all `value`: the start of a reduction.
mlir::Value filledTensor(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         mlir::TypedAttr value);

/// A generic over the dimensions of `out`, all parallel, that reads inputs[i] through maps[i].
mlir::Value pointwise(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange inputs,
                      llvm::ArrayRef<mlir::AffineMap> maps, mlir::Value out, ScalarBody body);

/// A generic over `rank` dimensions that accumulates into `init` those where `isReduced` holds; inputs[i] is read
/// through maps[i], and the body's last argument is the running value.
mlir::Value reduction(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange inputs,
                      llvm::ArrayRef<mlir::AffineMap> maps, mlir::Value init,
                      llvm::function_ref<bool(int64_t)> isReduced, int64_t rank, ScalarBody body);

/// The map from `rank` loops to those that `isKept` holds for, in order.
mlir::AffineMap projection(mlir::MLIRContext *context, int64_t rank, llvm::function_ref<bool(int64_t)> isKept);

/// The type in which elements compute: f32 for narrower floats, else the type itself.
mlir::Type computeType(mlir::Type elementType);

/// A scalar float converted to another width.
mlir::Value convertFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type type);

/// A float constant.
mlir::Value floatConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);

/// Elementwise conversion of a float tensor; the tensor itself where the types agree.
mlir::Value convertTensor(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor, mlir::Type elementType);

/// The number of elements of the given dimensions of a tensor, as an index.
mlir::Value elementCount(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor,
                         llvm::ArrayRef<int64_t> dimensions);

/// The number of rows of a tensor: of all dimensions but the last as one.
mlir::OpFoldResult countRows(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor);

/// An index as a float.
mlir::Value indexToFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value index, mlir::Type type);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_LINALGBUILDERS_H
