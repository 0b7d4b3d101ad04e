//===- ReshapeGroups.h - Which dimensions a reshape merges and splits -------===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_RESHAPEGROUPS_H
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_RESHAPEGROUPS_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Value.h"

namespace thresh {

/// input[g] and result[g] are runs of dimensions with equal element counts, in order, covering all dimensions.
/// Both are empty if the input or the result has rank 0.
struct ReshapeGroups {
  llvm::SmallVector<mlir::ReassociationIndices> input, result;
};

/// Finds groups as fine as the extents prove: from the front and from the back as far as equal products go; what lies
/// between must be equal as a whole, for a reshape keeps the element count.
ReshapeGroups groupReshape(mlir::Value input, llvm::ArrayRef<mlir::OpFoldResult> resultSizes);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_RESHAPEGROUPS_H
