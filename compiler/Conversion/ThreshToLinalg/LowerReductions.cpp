//===- LowerReductions.cpp - thresh.reduce and thresh.arg_reduce ------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

//===----------------------------------------------------------------------===//
// Result shapes
//===----------------------------------------------------------------------===//

/// The sizes of a reduction's result without the unit dimensions that keep_dims asks for.
SmallVector<OpFoldResult> sizesOfKept(ArrayRef<OpFoldResult> resultSizes, ArrayRef<int64_t> dimensions, bool keepDims) {
  if (!keepDims)
    return SmallVector<OpFoldResult>(resultSizes);
  SmallVector<OpFoldResult> kept;
  for (auto [dim, size] : llvm::enumerate(resultSizes))
    if (!llvm::is_contained(dimensions, static_cast<int64_t>(dim)))
      kept.push_back(size);
  return kept;
}

/// Gives a reduced tensor the unit dimensions back that it lost; `sizes` are the result's.
Value restoreUnitDims(OpBuilder &builder, Location loc, Value reduced, ArrayRef<OpFoldResult> sizes,
                      ArrayRef<int64_t> dimensions) {
  auto type = cast<RankedTensorType>(reduced.getType());
  SmallVector<ReassociationIndices> groups(type.getRank());
  SmallVector<OpFoldResult> expandedSizes(sizes);
  SmallVector<int64_t> shape;
  int64_t group = 0, numKept = 0;
  for (int64_t dim = 0, rank = sizes.size(); dim < rank; ++dim) {
    bool isReduced = llvm::is_contained(dimensions, dim);
    if (isReduced)
      expandedSizes[dim] = builder.getIndexAttr(1);
    else
      group = numKept++;
    shape.push_back(isReduced ? 1 : type.getDimSize(group));
    if (!groups.empty())
      groups[group].push_back(dim);
  }
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), reduced, groups, expandedSizes);
}

//===----------------------------------------------------------------------===//
// ReduceOp
//===----------------------------------------------------------------------===//

/// The neutral element of a reduction over elements of `type`.
TypedAttr neutralElement(Builder &builder, ReduceKind kind, Type type) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    if (kind == ReduceKind::Max || kind == ReduceKind::Min)
      return builder.getFloatAttr(type, APFloat::getInf(semantics, /*Negative=*/kind == ReduceKind::Max));
    return builder.getFloatAttr(type, kind == ReduceKind::Prod ? 1.0 : 0.0);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  switch (kind) {
  case ReduceKind::Max: return builder.getIntegerAttr(type, APInt::getSignedMinValue(width));
  case ReduceKind::Min: return builder.getIntegerAttr(type, APInt::getSignedMaxValue(width));
  case ReduceKind::Prod:
  case ReduceKind::And: return builder.getIntegerAttr(type, 1);
  default: return builder.getIntegerAttr(type, 0);
  }
}

Value combine(OpBuilder &b, Location l, ReduceKind kind, Value value, Value running) {
  bool isFloat = isa<FloatType>(value.getType());
  switch (kind) {
  case ReduceKind::Sum:
  case ReduceKind::Mean:
    return isFloat ? arith::AddFOp::create(b, l, value, running).getResult()
                   : arith::AddIOp::create(b, l, value, running).getResult();
  case ReduceKind::Prod:
    return isFloat ? arith::MulFOp::create(b, l, value, running).getResult()
                   : arith::MulIOp::create(b, l, value, running).getResult();
  case ReduceKind::Max:
    return isFloat ? arith::MaximumFOp::create(b, l, value, running).getResult()
                   : arith::MaxSIOp::create(b, l, value, running).getResult();
  case ReduceKind::Min:
    return isFloat ? arith::MinimumFOp::create(b, l, value, running).getResult()
                   : arith::MinSIOp::create(b, l, value, running).getResult();
  case ReduceKind::And: return arith::AndIOp::create(b, l, value, running);
  case ReduceKind::Or: return arith::OrIOp::create(b, l, value, running);
  }
  llvm_unreachable("all kinds are listed");
}

struct LowerReduce final : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ReduceKind kind = op.getKind();
    RankedTensorType inputType = op.getInput().getType();
    ArrayRef<int64_t> dimensions = op.getDimensions();
    bool isExtremum = kind == ReduceKind::Max || kind == ReduceKind::Min;
    Type elementType = inputType.getElementType(), type = isExtremum ? elementType : computeType(elementType);

    SmallVector<OpFoldResult> sizes = resultSizes(rewriter, op);
    SmallVector<OpFoldResult> keptSizes = sizesOfKept(sizes, dimensions, op.getKeepDims());
    Value init = filledTensor(rewriter, loc, keptSizes, neutralElement(rewriter, kind, type));
    Value reduced = reduction(
        rewriter, loc, op.getInput(), rewriter.getMultiDimIdentityMap(inputType.getRank()), init,
        [&](int64_t dim) { return llvm::is_contained(dimensions, dim); }, inputType.getRank(),
        [&](OpBuilder &b, Location l, ValueRange args) {
          Value value = isa<FloatType>(type) ? convertFloat(b, l, args[0], type) : args[0];
          return combine(b, l, kind, value, args[1]);
        });
    if (kind == ReduceKind::Mean)
      reduced = divideByCount(rewriter, loc, reduced, elementCount(rewriter, loc, op.getInput(), dimensions));
    if (isa<FloatType>(type))
      reduced = convertTensor(rewriter, loc, reduced, elementType);
    if (op.getKeepDims() && !dimensions.empty())
      reduced = restoreUnitDims(rewriter, loc, reduced, sizes, dimensions);
    replaceWithTensor(rewriter, op, reduced);
    return success();
  }

  /// Integers divide toward zero; the mean of no integers is 0.
  static Value divideByCount(OpBuilder &builder, Location loc, Value sum, Value count) {
    auto type = cast<RankedTensorType>(sum.getType());
    Type elementType = type.getElementType();
    Value divisor;
    if (isa<FloatType>(elementType)) {
      divisor = indexToFloat(builder, loc, count, elementType);
    } else {
      Value one = arith::ConstantIndexOp::create(builder, loc, 1);
      Value atLeastOne = builder.createOrFold<arith::MaxUIOp>(loc, count, one);
      divisor = builder.createOrFold<arith::IndexCastOp>(loc, elementType, atLeastOne);
    }
    Value out = emptyTensor(builder, loc, tensor::getMixedSizes(builder, loc, sum), elementType);
    return pointwise(builder, loc, sum, builder.getMultiDimIdentityMap(type.getRank()), out,
                     [&](OpBuilder &b, Location l, ValueRange args) -> Value {
                       if (isa<FloatType>(elementType))
                         return arith::DivFOp::create(b, l, args[0], divisor);
                       return arith::DivSIOp::create(b, l, args[0], divisor);
                     });
  }
};

//===----------------------------------------------------------------------===//
// ArgReduceOp
//===----------------------------------------------------------------------===//

/// Whether `value`, met after `best`, takes its place. NaN beats every number; among equals the first or the last wins.
Value takesOver(OpBuilder &b, Location l, ArgReduceOp op, Value value, Value best) {
  bool isMax = op.getKind() == ArgReduceKind::Max, isLast = op.getSelectLast();
  if (isa<IntegerType>(value.getType())) {
    arith::CmpIPredicate first = isMax ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt;
    arith::CmpIPredicate last = isMax ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle;
    return arith::CmpIOp::create(b, l, isLast ? last : first, value, best);
  }
  arith::CmpFPredicate first = isMax ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
  arith::CmpFPredicate last = isMax ? arith::CmpFPredicate::OGE : arith::CmpFPredicate::OLE;
  Value isBetter = arith::CmpFOp::create(b, l, isLast ? last : first, value, best);
  Value isNan = arith::CmpFOp::create(b, l, arith::CmpFPredicate::UNO, value, value);
  if (!isLast) {
    Value bestIsNumber = arith::CmpFOp::create(b, l, arith::CmpFPredicate::ORD, best, best);
    isNan = arith::AndIOp::create(b, l, isNan, bestIsNumber);
  }
  return arith::OrIOp::create(b, l, isBetter, isNan);
}

/// One generic with two running values: the best element and its index.
struct LowerArgReduce final : OpRewritePattern<ArgReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ArgReduceOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType inputType = op.getInput().getType();
    int64_t rank = inputType.getRank(), dimension = op.getDimension();
    SmallVector<OpFoldResult> sizes = resultSizes(rewriter, op);
    SmallVector<OpFoldResult> keptSizes = sizesOfKept(sizes, dimension, op.getKeepDims());
    ReduceKind kind = op.getKind() == ArgReduceKind::Max ? ReduceKind::Max : ReduceKind::Min;
    Value best = filledTensor(rewriter, loc, keptSizes, neutralElement(rewriter, kind, inputType.getElementType()));
    Value bestIndex = filledTensor(rewriter, loc, keptSizes, rewriter.getI64IntegerAttr(0));

    AffineMap rowMap = projection(getContext(), rank, [&](int64_t dim) { return dim != dimension; });
    SmallVector<AffineMap> maps = {rewriter.getMultiDimIdentityMap(rank), rowMap, rowMap};
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    iterators[dimension] = utils::IteratorType::reduction;
    auto generic = linalg::GenericOp::create(rewriter, loc, TypeRange{best.getType(), bestIndex.getType()},
                                             op.getInput(), ValueRange{best, bestIndex}, maps, iterators,
                                             [&](OpBuilder &b, Location l, ValueRange args) {
                                               Value index = linalg::IndexOp::create(b, l, dimension);
                                               Value index64 = arith::IndexCastOp::create(b, l, b.getI64Type(), index);
                                               Value take = takesOver(b, l, op, args[0], args[1]);
                                               Value newBest = arith::SelectOp::create(b, l, take, args[0], args[1]);
                                               Value newIndex = arith::SelectOp::create(b, l, take, index64, args[2]);
                                               linalg::YieldOp::create(b, l, ValueRange{newBest, newIndex});
                                             });
    Value result = generic.getResult(1);
    if (op.getKeepDims())
      result = restoreUnitDims(rewriter, loc, result, sizes, dimension);
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

} // namespace

void populateLowerReductionsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerArgReduce, LowerReduce>(patterns.getContext());
}

} // namespace thresh
