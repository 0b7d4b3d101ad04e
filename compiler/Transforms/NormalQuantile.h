//===- NormalQuantile.h - Quantiles of the normal distribution ---------------===//
//
// M. J. Wichura, Algorithm AS 241: The Percentage Points of the Normal Distribution, Applied Statistics 37 (1988),
// 477-484, PPND16: a rational function in the middle and two in the tails, accurate to about 1e-16.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_NORMALQUANTILE_H
#define THRESH_COMPILER_TRANSFORMS_NORMALQUANTILE_H

#include "mlir/IR/Builders.h"

namespace thresh {

/// Q(1 - share): the value that a standard normal variable exceeds with probability `share`, in (0, 1).
double upperQuantile(double share);

/// The same of scalars of f32: Q(1 - k / n), finite for 0 < k < n and any value elsewhere. Accurate to a few units of
/// the last place, as both tails are computed from k and n - k.
mlir::Value buildUpperQuantile(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value k, mlir::Value n);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_NORMALQUANTILE_H
