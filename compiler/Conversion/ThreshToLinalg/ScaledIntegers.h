//===- ScaledIntegers.h - Rows of floats as integers and a scale ------------===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_SCALEDINTEGERS_H
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_SCALEDINTEGERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace thresh {

/// Floats about integers * scales, where a row is the last dimension.
struct ScaledIntegers {
  mlir::Value integers; ///< i8, -127 to 127, of the floats' shape
  mlir::Value scales;   ///< f32, one for each row: max|x| / 127
};

/// Quantises f32 rows of the given sizes to the nearest integers; a row of zeros has scale 0.
ScaledIntegers quantizeRows(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rows,
                            llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// integers * scales in f32, as one generic, which contractions that read it take in.
mlir::Value dequantizeRows(mlir::OpBuilder &builder, mlir::Location loc, const ScaledIntegers &rows);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_SCALEDINTEGERS_H
