//===- ThreshSparseOps.cpp - Top-k: by statistics, exact, approximate --------===//
#include "dialects/Thresh/IR/ThreshActivations.h"
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace thresh;

/// Bytes of one row of `input`: all of them, however many survive.
static TouchedBytes rowBytes(RankedTensorType input, int64_t tokens) {
  int64_t extent = input.getShape().back();
  double bytes = static_cast<double>(ShapedType::isDynamic(extent) ? tokens : extent) * sizeof(float);
  return {bytes, bytes};
}

/// Reifies `type`, which has the extents of `input` but maybe the last, which is then static.
static SmallVector<OpFoldResult> sizesLike(OpBuilder &builder, Location loc, Value input, RankedTensorType type) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, input);
  if (!type.isDynamicDim(type.getRank() - 1))
    sizes.back() = builder.getIndexAttr(type.getShape().back());
  return fitSizesToType(builder, loc, sizes, type);
}

//===----------------------------------------------------------------------===//
// StatisticalTopkOp
//===----------------------------------------------------------------------===//

LogicalResult StatisticalTopkOp::verify() {
  // statistical_topk_c1
  if (getInput().getType().getRank() < 1)
    return emitOpError("expects an input of rank >= 1, but got ") << getInput().getType();
  // statistical_topk_c2
  if (static_cast<int64_t>(getK()) < 0)
    return emitOpError("expects k >= 0, but got ") << static_cast<int64_t>(getK());
  return success();
}

LogicalResult StatisticalTopkOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(builder, getLoc(), getInput(), getResult().getType()));
  return success();
}

TouchedBytes StatisticalTopkOp::getTouchedBytes(int64_t tokens) { return rowBytes(getInput().getType(), tokens); }

OpFoldResult StatisticalTopkOp::fold(FoldAdaptor) {
  int64_t extent = getInput().getType().getShape().back();
  bool keepsAll = !ShapedType::isDynamic(extent) && static_cast<int64_t>(getK()) >= extent;
  return keepsAll && getInput().getType() == getType() ? getInput() : Value();
}

/// Nothing survives k = 0.
static LogicalResult dropEverything(StatisticalTopkOp op, PatternRewriter &rewriter) {
  if (op.getK() != 0)
    return failure();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, op.getLoc(), op.getInput());
  rewriter.replaceOp(
      op, buildSplat(rewriter, op.getLoc(), 0.0, fitSizesToType(rewriter, op.getLoc(), sizes, op.getType())));
  return success();
}

void StatisticalTopkOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropEverything);
}

//===----------------------------------------------------------------------===//
// TopkOp
//===----------------------------------------------------------------------===//

LogicalResult TopkOp::verify() {
  RankedTensorType input = getInput().getType();
  int64_t k = getK();
  // topk_c1
  if (input.getRank() < 1 || input.isDynamicDim(input.getRank() - 1))
    return emitOpError("expects an input with a static last extent, but got ") << input;
  int64_t extent = input.getShape().back();
  // topk_c2
  if (k < 0 || k > extent)
    return emitOpError("expects k in [0, ") << extent << "], but got " << k;
  // topk_c3
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = k;
  Type expected[] = {input.clone(shape), RankedTensorType::get(shape, IntegerType::get(getContext(), 64))};
  if (!areCompatibleTypes(expected, getResultTypes()))
    return emitOpError("expects results of shape ")
           << formatShape(shape) << ", but got " << getValues().getType() << " and " << getIndices().getType();
  // topk_c4
  if (getRecall() && !(getRecall()->convertToDouble() > 0 && getRecall()->convertToDouble() < 1))
    return emitOpError("expects a recall between 0 and 1, but got ") << getRecall()->convertToDouble();
  // topk_c5
  if (getBuckets().has_value() != getKept().has_value())
    return emitOpError("expects buckets and kept together");
  if (!getBuckets())
    return success();
  int64_t buckets = *getBuckets(), kept = *getKept();
  if (buckets < 1 || extent % buckets != 0 || kept < 1 || kept > extent / buckets || buckets * kept < k)
    return emitOpError("expects buckets that divide ")
           << extent << " and hand on at least k = " << k << " elements, but got " << buckets << " that keep " << kept;
  return success();
}

LogicalResult TopkOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  for (Value result : getResults())
    shapes.push_back(sizesLike(builder, getLoc(), getInput(), cast<RankedTensorType>(result.getType())));
  return success();
}

TouchedBytes TopkOp::getTouchedBytes(int64_t tokens) { return rowBytes(getInput().getType(), tokens); }

/// Where everything is wanted, nothing may be missed.
static LogicalResult makeExact(TopkOp op, PatternRewriter &rewriter) {
  bool isApproximate = op.getRecall() || op.getBuckets();
  if (!isApproximate || static_cast<int64_t>(op.getK()) != op.getInput().getType().getShape().back())
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    op.removeRecallAttr();
    op.removeBucketsAttr();
    op.removeKeptAttr();
  });
  return success();
}

void TopkOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(makeExact); }

#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshSparseOps.cpp.inc"
