//===- LowerGather.cpp - thresh.gather with checked indices -----------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

Value toI64(OpBuilder &builder, Location loc, Value index) {
  if (index.getType().isInteger(64))
    return index;
  return arith::ExtSIOp::create(builder, loc, builder.getI64Type(), index);
}

/// Leaves two `thresh.check` behind that stop the call when an index is outside [-extent, extent). The starting values
/// of the least and the greatest index pass for every extent, so that no indices are no error.
void checkIndices(OpBuilder &builder, Location loc, Value indices, Value extent) {
  int64_t rank = cast<RankedTensorType>(indices.getType()).getRank();
  Value least = filledTensor(builder, loc, {}, builder.getI64IntegerAttr(0));
  Value greatest = filledTensor(builder, loc, {}, builder.getI64IntegerAttr(-1));
  AffineMap scalarMap = AffineMap::get(rank, 0, builder.getContext());
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(rank), scalarMap, scalarMap};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::reduction);
  auto range = linalg::GenericOp::create(builder, loc, TypeRange{least.getType(), greatest.getType()}, indices,
                                         ValueRange{least, greatest}, maps, iterators,
                                         [](OpBuilder &b, Location l, ValueRange args) {
                                           Value index = toI64(b, l, args[0]);
                                           Value min = arith::MinSIOp::create(b, l, index, args[1]);
                                           Value max = arith::MaxSIOp::create(b, l, index, args[2]);
                                           linalg::YieldOp::create(b, l, ValueRange{min, max});
                                         });
  Value min = tensor::ExtractOp::create(builder, loc, range.getResult(0), ValueRange{});
  Value max = tensor::ExtractOp::create(builder, loc, range.getResult(1), ValueRange{});
  Value extent64 = builder.createOrFold<arith::IndexCastOp>(loc, builder.getI64Type(), extent);
  Value zero = arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 0);
  Value lowest = builder.createOrFold<arith::SubIOp>(loc, zero, extent64);
  Value isHighEnough = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, min, lowest);
  Value isLowEnough = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, max, extent64);
  StringRef message = "gather: index %lld is outside a dimension of extent %lld";
  CheckOp::create(builder, loc, isHighEnough, message, ValueRange{min, extent64});
  CheckOp::create(builder, loc, isLowEnough, message, ValueRange{max, extent64});
}

struct LowerGather final : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t dimension = op.getDimension(), indicesRank = op.getIndices().getType().getRank();
    int64_t inputRank = op.getInput().getType().getRank(), rank = op.getResult().getType().getRank();
    Value extent = rewriter.createOrFold<tensor::DimOp>(loc, op.getInput(), dimension);
    checkIndices(rewriter, loc, op.getIndices(), extent);

    AffineMap indicesMap =
        projection(getContext(), rank, [&](int64_t dim) { return dim >= dimension && dim < dimension + indicesRank; });
    Type elementType = op.getInput().getType().getElementType();
    Value out = emptyTensor(rewriter, loc, resultSizes(rewriter, op), elementType);
    Value result = pointwise(
        rewriter, loc, op.getIndices(), indicesMap, out, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
          Value index = arith::IndexCastOp::create(b, l, b.getIndexType(), toI64(b, l, args[0]));
          Value zero = arith::ConstantIndexOp::create(b, l, 0);
          Value isNegative = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, index, zero);
          Value fromEnd = arith::AddIOp::create(b, l, index, extent);
          SmallVector<Value> coordinates;
          for (int64_t dim = 0; dim < inputRank; ++dim) {
            if (dim == dimension)
              coordinates.push_back(arith::SelectOp::create(b, l, isNegative, fromEnd, index));
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
