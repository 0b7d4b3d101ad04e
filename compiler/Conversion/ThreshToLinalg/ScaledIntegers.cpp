//===- ScaledIntegers.cpp - Rows of floats as integers and a scale ----------===//
#include "compiler/Conversion/ThreshToLinalg/ScaledIntegers.h"

#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace thresh {

static Value rowScales(OpBuilder &builder, Location loc, Value rows, ArrayRef<OpFoldResult> sizes) {
  int64_t rank = sizes.size();
  Value zero = filledTensor(builder, loc, sizes.drop_back(), builder.getF32FloatAttr(0));
  Value largest = reduction(
      builder, loc, rows, builder.getMultiDimIdentityMap(rank), zero, [&](int64_t dim) { return dim == rank - 1; },
      rank,
      [](OpBuilder &b, Location l, ValueRange args) -> Value {
        return arith::MaximumFOp::create(b, l, args[1], math::AbsFOp::create(b, l, args[0]));
      });
  Value out = emptyTensor(builder, loc, sizes.drop_back(), builder.getF32Type());
  return pointwise(builder, loc, largest, builder.getMultiDimIdentityMap(rank - 1), out,
                   [](OpBuilder &b, Location l, ValueRange args) -> Value {
                     return arith::DivFOp::create(b, l, args[0], floatConstant(b, l, b.getF32Type(), 127));
                   });
}

ScaledIntegers quantizeRows(OpBuilder &builder, Location loc, Value rows, ArrayRef<OpFoldResult> sizes) {
  Value scales = rowScales(builder, loc, rows, sizes);
  Value out = emptyTensor(builder, loc, sizes, builder.getI8Type());
  AffineMap whole = builder.getMultiDimIdentityMap(sizes.size());
  Value integers = pointwise(builder, loc, {rows, scales}, {whole, whole.dropResult(sizes.size() - 1)}, out,
                             [](OpBuilder &b, Location l, ValueRange args) -> Value {
                               Value zero = floatConstant(b, l, b.getF32Type(), 0);
                               Value isZero = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, args[1], zero);
                               Value ratio = arith::DivFOp::create(b, l, args[0], args[1]);
                               Value rounded =
                                   math::RoundEvenOp::create(b, l, arith::SelectOp::create(b, l, isZero, zero, ratio));
                               return arith::FPToSIOp::create(b, l, b.getI8Type(), rounded);
                             });
  return {integers, scales};
}

Value dequantizeRows(OpBuilder &builder, Location loc, const ScaledIntegers &rows) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, rows.integers);
  AffineMap whole = builder.getMultiDimIdentityMap(sizes.size());
  Value out = emptyTensor(builder, loc, sizes, builder.getF32Type());
  return pointwise(builder, loc, {rows.integers, rows.scales}, {whole, whole.dropResult(sizes.size() - 1)}, out,
                   [](OpBuilder &b, Location l, ValueRange args) -> Value {
                     Value integer = arith::SIToFPOp::create(b, l, b.getF32Type(), args[0]);
                     return arith::MulFOp::create(b, l, integer, args[1]);
                   });
}

} // namespace thresh
