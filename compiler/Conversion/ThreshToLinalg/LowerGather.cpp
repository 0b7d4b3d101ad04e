//===- LowerGather.cpp - thresh.gather with checked indices -----------------===//
#include "compiler/Conversion/ThreshToLinalg/GatherIndices.h"
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

struct LowerGather final : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t dimension = op.getDimension(), indicesRank = op.getIndices().getType().getRank();
    int64_t inputRank = op.getInput().getType().getRank(), rank = op.getResult().getType().getRank();
    Value extent = rewriter.createOrFold<tensor::DimOp>(loc, op.getInput(), dimension);
    checkGatherIndices(rewriter, loc, op.getIndices(), extent);

    AffineMap indicesMap =
        projection(getContext(), rank, [&](int64_t dim) { return dim >= dimension && dim < dimension + indicesRank; });
    Type elementType = op.getInput().getType().getElementType();
    Value out = emptyTensor(rewriter, loc, resultSizes(rewriter, op), elementType);
    Value result = pointwise(
        rewriter, loc, op.getIndices(), indicesMap, out, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
          Value coordinate = gatherCoordinate(b, l, args[0], extent);
          SmallVector<Value> coordinates;
          for (int64_t dim = 0; dim < inputRank; ++dim) {
            if (dim == dimension)
              coordinates.push_back(coordinate);
            else
              coordinates.push_back(linalg::IndexOp::create(b, l, dim < dimension ? dim : dim + indicesRank - 1));
          }
          return tensor::ExtractOp::create(b, l, op.getInput(), coordinates);
        });
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

} // namespace

void populateLowerGatherPatterns(RewritePatternSet &patterns) { patterns.add<LowerGather>(patterns.getContext()); }

} // namespace thresh
