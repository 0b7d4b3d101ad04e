//===- ThreshToLinalg.cpp - The pass over all graph ops ---------------------===//
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"
#include "compiler/Conversion/ThreshToLinalg/ExtentRoot.h"

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

/// Replaces the extent of an intermediate tensor by that of the argument it stems from.
void readFromRoot(tensor::DimOp op) {
  ExtentRoot root = extentRoot(op.getResult());
  if (root.value == op.getResult() || (root.value == op.getSource() && root.dim == op.getConstantIndex()))
    return;
  OpBuilder builder(op);
  Value size = root.value;
  if (root.constant)
    size = arith::ConstantIndexOp::create(builder, op.getLoc(), *root.constant);
  else if (root.dim >= 0)
    size = tensor::DimOp::create(builder, op.getLoc(), root.value, root.dim);
  op.replaceAllUsesWith(size);
  op.erase();
}

struct ConvertThreshToLinalgPass final : impl::ConvertThreshToLinalgPassBase<ConvertThreshToLinalgPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateLowerShapesPatterns(set);
    populateLowerMatmulPatterns(set);
    populateLowerNormalizationPatterns(set);
    populateLowerReductionsPatterns(set);
    populateLowerRotaryPatterns(set);
    populateLowerGatherPatterns(set);
    populateLowerQuantizedPatterns(set);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  // The walk meets operands before users, so that a pattern sees what its operands became.
  void runOnOperation() override {
    walkAndApplyPatterns(getOperation(), patterns);
    getOperation().walk([](tensor::DimOp op) { readFromRoot(op); });
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
} // namespace thresh
