//===- FuseElementwise.cpp - Upstream's element-wise fusion, our cost rule ---===//
#include "compiler/Transforms/KernelGroups.h"
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using linalg::GenericOp;

namespace thresh {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// True if the consumer reads every element of the producer at most once (reductions over other loops re-read).
bool readsOnce(OpOperand *operand, GenericOp consumer) {
  return consumer.getMatchingIndexingMap(operand).getNumResults() == consumer.getNumLoops();
}

/// True if the op computes its elements from their indices and scalars alone: a mask, a range.
bool readsNoTensor(GenericOp op) {
  return op.getNumDpsInputs() == 0 && op.getBody()->getOps<tensor::ExtractOp>().empty();
}

/// Data movement and generated values are free to repeat; other arithmetic is fused where its value is used once.
bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<GenericOp>();
  auto consumer = dyn_cast<GenericOp>(operand->getOwner());
  if (!producer || !consumer)
    return false;
  if (isDataMovement(producer) && producer.getNumDpsInputs() <= 1)
    return !isContraction(consumer) || producer.getMatchingIndexingMap(producer.getDpsInputOperand(0)).isProjectedPermutation();
  if (readsNoTensor(producer))
    return !isContraction(consumer);
  return producer->hasOneUse() && !isContraction(consumer) && readsOnce(operand, consumer);
}

struct FuseElementwisePass final : impl::FuseElementwisePassBase<FuseElementwisePass> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    linalg::populateInlineConstantOperandsPatterns(patterns);
    GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CastOp::getCanonicalizationPatterns(patterns, context);
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace thresh
