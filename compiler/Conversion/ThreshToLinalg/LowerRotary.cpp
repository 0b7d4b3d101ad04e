//===- LowerRotary.cpp - thresh.rotary_embedding ----------------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

/// Rotates all of `input` [n, heads, 2 * pairs]. The two halves of each head (or the two elements of each pair, with
/// `interleaved`) become a dimension of their own, so that an element's partner lies at an affine index.
Value rotateAll(OpBuilder &builder, Location loc, Value input, Value cos, Value sin, bool interleaved) {
  MLIRContext *context = builder.getContext();
  auto type = cast<RankedTensorType>(input.getType());
  int64_t pairs = type.getDimSize(2) / 2;
  int64_t halfDim = interleaved ? 3 : 2;
  SmallVector<int64_t> shape = {type.getDimSize(0), type.getDimSize(1), 2, pairs};
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, input);
  sizes.pop_back();
  sizes.append({builder.getIndexAttr(2), builder.getIndexAttr(pairs)});
  if (interleaved) {
    std::swap(shape[2], shape[3]);
    std::swap(sizes[2], sizes[3]);
  }
  SmallVector<ReassociationIndices> groups = {{0}, {1}, {2, 3}};
  Value split = tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), input, groups, sizes);

  AffineExpr row = getAffineDimExpr(0, context), head = getAffineDimExpr(1, context);
  AffineExpr half = getAffineDimExpr(halfDim, context), pair = getAffineDimExpr(interleaved ? 2 : 3, context);
  SmallVector<AffineExpr> partner = {row, head, 1 - half, pair};
  if (interleaved)
    std::swap(partner[2], partner[3]);
  AffineMap angleMap = AffineMap::get(4, 0, {row, pair}, context);
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(4), AffineMap::get(4, 0, partner, context), angleMap,
                                 angleMap};
  Type compute = computeType(type.getElementType());
  Value rotated = pointwise(
      builder, loc, {split, split, cos, sin}, maps, emptyTensor(builder, loc, sizes, type.getElementType()),
      [&](OpBuilder &b, Location l, ValueRange args) -> Value {
        Value own =
            arith::MulFOp::create(b, l, convertFloat(b, l, args[0], compute), convertFloat(b, l, args[2], compute));
        Value other =
            arith::MulFOp::create(b, l, convertFloat(b, l, args[1], compute), convertFloat(b, l, args[3], compute));
        Value zero = arith::ConstantIndexOp::create(b, l, 0);
        Value isFirst =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, linalg::IndexOp::create(b, l, halfDim), zero);
        Value negated = arith::NegFOp::create(b, l, other);
        Value turned = arith::SelectOp::create(b, l, isFirst, negated, other);
        return convertFloat(b, l, arith::AddFOp::create(b, l, own, turned), type.getElementType());
      });
  return tensor::CollapseShapeOp::create(builder, loc, type, rotated, groups);
}

/// Columns [begin, end) of each head.
Value sliceHeads(OpBuilder &builder, Location loc, Value input, int64_t begin, int64_t end) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, input);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0)), strides(3, builder.getIndexAttr(1));
  offsets[2] = builder.getIndexAttr(begin);
  sizes[2] = builder.getIndexAttr(end - begin);
  return tensor::ExtractSliceOp::create(builder, loc, input, offsets, sizes, strides);
}

struct LowerRotaryEmbedding final : OpRewritePattern<RotaryEmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RotaryEmbeddingOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = op.getInput();
    int64_t width = op.getInput().getType().getDimSize(2), rotated = 2 * op.getCos().getType().getDimSize(1);
    Value turning = rotated == width ? input : sliceHeads(rewriter, loc, input, 0, rotated);
    Value result = rotateAll(rewriter, loc, turning, op.getCos(), op.getSin(), op.getInterleaved());
    if (rotated < width) {
      Value rest = sliceHeads(rewriter, loc, input, rotated, width);
      result = tensor::ConcatOp::create(rewriter, loc, /*dim=*/2, ValueRange{result, rest});
    }
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

} // namespace

void populateLowerRotaryPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRotaryEmbedding>(patterns.getContext());
}

} // namespace thresh
