//===- QuantizeRows.h - Narrower rows for sparse kernels ----------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_QUANTIZEROWS_H
#define THRESH_COMPILER_TRANSFORMS_QUANTIZEROWS_H

#include "compiler/Transforms/StorageFormats.h"

#include "mlir/IR/BuiltinOps.h"

namespace thresh {

/// Stores the f32 weights of every `thresh.active_rows` in `format`. Both projections of an op are of one format: where
/// one cannot be, both stay, and a remark at the op says why.
void quantizeActiveRows(mlir::ModuleOp module, WeightFormat format);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_QUANTIZEROWS_H
