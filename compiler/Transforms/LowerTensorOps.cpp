//===- LowerTensorOps.cpp - Slices, concatenations, pads become linalg -------===//
//
// Each becomes one element-wise linalg.generic. Loads outside an operand are never selected, but they are made: their
// indices are clamped into the operand. A tensor without elements still has one readable element at run time.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_LOWERTENSOROPSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

using ElementBuilder = llvm::function_ref<Value(OpBuilder &, Location, ValueRange indices)>;

/// A tensor of the given sizes whose element at `indices` (one index value per dimension) `element` computes.
Value generateTensor(OpBuilder &builder, Location loc, RankedTensorType type, ArrayRef<OpFoldResult> sizes,
                     ElementBuilder element) {
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto identity = builder.getMultiDimIdentityMap(type.getRank());
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange{empty.getType()}, ValueRange{}, ValueRange{empty}, ArrayRef<AffineMap>{identity},
      iterators, [&](OpBuilder &nested, Location bodyLoc, ValueRange) {
        SmallVector<Value> indices;
        for (int64_t dim = 0; dim < type.getRank(); ++dim)
          indices.push_back(linalg::IndexOp::create(nested, bodyLoc, dim));
        linalg::YieldOp::create(nested, bodyLoc, element(nested, bodyLoc, indices));
      });
  Value result = generic.getResult(0);
  return result.getType() == type ? result : tensor::CastOp::create(builder, loc, type, result).getResult();
}

Value addIndex(OpBuilder &builder, Location loc, Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(loc, a, b);
}

/// max(min(index, size - 1), 0)
Value clampIndex(OpBuilder &builder, Location loc, Value index, Value size) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0), one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value last = builder.createOrFold<arith::SubIOp>(loc, size, one);
  Value upper = arith::MinSIOp::create(builder, loc, index, last);
  return arith::MaxSIOp::create(builder, loc, upper, zero);
}

struct LowerExtractSlice : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    llvm::SmallBitVector dropped = op.getDroppedDims();
    SmallVector<OpFoldResult> offsets = op.getMixedOffsets(), strides = op.getMixedStrides(), sizes;
    for (auto [dim, size] : llvm::enumerate(op.getMixedSizes()))
      if (!dropped.test(dim))
        sizes.push_back(size);
    SmallVector<Value> offsetValues = getValueOrCreateConstantIndexOp(rewriter, loc, offsets);
    SmallVector<Value> strideValues = getValueOrCreateConstantIndexOp(rewriter, loc, strides);
    if (isAffineRead(op, dropped)) {
      rewriter.replaceOp(op, lowerStatic(op, sizes, dropped, rewriter));
      return success();
    }
    rewriter.replaceOp(
        op, generateTensor(rewriter, loc, op.getType(), sizes, [&](OpBuilder &b, Location l, ValueRange at) {
          SmallVector<Value> source;
          unsigned next = 0;
          for (unsigned dim = 0; dim < offsets.size(); ++dim) {
            Value index = offsetValues[dim];
            if (!dropped.test(dim))
              index = addIndex(b, l, index, b.createOrFold<arith::MulIOp>(l, at[next++], strideValues[dim]));
            source.push_back(index);
          }
          return tensor::ExtractOp::create(b, l, op.getSource(), source).getResult();
        }));
    return success();
  }

  /// With constant offsets and strides the slice is an affine read that fuses like a transpose. A dimension read from
  /// its start in steps of 1 must be read whole: linalg takes a plain loop index to mean equal extents.
  static bool isAffineRead(tensor::ExtractSliceOp op, const llvm::SmallBitVector &dropped) {
    for (auto [dim, offset, stride, size] :
         llvm::enumerate(op.getMixedOffsets(), op.getMixedStrides(), op.getMixedSizes())) {
      std::optional<int64_t> start = getConstantIntValue(offset), step = getConstantIntValue(stride);
      if (!start || !step)
        return false;
      bool isWhole = getConstantIntValue(size) == op.getSourceType().getDimSize(dim);
      if (!dropped.test(dim) && *start == 0 && *step == 1 && !isWhole)
        return false;
    }
    return true;
  }

  Value lowerStatic(tensor::ExtractSliceOp op, ArrayRef<OpFoldResult> sizes, const llvm::SmallBitVector &dropped,
                    PatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    int64_t rank = op.getType().getRank();
    SmallVector<AffineExpr> read;
    unsigned next = 0;
    for (auto [dim, offset, stride] : llvm::enumerate(op.getMixedOffsets(), op.getMixedStrides())) {
      AffineExpr start = rewriter.getAffineConstantExpr(*getConstantIntValue(offset));
      read.push_back(dropped.test(dim) ? start
                                       : rewriter.getAffineDimExpr(next++) * *getConstantIntValue(stride) + start);
    }
    Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, op.getType().getElementType());
    SmallVector<AffineMap> maps{AffineMap::get(rank, 0, read, rewriter.getContext()),
                                rewriter.getMultiDimIdentityMap(rank)};
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    auto copy = linalg::GenericOp::create(
        rewriter, loc, TypeRange{empty.getType()}, ValueRange{op.getSource()}, ValueRange{empty}, maps, iterators,
        [](OpBuilder &b, Location l, ValueRange args) { linalg::YieldOp::create(b, l, args[0]); });
    Value result = copy.getResult(0);
    return result.getType() == op.getType() ? result
                                            : tensor::CastOp::create(rewriter, loc, op.getType(), result).getResult();
  }
};

struct LowerConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ConcatOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getDim();
    SmallVector<Value> inputs, extents, starts;
    Value total = arith::ConstantIndexOp::create(rewriter, loc, 0);
    for (Value input : op.getInputs()) {
      if (cast<RankedTensorType>(input.getType()).getDimSize(axis) == 0)
        continue;
      inputs.push_back(input);
      starts.push_back(total);
      extents.push_back(rewriter.createOrFold<tensor::DimOp>(loc, input, axis));
      total = addIndex(rewriter, loc, total, extents.back());
    }
    if (inputs.empty()) {
      rewriter.replaceOp(op, op.getInputs().front());
      return success();
    }
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, inputs.front());
    sizes[axis] = getAsOpFoldResult(total);
    rewriter.replaceOp(
        op, generateTensor(rewriter, loc, op.getResultType(), sizes, [&](OpBuilder &b, Location l, ValueRange at) {
          Value result;
          for (unsigned i = 0; i < inputs.size(); ++i) {
            SmallVector<Value> source(at);
            Value local = b.createOrFold<arith::SubIOp>(l, at[axis], starts[i]);
            source[axis] = clampIndex(b, l, local, extents[i]);
            Value element = tensor::ExtractOp::create(b, l, inputs[i], source);
            Value here = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge, at[axis], starts[i]);
            result = result ? arith::SelectOp::create(b, l, here, element, result).getResult() : element;
          }
          return result;
        }));
    return success();
  }
};

struct LowerPad : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::PadOp op, PatternRewriter &rewriter) const override {
    Value padding = op.getConstantPaddingValue();
    if (!padding)
      return rewriter.notifyMatchFailure(op, "the padding is not one value");
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes;
    SmallVector<Value> lows = getValueOrCreateConstantIndexOp(rewriter, loc, op.getMixedLowPad());
    SmallVector<Value> highs = getValueOrCreateConstantIndexOp(rewriter, loc, op.getMixedHighPad());
    SmallVector<Value> extents;
    for (int64_t dim = 0; dim < op.getSourceType().getRank(); ++dim) {
      extents.push_back(rewriter.createOrFold<tensor::DimOp>(loc, op.getSource(), dim));
      Value size = addIndex(rewriter, loc, addIndex(rewriter, loc, extents[dim], lows[dim]), highs[dim]);
      sizes.push_back(getAsOpFoldResult(size));
    }
    rewriter.replaceOp(
        op, generateTensor(rewriter, loc, op.getResultType(), sizes, [&](OpBuilder &b, Location l, ValueRange at) {
          Value inside = arith::ConstantIntOp::create(b, l, 1, 1);
          SmallVector<Value> source;
          Value zero = arith::ConstantIndexOp::create(b, l, 0);
          for (auto [dim, index] : llvm::enumerate(at)) {
            Value local = b.createOrFold<arith::SubIOp>(l, index, lows[dim]);
            Value above = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge, local, zero);
            Value below = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, local, extents[dim]);
            inside = arith::AndIOp::create(b, l, inside, arith::AndIOp::create(b, l, above, below));
            source.push_back(clampIndex(b, l, local, extents[dim]));
          }
          Value element = tensor::ExtractOp::create(b, l, op.getSource(), source);
          return arith::SelectOp::create(b, l, inside, element, padding).getResult();
        }));
    return success();
  }
};

struct LowerGenerate : OpRewritePattern<tensor::GenerateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::GenerateOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<OpFoldResult> sizes;
    unsigned next = 0;
    for (int64_t extent : type.getShape())
      sizes.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(op.getDynamicExtents()[next++])
                                                    : OpFoldResult(rewriter.getIndexAttr(extent)));
    Block &body = op.getBody().front();
    rewriter.replaceOp(op, generateTensor(rewriter, loc, type, sizes, [&](OpBuilder &b, Location, ValueRange at) {
                         IRMapping map;
                         map.map(body.getArguments(), at);
                         for (Operation &nested : body.without_terminator())
                           b.clone(nested, map);
                         return map.lookupOrDefault(body.getTerminator()->getOperand(0));
                       }));
    return success();
  }
};

/// A fill whose value is data, not the start of a reduction, is element-wise work.
struct LowerDataFill : OpRewritePattern<linalg::FillOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::FillOp op, PatternRewriter &rewriter) const override {
    auto isData = [](OpOperand &use) {
      auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
      return !generic || !generic.isDpsInit(&use) || generic.getNumReductionLoops() == 0;
    };
    if (op->getNumResults() != 1 || llvm::none_of(op->getUses(), isData))
      return failure();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, op.getLoc(), op.getDpsInits()[0]);
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    Value data = generateTensor(rewriter, op.getLoc(), type, sizes,
                                [&](OpBuilder &, Location, ValueRange) { return op.getInputs()[0]; });
    rewriter.replaceUsesWithIf(op.getResult(0), data, isData);
    return success();
  }
};

struct LowerTensorOpsPass final : impl::LowerTensorOpsPassBase<LowerTensorOpsPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerConcat, LowerDataFill, LowerExtractSlice, LowerGenerate, LowerPad>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace thresh
