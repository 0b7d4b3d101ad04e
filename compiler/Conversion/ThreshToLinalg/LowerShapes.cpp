//===- LowerShapes.cpp - broadcast, reshape, transpose ----------------------===//
#include "compiler/Conversion/ThreshToLinalg/ExtentRoot.h"
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ReshapeGroups.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

Value yieldInput(OpBuilder &, Location, ValueRange args) { return args[0]; }

//===----------------------------------------------------------------------===//
// BroadcastOp
//===----------------------------------------------------------------------===//

/// How each input dimension is read: constant 0, a loop, or null where only the run can tell.
SmallVector<AffineExpr> broadcastAccess(OpBuilder &builder, BroadcastOp op, ArrayRef<OpFoldResult> sizes) {
  RankedTensorType inputType = op.getInput().getType();
  int64_t offset = static_cast<int64_t>(sizes.size()) - inputType.getRank();
  ExtentRoot one{1, Value(), -1};
  SmallVector<AffineExpr> access;
  for (int64_t dim = 0; dim < inputType.getRank(); ++dim) {
    ExtentRoot from = extentRoot(op.getInput(), dim), to = extentRoot(sizes[dim + offset]);
    if (from != to && (from == one || to == one))
      access.push_back(builder.getAffineConstantExpr(0));
    else if (from == to || from.constant)
      access.push_back(builder.getAffineDimExpr(dim + offset));
    else
      access.push_back(nullptr);
  }
  return access;
}

/// Steps over an expand_shape that only adds unit dimensions: returns its source and turns `access` into the source's.
Value stepOverUnitDims(OpBuilder &builder, Value input, SmallVectorImpl<AffineExpr> &access) {
  auto expand = input.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand)
    return input;
  SmallVector<AffineExpr> sourceAccess;
  for (const ReassociationIndices &group : expand.getReassociationIndices()) {
    AffineExpr only = builder.getAffineConstantExpr(0);
    int64_t numReal = 0;
    for (int64_t dim : group) {
      if (expand.getResultType().getDimSize(dim) == 1)
        continue;
      only = access[dim];
      ++numReal;
    }
    if (numReal > 1)
      return input;
    sourceAccess.push_back(only);
  }
  access = std::move(sourceAccess);
  return expand.getSrc();
}

/// Reads every dimension in doubt at 0 if its extent is 1 when the model runs.
Value broadcastAtRunTime(OpBuilder &builder, Location loc, Value input, ArrayRef<AffineExpr> access, Value out) {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  SmallVector<Value> isOne;
  for (auto [dim, expr] : llvm::enumerate(access)) {
    Value extent = expr ? Value() : builder.createOrFold<tensor::DimOp>(loc, input, static_cast<int64_t>(dim));
    isOne.push_back(expr ? Value() : arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, extent, one));
  }
  int64_t offset = cast<RankedTensorType>(out.getType()).getRank() - static_cast<int64_t>(access.size());
  return pointwise(builder, loc, ValueRange(), {}, out, [&](OpBuilder &b, Location l, ValueRange) -> Value {
    Value zero = arith::ConstantIndexOp::create(b, l, 0);
    SmallVector<Value> coordinates;
    for (auto [dim, expr] : llvm::enumerate(access)) {
      if (expr && isa<AffineConstantExpr>(expr)) {
        coordinates.push_back(zero);
        continue;
      }
      Value index = linalg::IndexOp::create(b, l, dim + offset);
      coordinates.push_back(expr ? index : arith::SelectOp::create(b, l, isOne[dim], zero, index).getResult());
    }
    return tensor::ExtractOp::create(b, l, input, coordinates);
  });
}

struct LowerBroadcast final : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BroadcastOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t rank = op.getResult().getType().getRank();
    SmallVector<OpFoldResult> sizes = resultSizes(rewriter, op);
    SmallVector<AffineExpr> access = broadcastAccess(rewriter, op, sizes);
    if (AffineMap::get(rank, 0, llvm::to_vector(llvm::make_filter_range(access, [](AffineExpr e) { return !!e; })),
                       getContext())
            .isIdentity()) {
      replaceWithTensor(rewriter, op, op.getInput());
      return success();
    }
    Value out = emptyTensor(rewriter, loc, sizes, op.getResult().getType().getElementType());
    if (llvm::is_contained(access, AffineExpr())) {
      rewriter.replaceOp(op, broadcastAtRunTime(rewriter, loc, op.getInput(), access, out));
      return success();
    }
    Value source = stepOverUnitDims(rewriter, op.getInput(), access);
    rewriter.replaceOp(
        op, pointwise(rewriter, loc, source, AffineMap::get(rank, 0, access, getContext()), out, yieldInput));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

/// Collapses each group of input dimensions into one, then expands it into the result's dimensions.
struct LowerReshape final : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType inputType = op.getInput().getType(), resultType = op.getResult().getType();
    SmallVector<OpFoldResult> sizes = resultSizes(rewriter, op);
    if (llvm::is_contained(inputType.getShape(), 0) || llvm::is_contained(resultType.getShape(), 0)) {
      rewriter.replaceOp(op, emptyTensor(rewriter, loc, sizes, resultType.getElementType()));
      return success();
    }
    Value value = op.getInput();
    if (inputType.getRank() == 0 || resultType.getRank() == 0)
      value = reshapeSingleElement(rewriter, loc, value, resultType.getRank());
    else
      value = reshapeByGroups(rewriter, loc, value, resultType, sizes);
    replaceWithTensor(rewriter, op, value);
    return success();
  }

  /// From or to rank 0: every dimension is 1, whether or not its type says so.
  static Value reshapeSingleElement(OpBuilder &builder, Location loc, Value value, int64_t rank) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<ReassociationIndices> noGroups;
    if (type.getRank() > 0) {
      RankedTensorType units = type.clone(SmallVector<int64_t>(type.getRank(), 1));
      if (type != units)
        value = tensor::CastOp::create(builder, loc, units, value);
      value = tensor::CollapseShapeOp::create(builder, loc, value, noGroups);
    }
    if (rank > 0)
      value = tensor::ExpandShapeOp::create(builder, loc, type.clone(SmallVector<int64_t>(rank, 1)), value, noGroups);
    return value;
  }

  static Value reshapeByGroups(OpBuilder &builder, Location loc, Value value, RankedTensorType resultType,
                               ArrayRef<OpFoldResult> sizes) {
    auto isMany = [](const ReassociationIndices &group) { return group.size() > 1; };
    ReshapeGroups groups = groupReshape(value, sizes);
    if (llvm::any_of(groups.input, isMany))
      value = tensor::CollapseShapeOp::create(builder, loc, value, groups.input);
    if (!llvm::any_of(groups.result, isMany))
      return value;
    RankedTensorType collapsed = tensor::CollapseShapeOp::inferCollapsedType(resultType, groups.result);
    if (value.getType() != collapsed)
      value = tensor::CastOp::create(builder, loc, collapsed, value);
    return tensor::ExpandShapeOp::create(builder, loc, resultType, value, groups.result, sizes);
  }
};

//===----------------------------------------------------------------------===//
// TransposeOp
//===----------------------------------------------------------------------===//

struct LowerTranspose final : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    Type elementType = op.getResult().getType().getElementType();
    Value out = emptyTensor(rewriter, op.getLoc(), resultSizes(rewriter, op), elementType);
    AffineMap resultToInput = AffineMap::getPermutationMap(op.getPermutation(), getContext());
    rewriter.replaceOp(
        op, pointwise(rewriter, op.getLoc(), op.getInput(), inversePermutation(resultToInput), out, yieldInput));
    return success();
  }
};

} // namespace

void populateLowerShapesPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerBroadcast, LowerReshape, LowerTranspose>(patterns.getContext());
}

} // namespace thresh
