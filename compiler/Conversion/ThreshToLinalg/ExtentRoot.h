//===- ExtentRoot.h - Which extents are the same ----------------------------===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_EXTENTROOT_H
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_EXTENTROOT_H

#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"

namespace thresh {

/// Where an extent comes from: equal roots are equal extents. The converse does not hold.
struct ExtentRoot {
  std::optional<int64_t> constant; ///< the extent itself, where it is known
  mlir::Value value;               ///< else an index, or the tensor ...
  int64_t dim = -1;                ///< ... of which it is this dimension

  bool operator==(const ExtentRoot &other) const {
    return constant == other.constant && value == other.value && dim == other.dim;
  }
  bool operator!=(const ExtentRoot &other) const { return !(*this == other); }
};

/// The root of extent `dim` of a ranked tensor. Looks through shape-preserving ops, slices, reshapes and destinations;
/// of function arguments whose `thresh.dims` name an extent alike, the first stands for all.
ExtentRoot extentRoot(mlir::Value tensor, int64_t dim);

/// The root of a size that some op was given.
ExtentRoot extentRoot(mlir::OpFoldResult size);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_EXTENTROOT_H
