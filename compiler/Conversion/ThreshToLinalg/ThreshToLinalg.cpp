//===- ThreshToLinalg.cpp - The pass over all graph ops ---------------------===//
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_CONVERTTHRESHTOLINALGPASS
#include "compiler/Conversion/ThreshToLinalg/Passes.h.inc"

namespace {
struct ConvertThreshToLinalgPass final : impl::ConvertThreshToLinalgPassBase<ConvertThreshToLinalgPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateLowerShapesPatterns(set);
    populateLowerMatmulPatterns(set);
    populateLowerNormalizationPatterns(set);
    populateLowerReductionsPatterns(set);
    populateLowerGatherPatterns(set);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  // The walk meets operands before users, so that a pattern sees what its operands became.
  void runOnOperation() override { walkAndApplyPatterns(getOperation(), patterns); }

  FrozenRewritePatternSet patterns;
};
} // namespace
} // namespace thresh
