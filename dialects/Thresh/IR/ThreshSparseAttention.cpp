//===- ThreshSparseAttention.cpp - Attention over chosen keys ----------------===//
#include "dialects/Thresh/IR/ThreshSparseOps.h"
#include "dialects/Thresh/IR/ThreshVerification.h"

using namespace mlir;
using namespace thresh;

/// Whether two tensors differ in rows or heads, as far as is known.
static bool differ(RankedTensorType a, RankedTensorType b) {
  return !areCompatibleExtents(a.getDimSize(0), b.getDimSize(0)) || a.getDimSize(1) != b.getDimSize(1);
}

static LogicalResult checkRests(TopkAttentionOp op) {
  // topk_attention_c5
  if (!op.getQueryRest() != !op.getKeyRest() || (op.getSoftplusScale() && !op.getKeyRest()))
    return op.emitOpError("expects a rest of queries and of keys, or of neither and no softplus");
  if (!op.getQueryRest())
    return success();
  RankedTensorType query = op.getQueryRest().getType(), key = op.getKeyRest().getType();
  if (differ(query, op.getQuery().getType()) || differ(key, op.getKey().getType()) ||
      query.getDimSize(2) != key.getDimSize(2))
    return op.emitOpError("expects rests of one width, with the rows and heads of queries and of keys, but got ")
           << query << " and " << key;
  return success();
}

static LogicalResult checkShapes(TopkAttentionOp op) {
  RankedTensorType query = op.getQuery().getType(), key = op.getKey().getType(), value = op.getValue().getType();
  // topk_attention_c1
  for (Value tensor : {op.getQuery(), op.getQueryRest(), op.getKey(), op.getKeyRest(), op.getValue()})
    if (auto type = tensor ? cast<RankedTensorType>(tensor.getType()) : nullptr)
      if (type.isDynamicDim(1) || type.getDimSize(1) < 1 || type.isDynamicDim(2) ||
          (tensor != op.getValue() && type.getDimSize(2) < 1))
        return op.emitOpError("expects [rows, heads, width] with static heads and widths, one head and one dimension "
                              "of a query at least, but got ")
               << type;
  // topk_attention_c2
  if (differ(key, value) || key.getDimSize(2) != query.getDimSize(2))
    return op.emitOpError("expects keys and values of equal rows and heads, and keys as wide as queries, but got ")
           << query << ", " << key << " and " << value;
  // topk_attention_c3
  if (query.getDimSize(1) % key.getDimSize(1) != 0)
    return op.emitOpError("expects a multiple of ")
           << key.getDimSize(1) << " query heads, but got " << query.getDimSize(1);
  // topk_attention_c4
  int64_t shape[] = {query.getDimSize(0), query.getDimSize(1), value.getDimSize(2)};
  if (failed(verifyCompatibleShape(op.getResult().getType().getShape(), shape)) ||
      (op.getSurvivors() &&
       failed(verifyCompatibleShape(op.getSurvivors().getType().getShape(), ArrayRef<int64_t>(shape).drop_back()))))
    return op.emitOpError("expects a result ")
           << formatShape(shape) << " and a count per row and head, but got " << op.getResultTypes();
  return checkRests(op);
}

LogicalResult TopkAttentionOp::verify() {
  if (failed(checkShapes(*this)))
    return failure();
  // topk_attention_c6
  if (getK() && static_cast<int64_t>(*getK()) < 1)
    return emitOpError("expects k >= 1, but got ") << static_cast<int64_t>(*getK());
  // topk_attention_c7
  if ((getExact() || getUnbiased()) && (!getK() || getExact() == getUnbiased()))
    return emitOpError("expects 'exact' or 'unbiased' only with a k, and not both");
  // topk_attention_c8
  if (!getScale().isFinite() || (getSoftplusScale() && !getSoftplusScale()->isFinite()))
    return emitOpError("expects finite scales");
  if (getSoftCap() && !(getSoftCap()->convertToDouble() > 0 && getSoftCap()->isFinite()))
    return emitOpError("expects a positive cap, but got ") << getSoftCap()->convertToDouble();
  // topk_attention_c9
  if (static_cast<int64_t>(getWindow()) < 0)
    return emitOpError("expects window >= 0, but got ") << static_cast<int64_t>(getWindow());
  return success();
}

LogicalResult TopkAttentionOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = {extentOf(builder, getLoc(), getQuery(), 0),
                                     extentOf(builder, getLoc(), getQuery(), 1),
                                     extentOf(builder, getLoc(), getValue(), 2)};
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, getResult().getType()));
  if (getSurvivors())
    shapes.push_back(
        fitSizesToType(builder, getLoc(), ArrayRef<OpFoldResult>(sizes).drop_back(), getSurvivors().getType()));
  return success();
}

/// Keys that a query at the end of the session sees.
static double countSeen(TopkAttentionOp op, int64_t tokens) {
  int64_t extent = op.getKey().getType().getDimSize(0), window = op.getWindow();
  int64_t seen = ShapedType::isDynamic(extent) ? tokens : extent;
  return static_cast<double>(window ? std::min(seen, window) : seen);
}

TouchedBytes TopkAttentionOp::getTouchedBytes(int64_t tokens) {
  RankedTensorType key = getKey().getType(), value = getValue().getType();
  double seen = countSeen(*this, tokens), keyHeads = static_cast<double>(key.getDimSize(1));
  double element = sizeof(float), partial = static_cast<double>(key.getDimSize(2)), rest = 0;
  if (getKeyRest())
    rest = static_cast<double>(getKeyRest().getType().getDimSize(2));
  double valueWidth = static_cast<double>(value.getDimSize(2));
  double dense = seen * keyHeads * (partial + rest + valueWidth) * element;
  // Each query head of a group chooses for itself: at worst they share nothing.
  double heads = static_cast<double>(getQuery().getType().getDimSize(1));
  double chosen = getK() ? std::min(seen * keyHeads, heads * static_cast<double>(*getK())) : seen * keyHeads;
  return {dense, (seen * keyHeads * partial + chosen * (rest + valueWidth)) * element};
}

//===----------------------------------------------------------------------===//
// Canonicalisation
//===----------------------------------------------------------------------===//

static LogicalResult dropUnusedSurvivors(TopkAttentionOp op, PatternRewriter &rewriter) {
  if (!op.getSurvivors() || !op.getSurvivors().use_empty())
    return failure();
  auto lean = TopkAttentionOp::create(rewriter, op.getLoc(), TypeRange(op.getResult().getType()), op->getOperands(),
                                      op->getAttrs());
  rewriter.replaceAllUsesWith(op.getResult(), lean.getResult());
  rewriter.eraseOp(op);
  return success();
}

/// No query sees more than k keys.
static LogicalResult dropSelection(TopkAttentionOp op, PatternRewriter &rewriter) {
  int64_t window = op.getWindow(), extent = op.getKey().getType().getDimSize(0);
  if (!op.getK())
    return failure();
  int64_t k = *op.getK();
  bool keepsAll = (window && k >= window) || (!ShapedType::isDynamic(extent) && k >= extent);
  if (!keepsAll)
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    op.removeKAttr();
    op.setExact(false);
    op.setUnbiased(false);
  });
  return success();
}

void TopkAttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropUnusedSurvivors);
  patterns.add(dropSelection);
}
