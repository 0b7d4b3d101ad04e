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

/// True if the op does no more than turn what is stored into f32, element by element: narrow weights and caches stay
/// narrow until a product reads them.
bool isWidening(GenericOp op) {
  if (op.getNumDpsInputs() == 0 || op.getNumReductionLoops() != 0 || op.getNumDpsInits() != 1)
    return false;
  BlockArgument stored = storedElement(op.getBody()->getTerminator()->getOperand(0));
  return stored && stored.getOwner() == op.getBody() && llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
           return op.getMatchingIndexingMap(input).isProjectedPermutation();
         });
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
    return !isContraction(consumer) ||
           producer.getMatchingIndexingMap(producer.getDpsInputOperand(0)).isProjectedPermutation();
  if (isWidening(producer))
    return true;
  if (readsNoTensor(producer))
    return !isContraction(consumer);
  return producer->hasOneUse() && !isContraction(consumer) && readsOnce(operand, consumer);
}

/// A contraction whose only reader takes its dimensions in another order computes them in that order: schedules then
/// see one loop order from the contraction to the end of its epilogue.
struct ReorderContraction : OpRewritePattern<GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GenericOp reader, PatternRewriter &rewriter) const override {
    if (reader.getNumReductionLoops() != 0)
      return failure();
    for (OpOperand *operand : reader.getDpsInputOperands()) {
      auto contraction = operand->get().getDefiningOp<GenericOp>();
      AffineMap read = reader.getMatchingIndexingMap(operand);
      if (!contraction || !isContraction(contraction) || !contraction->hasOneUse() || !read.isPermutation() ||
          read.isIdentity() || !contraction.getDpsInits()[0].getDefiningOp<linalg::FillOp>())
        continue;
      reorder(contraction, reader, operand, inversePermutation(read), rewriter);
      return success();
    }
    return failure();
  }

  /// `order`: C's new dimension i is its old dimension order(i).
  static void reorder(GenericOp contraction, GenericOp reader, OpOperand *operand, AffineMap order,
                      PatternRewriter &rewriter) {
    Location loc = contraction.getLoc();
    rewriter.setInsertionPoint(contraction);
    Value init = contraction.getDpsInits()[0];
    SmallVector<OpFoldResult> oldSizes = tensor::getMixedSizes(rewriter, loc, init), sizes;
    AffineMap write = contraction.getMatchingIndexingMap(contraction.getDpsInitOperand(0));
    SmallVector<AffineExpr> results;
    for (unsigned dim = 0; dim < order.getNumResults(); ++dim) {
      sizes.push_back(oldSizes[order.getDimPosition(dim)]);
      results.push_back(write.getResult(order.getDimPosition(dim)));
    }
    Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, getElementTypeOrSelf(init.getType()));
    auto fill = init.getDefiningOp<linalg::FillOp>();
    Value start = linalg::FillOp::create(rewriter, loc, fill.getInputs()[0], empty).getResult(0);
    SmallVector<AffineMap> maps = contraction.getIndexingMapsArray();
    maps.back() = AffineMap::get(write.getNumDims(), 0, results, rewriter.getContext());
    auto reordered = GenericOp::create(rewriter, loc, TypeRange{start.getType()}, contraction.getDpsInputs(),
                                       ValueRange{start}, maps, contraction.getIteratorTypesArray());
    rewriter.inlineRegionBefore(contraction.getRegion(), reordered.getRegion(), reordered.getRegion().begin());
    rewriter.modifyOpInPlace(reader, [&] {
      SmallVector<AffineMap> readerMaps = reader.getIndexingMapsArray();
      readerMaps[operand->getOperandNumber()] = rewriter.getMultiDimIdentityMap(order.getNumResults());
      operand->set(reordered.getResult(0));
      reader.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(readerMaps));
    });
    rewriter.eraseOp(contraction);
  }
};

struct FuseElementwisePass final : impl::FuseElementwisePassBase<FuseElementwisePass> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    patterns.add<ReorderContraction>(context);
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
