//===- LowerMatmul.cpp - thresh.matmul to a contraction ---------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

Value multiplyAdd(OpBuilder &builder, Location loc, ValueRange args) {
  Value lhs = args[0], rhs = args[1], sum = args[2];
  if (isa<IntegerType>(sum.getType())) {
    Value product = arith::MulIOp::create(builder, loc, lhs, rhs);
    return arith::AddIOp::create(builder, loc, sum, product);
  }
  Value product = arith::MulFOp::create(builder, loc, convertFloat(builder, loc, lhs, sum.getType()),
                                        convertFloat(builder, loc, rhs, sum.getType()));
  return arith::AddFOp::create(builder, loc, sum, product);
}

/// The loops are the batch dimensions, m, n, and the contraction k.
struct LowerMatmul final : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t rank = op.getResult().getType().getRank();
    bool isBatched = op.getRhs().getType().getRank() == rank;
    SmallVector<AffineExpr> batch;
    for (int64_t dim = 0; dim < rank - 2; ++dim)
      batch.push_back(rewriter.getAffineDimExpr(dim));
    AffineExpr m = rewriter.getAffineDimExpr(rank - 2), n = rewriter.getAffineDimExpr(rank - 1),
               k = rewriter.getAffineDimExpr(rank);
    SmallVector<AffineExpr> lhs(batch), rhs(isBatched ? ArrayRef<AffineExpr>(batch) : ArrayRef<AffineExpr>());
    lhs.append({m, k});
    rhs.append(op.getTransposeRhs() ? std::initializer_list<AffineExpr>{n, k}
                                    : std::initializer_list<AffineExpr>{k, n});
    SmallVector<AffineMap> maps = {AffineMap::get(rank + 1, 0, lhs, getContext()),
                                   AffineMap::get(rank + 1, 0, rhs, getContext())};

    Type elementType = op.getResult().getType().getElementType();
    Value init = filledTensor(rewriter, loc, resultSizes(rewriter, op),
                              cast<TypedAttr>(rewriter.getZeroAttr(computeType(elementType))));
    Value product = reduction(
        rewriter, loc, op.getOperands(), maps, init, [&](int64_t dim) { return dim == rank; }, rank + 1, multiplyAdd);
    rewriter.replaceOp(op, convertTensor(rewriter, loc, product, elementType));
    return success();
  }
};

} // namespace

void populateLowerMatmulPatterns(RewritePatternSet &patterns) { patterns.add<LowerMatmul>(patterns.getContext()); }

} // namespace thresh
