//===- GatherIndices.h - Indices that come from data ------------------------===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_GATHERINDICES_H
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_GATHERINDICES_H

#include "mlir/IR/Builders.h"

namespace thresh {

/// Leaves two `thresh.check` behind that stop the call when an index (a tensor of integers) is outside [-extent,
/// extent). The starting values of the least and the greatest index pass for every extent, so that no indices are no
/// error.
void checkGatherIndices(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value indices, mlir::Value extent);

/// A checked index (a scalar integer) as a coordinate: negative ones count from the end.
mlir::Value gatherCoordinate(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value index, mlir::Value extent);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_GATHERINDICES_H
