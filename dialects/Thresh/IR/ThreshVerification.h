//===- ThreshVerification.h - Extents and diagnostics of the graph ops ------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHVERIFICATION_H
#define THRESH_DIALECTS_THRESH_IR_THRESHVERIFICATION_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/IR/Builders.h"

namespace thresh {

/// Reports a broken constraint of an op that may not exist yet (type inference runs before creation).
template <typename OpTy, typename... Args>
mlir::LogicalResult opError(std::optional<mlir::Location> loc, Args &&...args) {
  return mlir::emitOptionalError(loc, "'", OpTy::getOperationName(), "' op ", std::forward<Args>(args)...);
}

/// Whether two extents can be the same when the model runs.
inline bool areCompatibleExtents(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b);
}

/// The better known of two compatible extents.
inline int64_t mergeExtents(int64_t a, int64_t b) { return mlir::ShapedType::isDynamic(a) ? b : a; }

/// "2x?x3": a shape as diagnostics print it; "scalar" for rank 0.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// The product of the static extents, or nothing when it overflows int64.
std::optional<int64_t> staticElementCount(llvm::ArrayRef<int64_t> shape);

/// Extent `dim` of a ranked tensor: an attribute where static, else a tensor.dim.
mlir::OpFoldResult extentOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor, int64_t dim);

/// Whether `size` is known to be extent `dim` of `tensor`.
bool isExtentOf(mlir::Value size, mlir::Value tensor, int64_t dim);

/// The sizes of `type` as ReifyRankedShapedTypeOpInterface wants them: attributes exactly where `type` is static.
llvm::SmallVector<mlir::OpFoldResult> fitSizesToType(mlir::OpBuilder &builder, mlir::Location loc,
                                                     llvm::ArrayRef<mlir::OpFoldResult> sizes,
                                                     mlir::RankedTensorType type);

} // namespace thresh

#endif // THRESH_DIALECTS_THRESH_IR_THRESHVERIFICATION_H
