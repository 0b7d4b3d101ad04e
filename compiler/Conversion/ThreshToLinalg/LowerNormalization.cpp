//===- LowerNormalization.cpp - softmax, layer_norm, rms_norm ---------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace thresh {
namespace {

/// The pieces that row-wise ops share: an input whose `isReduced` dimensions are normalised over, computing in `type`.
struct Rows {
  Rows(OpBuilder &builder, Location loc, Value input, llvm::function_ref<bool(int64_t)> isReduced)
      : builder(builder), loc(loc), input(input) {
    auto inputType = cast<RankedTensorType>(input.getType());
    type = computeType(inputType.getElementType());
    rank = inputType.getRank();
    sizes = tensor::getMixedSizes(builder, loc, input);
    for (int64_t dim = 0; dim < rank; ++dim)
      if (isReduced(dim))
        reducedDims.push_back(dim);
      else
        rowSizes.push_back(sizes[dim]);
    auto isReducedDim = [&](int64_t dim) { return llvm::is_contained(reducedDims, dim); };
    wholeMap = builder.getMultiDimIdentityMap(rank);
    rowMap = projection(builder.getContext(), rank, [&](int64_t dim) { return !isReducedDim(dim); });
    weightMap = projection(builder.getContext(), rank, isReducedDim);
  }

  /// One value per row, accumulated from `init` over whole and per-row tensors (maps as for pointwise).
  Value reduce(ValueRange inputs, ArrayRef<AffineMap> maps, double init, ScalarBody body) {
    Value start = filledTensor(builder, loc, rowSizes, builder.getFloatAttr(type, init));
    return reduction(
        builder, loc, inputs, maps, start, [&](int64_t dim) { return llvm::is_contained(reducedDims, dim); }, rank,
        body);
  }

  /// A tensor of the input's shape.
  Value whole(ValueRange inputs, ArrayRef<AffineMap> maps, Type elementType, ScalarBody body) {
    return pointwise(builder, loc, inputs, maps, emptyTensor(builder, loc, sizes, elementType), body);
  }

  /// One value per row from per-row tensors.
  Value perRow(ValueRange inputs, ScalarBody body) {
    SmallVector<AffineMap> maps(inputs.size(), builder.getMultiDimIdentityMap(rowSizes.size()));
    return pointwise(builder, loc, inputs, maps, emptyTensor(builder, loc, rowSizes, type), body);
  }

  /// The number of elements of a row as a float.
  Value length() { return indexToFloat(builder, loc, elementCount(builder, loc, input, reducedDims), type); }

  OpBuilder &builder;
  Location loc;
  Value input;
  Type type;
  int64_t rank;
  SmallVector<int64_t> reducedDims;
  SmallVector<OpFoldResult> sizes, rowSizes;
  AffineMap wholeMap, rowMap, weightMap;
};

struct LowerSoftmax final : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SoftmaxOp op, PatternRewriter &rewriter) const override {
    int64_t dimension = op.getDimension();
    Rows rows(rewriter, op.getLoc(), op.getInput(), [&](int64_t dim) { return dim == dimension; });
    Type type = rows.type, elementType = op.getResult().getType().getElementType();
    Value max = rows.reduce(op.getInput(), rows.wholeMap, -std::numeric_limits<double>::infinity(),
                            [&](OpBuilder &b, Location l, ValueRange args) -> Value {
                              return arith::MaximumFOp::create(b, l, convertFloat(b, l, args[0], type), args[1]);
                            });
    auto centre = [&](OpBuilder &b, Location l, ValueRange args) -> Value {
      return arith::SubFOp::create(b, l, convertFloat(b, l, args[0], type), args[1]);
    };
    auto exponential = [&](OpBuilder &b, Location l, ValueRange args) -> Value {
      return math::ExpOp::create(b, l, centre(b, l, args));
    };
    auto addTo = [](OpBuilder &b, Location l, Value value, Value sum) -> Value {
      return arith::AddFOp::create(b, l, value, sum);
    };
    Value result;
    if (op.getLog()) {
      Value sum = rows.reduce(
          {op.getInput(), max}, {rows.wholeMap, rows.rowMap}, 0.0,
          [&](OpBuilder &b, Location l, ValueRange args) { return addTo(b, l, exponential(b, l, args), args[2]); });
      Value logSum = rows.perRow(
          sum, [](OpBuilder &b, Location l, ValueRange args) -> Value { return math::LogOp::create(b, l, args[0]); });
      result = rows.whole({op.getInput(), max, logSum}, {rows.wholeMap, rows.rowMap, rows.rowMap}, elementType,
                          [&](OpBuilder &b, Location l, ValueRange args) {
                            Value centred = centre(b, l, args);
                            return convertFloat(b, l, arith::SubFOp::create(b, l, centred, args[2]), elementType);
                          });
    } else {
      Value powers = rows.whole({op.getInput(), max}, {rows.wholeMap, rows.rowMap}, type, exponential);
      Value sum = rows.reduce(powers, rows.wholeMap, 0.0,
                              [&](OpBuilder &b, Location l, ValueRange args) { return addTo(b, l, args[0], args[1]); });
      result = rows.whole({powers, sum}, {rows.wholeMap, rows.rowMap}, elementType,
                          [&](OpBuilder &b, Location l, ValueRange args) {
                            return convertFloat(b, l, arith::DivFOp::create(b, l, args[0], args[1]), elementType);
                          });
    }
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

/// 1 / sqrt(sum / length + epsilon) per row.
Value inverseDeviation(Rows &rows, Value sumOfSquares, Value length, double epsilon) {
  return rows.perRow(sumOfSquares, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
    Value mean = arith::DivFOp::create(b, l, args[0], length);
    Value shifted = arith::AddFOp::create(b, l, mean, floatConstant(b, l, rows.type, epsilon));
    Value deviation = math::SqrtOp::create(b, l, shifted);
    return arith::DivFOp::create(b, l, floatConstant(b, l, rows.type, 1.0), deviation);
  });
}

/// Two passes over a row, as the sum of squares loses digits when the mean is large.
struct LowerLayerNorm final : OpRewritePattern<LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LayerNormOp op, PatternRewriter &rewriter) const override {
    int64_t axis = op.getAxis();
    Rows rows(rewriter, op.getLoc(), op.getInput(), [&](int64_t dim) { return dim >= axis; });
    Type type = rows.type, elementType = op.getResult().getType().getElementType();
    Value length = rows.length();
    Value sum = rows.reduce(op.getInput(), rows.wholeMap, 0.0, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
      return arith::AddFOp::create(b, l, convertFloat(b, l, args[0], type), args[1]);
    });
    Value mean = rows.perRow(sum, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
      return arith::DivFOp::create(b, l, args[0], length);
    });
    auto centre = [&](OpBuilder &b, Location l, ValueRange args) -> Value {
      return arith::SubFOp::create(b, l, convertFloat(b, l, args[0], type), args[1]);
    };
    Value squares = rows.reduce({op.getInput(), mean}, {rows.wholeMap, rows.rowMap}, 0.0,
                                [&](OpBuilder &b, Location l, ValueRange args) -> Value {
                                  Value centred = centre(b, l, args);
                                  Value square = arith::MulFOp::create(b, l, centred, centred);
                                  return arith::AddFOp::create(b, l, square, args[2]);
                                });
    Value inverse = inverseDeviation(rows, squares, length, op.getEpsilon().convertToDouble());

    SmallVector<Value> inputs = {op.getInput(), mean, inverse, op.getScale()};
    SmallVector<AffineMap> maps = {rows.wholeMap, rows.rowMap, rows.rowMap, rows.weightMap};
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(rows.weightMap);
    }
    bool hasBias = static_cast<bool>(op.getBias());
    Value result = rows.whole(inputs, maps, elementType, [&](OpBuilder &b, Location l, ValueRange args) {
      Value normalised = arith::MulFOp::create(b, l, centre(b, l, args), args[2]);
      Value scaled = arith::MulFOp::create(b, l, normalised, convertFloat(b, l, args[3], type));
      if (hasBias)
        scaled = arith::AddFOp::create(b, l, scaled, convertFloat(b, l, args[4], type));
      return convertFloat(b, l, scaled, elementType);
    });
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

struct LowerRmsNorm final : OpRewritePattern<RmsNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RmsNormOp op, PatternRewriter &rewriter) const override {
    int64_t axis = op.getAxis();
    Rows rows(rewriter, op.getLoc(), op.getInput(), [&](int64_t dim) { return dim >= axis; });
    Type type = rows.type, elementType = op.getResult().getType().getElementType();
    Value length = rows.length();
    Value squares =
        rows.reduce(op.getInput(), rows.wholeMap, 0.0, [&](OpBuilder &b, Location l, ValueRange args) -> Value {
          Value x = convertFloat(b, l, args[0], type);
          return arith::AddFOp::create(b, l, arith::MulFOp::create(b, l, x, x), args[1]);
        });
    Value inverse = inverseDeviation(rows, squares, length, op.getEpsilon().convertToDouble());
    Value result = rows.whole({op.getInput(), inverse, op.getScale()}, {rows.wholeMap, rows.rowMap, rows.weightMap},
                              elementType, [&](OpBuilder &b, Location l, ValueRange args) {
                                Value x = convertFloat(b, l, args[0], type);
                                Value normalised = arith::MulFOp::create(b, l, x, args[1]);
                                Value scaled =
                                    arith::MulFOp::create(b, l, normalised, convertFloat(b, l, args[2], type));
                                return convertFloat(b, l, scaled, elementType);
                              });
    replaceWithTensor(rewriter, op, result);
    return success();
  }
};

} // namespace

void populateLowerNormalizationPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerSoftmax, LowerLayerNorm, LowerRmsNorm>(patterns.getContext());
}

} // namespace thresh
