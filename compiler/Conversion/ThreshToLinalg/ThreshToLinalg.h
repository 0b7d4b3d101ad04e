//===- ThreshToLinalg.h - From the graph ops to linalg ----------------------===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_THRESHTOLINALG_H
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_THRESHTOLINALG_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace thresh {

#define GEN_PASS_DECL
#include "compiler/Conversion/ThreshToLinalg/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/ThreshToLinalg/Passes.h.inc"

/// One rewrite per graph op, by family. Every pattern replaces its op; none relies on being applied twice.
void populateLowerShapesPatterns(mlir::RewritePatternSet &patterns);
void populateLowerMatmulPatterns(mlir::RewritePatternSet &patterns);
void populateLowerNormalizationPatterns(mlir::RewritePatternSet &patterns);
void populateLowerReductionsPatterns(mlir::RewritePatternSet &patterns);
void populateLowerRotaryPatterns(mlir::RewritePatternSet &patterns);
void populateLowerGatherPatterns(mlir::RewritePatternSet &patterns);
void populateLowerQuantizedPatterns(mlir::RewritePatternSet &patterns);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_THRESHTOLINALG_H
