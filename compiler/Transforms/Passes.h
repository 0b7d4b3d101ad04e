//===- Passes.h - Our own transformations -------------------------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_PASSES_H
#define THRESH_COMPILER_TRANSFORMS_PASSES_H

#include "compiler/Transforms/StorageFormats.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace thresh {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Transforms/Passes.h.inc"

/// Makes thresh.launch and thresh.load_parameter known to one-shot bufferization.
void registerBufferizableOpInterfaces(mlir::DialectRegistry &registry);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_PASSES_H
