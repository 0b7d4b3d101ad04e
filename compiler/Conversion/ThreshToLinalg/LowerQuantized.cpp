//===- LowerQuantized.cpp - Ops on quantised matrices -----------------------===//
//
// The product is four generics: scales of the lhs, integers of the lhs (both shared by all products of one lhs), i32
// sums per group, f32 sum over groups. The last two become one kernel (compiler/Transforms/KernelGroups.cpp).
//
//===----------------------------------------------------------------------===//
#include "compiler/Conversion/ThreshToLinalg/GatherIndices.h"
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ScaledIntegers.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

constexpr int64_t kPanel = PackAttr::kPanel, kTogether = PackAttr::kTogether, kGroup = PackAttr::kGroup;

/// What differs between the formats.
struct CodeForm {
  int64_t codesPerByte;
  int64_t zero;

  int64_t bytesPerGroup() const { return kGroup / kTogether / codesPerByte; }
};

CodeForm codeForm(QuantFormat format) { return format == QuantFormat::Q8 ? CodeForm{1, 128} : CodeForm{2, 8}; }

/// The code in `byte` for element `k` (an index) of its row, without its zero point, as i32.
Value decode(OpBuilder &b, Location loc, CodeForm form, Value byte, Value k) {
  if (form.codesPerByte == 2) {
    Value half = arith::RemUIOp::create(
        b, loc, arith::DivUIOp::create(b, loc, k, arith::ConstantIndexOp::create(b, loc, kTogether)),
        arith::ConstantIndexOp::create(b, loc, 2));
    Value shift = arith::MulIOp::create(b, loc, arith::IndexCastOp::create(b, loc, b.getI8Type(), half),
                                        arith::ConstantIntOp::create(b, loc, 4, 8));
    byte = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, byte, shift),
                                 arith::ConstantIntOp::create(b, loc, 15, 8));
  }
  Value code = arith::ExtUIOp::create(b, loc, b.getI32Type(), byte);
  return arith::SubIOp::create(b, loc, code, arith::ConstantIntOp::create(b, loc, form.zero, 32));
}

struct LowerQuantizedMatmul final : OpRewritePattern<QuantizedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizedMatmulOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = op.getLhs().getType();
    int64_t groups = type.getDimSize(1) / kGroup;
    OpFoldResult rows = tensor::getMixedSize(rewriter, loc, op.getLhs(), 0);
    SmallVector<OpFoldResult> sizes = {rows, rewriter.getIndexAttr(groups), rewriter.getIndexAttr(kGroup)};
    SmallVector<ReassociationIndices> reassociation = {{0}, {1, 2}};
    auto grouped = RankedTensorType::get({type.getDimSize(0), groups, kGroup}, type.getElementType());
    Value lhs = tensor::ExpandShapeOp::create(rewriter, loc, grouped, op.getLhs(), reassociation, sizes);
    ScaledIntegers quantised = quantizeRows(rewriter, loc, lhs, sizes);
    Value sums = groupSums(rewriter, op, quantised.integers, sizes);
    replaceWithTensor(rewriter, op, totalSum(rewriter, op, sums, quantised.scales, resultSizes(rewriter, op)));
    return success();
  }

  /// [m, n, g]: sum over j of (code - zero) * integer, exact.
  static Value groupSums(OpBuilder &builder, QuantizedMatmulOp op, Value integers, ArrayRef<OpFoldResult> lhsSizes) {
    CodeForm form = codeForm(op.getFormat());
    AffineExpr m = builder.getAffineDimExpr(0), n = builder.getAffineDimExpr(1), g = builder.getAffineDimExpr(2),
               j = builder.getAffineDimExpr(3);
    AffineExpr byte = g * form.bytesPerGroup() + j.floorDiv(kTogether * form.codesPerByte);
    AffineMap codeMap =
        AffineMap::get(4, 0, {n.floorDiv(kPanel), byte, n % kPanel, j % kTogether}, builder.getContext());
    AffineMap integerMap = AffineMap::get(4, 0, {m, g, j}, builder.getContext());
    SmallVector<OpFoldResult> sizes = {lhsSizes[0], builder.getIndexAttr(op.getResult().getType().getDimSize(1)),
                                       lhsSizes[1]};
    Value zero = filledTensor(builder, op.getLoc(), sizes, builder.getI32IntegerAttr(0));
    return reduction(
        builder, op.getLoc(), {op.getCodes(), integers}, {codeMap, integerMap}, zero,
        [](int64_t dim) { return dim == 3; }, 4,
        [&](OpBuilder &b, Location l, ValueRange args) -> Value {
          Value k = form.codesPerByte == 2 ? linalg::IndexOp::create(b, l, 3).getResult() : Value();
          Value integer = arith::ExtSIOp::create(b, l, b.getI32Type(), args[1]);
          return arith::AddIOp::create(b, l, args[2],
                                       arith::MulIOp::create(b, l, decode(b, l, form, args[0], k), integer));
        });
  }

  /// [m, n]: sum over g of sum * (scale of the matrix * scale of the lhs).
  static Value totalSum(OpBuilder &builder, QuantizedMatmulOp op, Value sums, Value lhsScales,
                        ArrayRef<OpFoldResult> sizes) {
    AffineExpr m = builder.getAffineDimExpr(0), n = builder.getAffineDimExpr(1), g = builder.getAffineDimExpr(2);
    AffineMap sumMap = builder.getMultiDimIdentityMap(3);
    AffineMap scaleMap = AffineMap::get(3, 0, {n.floorDiv(kPanel), g, n % kPanel}, builder.getContext());
    AffineMap lhsMap = AffineMap::get(3, 0, {m, g}, builder.getContext());
    Value zero = filledTensor(builder, op.getLoc(), sizes, builder.getF32FloatAttr(0));
    return reduction(
        builder, op.getLoc(), {sums, op.getScales(), lhsScales}, {sumMap, scaleMap, lhsMap}, zero,
        [](int64_t dim) { return dim == 2; }, 3,
        [](OpBuilder &b, Location l, ValueRange args) -> Value {
          Value sum = arith::SIToFPOp::create(b, l, b.getF32Type(), args[0]);
          Value scale = arith::MulFOp::create(b, l, arith::ExtFOp::create(b, l, b.getF32Type(), args[1]), args[2]);
          return arith::AddFOp::create(b, l, args[3], arith::MulFOp::create(b, l, sum, scale));
        });
  }
};

struct LowerQuantizedGather final : OpRewritePattern<QuantizedGatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizedGatherOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    CodeForm form = codeForm(op.getFormat());
    int64_t rank = op.getResult().getType().getRank();
    Value rows = arith::ConstantIndexOp::create(rewriter, loc, op.getRows());
    checkGatherIndices(rewriter, loc, op.getIndices(), rows);
    AffineMap indicesMap = projection(getContext(), rank, [&](int64_t dim) { return dim < rank - 1; });
    Value out = emptyTensor(rewriter, loc, resultSizes(rewriter, op), rewriter.getF32Type());
    Value result = pointwise(
        rewriter, loc, op.getIndices(), indicesMap, out, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
          auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, l, value).getResult(); };
          auto divide = [&](Value a, int64_t by) { return arith::DivUIOp::create(b, l, a, constant(by)).getResult(); };
          auto remainder = [&](Value a, int64_t by) {
            return arith::RemUIOp::create(b, l, a, constant(by)).getResult();
          };
          Value row = gatherCoordinate(b, l, args[0], rows), k = linalg::IndexOp::create(b, l, rank - 1);
          Value panel = divide(row, kPanel), column = remainder(row, kPanel);
          Value byteAt = divide(k, kTogether * form.codesPerByte);
          Value byte = tensor::ExtractOp::create(b, l, op.getCodes(),
                                                 ValueRange{panel, byteAt, column, remainder(k, kTogether)});
          Value scale = tensor::ExtractOp::create(b, l, op.getScales(), ValueRange{panel, divide(k, kGroup), column});
          Value code = arith::SIToFPOp::create(b, l, b.getF32Type(), decode(b, l, form, byte, k));
          return arith::MulFOp::create(b, l, code, arith::ExtFOp::create(b, l, b.getF32Type(), scale));
        });
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

} // namespace

void populateLowerQuantizedPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerQuantizedMatmul, LowerQuantizedGather>(patterns.getContext());
}

} // namespace thresh
