//===- ThreshComputeOps.cpp - Products, normalisations, reductions, gather --===//
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace thresh;

/// The rule of every op that works along one dimension of its input (`what` names the attribute).
template <typename OpTy>
static LogicalResult checkDimension(std::optional<Location> loc, StringRef what, int64_t dim, RankedTensorType input) {
  if (dim < 0 || dim >= input.getRank())
    return opError<OpTy>(loc, "expects ", what, " in [0, ", input.getRank(), "), but got ", dim);
  return success();
}

/// Appends the reified shape of a result that has the input's shape.
template <typename OpTy>
static LogicalResult reifyInputShape(OpTy op, OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0, rank = op.getInput().getType().getRank(); dim < rank; ++dim)
    sizes.push_back(extentOf(builder, op.getLoc(), op.getInput(), dim));
  shapes.push_back(fitSizesToType(builder, op.getLoc(), sizes, op.getResult().getType()));
  return success();
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = cast<RankedTensorType>(adaptor.getLhs().getType());
  auto rhs = cast<RankedTensorType>(adaptor.getRhs().getType());
  // matmul_c1
  Type lhsElement = lhs.getElementType(), rhsElement = rhs.getElementType();
  bool widens = isa<FloatType>(lhsElement) && isa<FloatType>(rhsElement) &&
                lhsElement.getIntOrFloatBitWidth() > rhsElement.getIntOrFloatBitWidth();
  if (!lhsElement.isIntOrFloat() || (lhsElement != rhsElement && !widens))
    return opError<MatmulOp>(
        loc, "expects operands of one integer or float element type, or a rhs of narrower floats, but got ", lhsElement,
        " and ", rhsElement);
  // matmul_c2
  if (lhs.getRank() < 2)
    return opError<MatmulOp>(loc, "expects a lhs of rank >= 2, but got ", lhs.getRank());
  // matmul_c3
  if (rhs.getRank() != 2 && rhs.getRank() != lhs.getRank())
    return opError<MatmulOp>(loc, "expects a rhs of rank 2 or of the lhs's rank ", lhs.getRank(), ", but got ",
                             rhs.getRank());
  // matmul_c4
  int64_t numBatchDims = lhs.getRank() - 2;
  SmallVector<int64_t> shape(lhs.getShape().take_front(numBatchDims));
  for (int64_t dim = 0; rhs.getRank() == lhs.getRank() && dim < numBatchDims; ++dim) {
    if (!areCompatibleExtents(shape[dim], rhs.getDimSize(dim)))
      return opError<MatmulOp>(loc, "expects equal batch extents in dimension ", dim, ", but got ", shape[dim], " and ",
                               rhs.getDimSize(dim));
    shape[dim] = mergeExtents(shape[dim], rhs.getDimSize(dim));
  }
  // matmul_c5
  bool transposed = adaptor.getTransposeRhs();
  int64_t lhsK = lhs.getShape().back();
  int64_t rhsK = rhs.getDimSize(rhs.getRank() - (transposed ? 1 : 2));
  if (!areCompatibleExtents(lhsK, rhsK))
    return opError<MatmulOp>(loc, "expects equal contraction extents, but got ", lhsK, " and ", rhsK);
  shape.push_back(lhs.getDimSize(numBatchDims));
  shape.push_back(rhs.getDimSize(rhs.getRank() - (transposed ? 2 : 1)));
  types.push_back(lhs.clone(shape));
  return success();
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  int64_t lhsRank = getLhs().getType().getRank(), rhsRank = getRhs().getType().getRank();
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < lhsRank - 1; ++dim)
    sizes.push_back(extentOf(builder, getLoc(), getLhs(), dim));
  sizes.push_back(extentOf(builder, getLoc(), getRhs(), rhsRank - (getTransposeRhs() ? 2 : 1)));
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, getResult().getType()));
  return success();
}

namespace {
/// matmul(a, transpose(b)) that swaps the last two dimensions -> the other value of `transpose_rhs` on b.
struct FoldTransposeOfRhs final : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getRhs().getDefiningOp<TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the rhs is not a transpose");
    SmallVector<int64_t> swap = llvm::to_vector(llvm::seq<int64_t>(0, op.getRhs().getType().getRank()));
    std::swap(swap[swap.size() - 1], swap[swap.size() - 2]);
    if (transpose.getPermutation() != ArrayRef<int64_t>(swap))
      return rewriter.notifyMatchFailure(op, "the transpose does not swap the matrix dimensions only");
    rewriter.modifyOpInPlace(op, [&] {
      op.getRhsMutable().assign(transpose.getInput());
      op.setTransposeRhs(!op.getTransposeRhs());
    });
    return success();
  }
};
} // namespace

void MatmulOp::getCanonicalizationPatterns(RewritePatternSet &results, MLIRContext *context) {
  results.add<FoldTransposeOfRhs>(context);
}

//===----------------------------------------------------------------------===//
// SoftmaxOp, LayerNormOp, RmsNormOp
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  // softmax_c1
  if (failed(checkDimension<SoftmaxOp>(loc, "dimension", adaptor.getDimension(), input)))
    return failure();
  types.push_back(input);
  return success();
}

LogicalResult SoftmaxOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyInputShape(*this, builder, shapes);
}

/// The rules that layer_norm and rms_norm share.
template <typename OpTy>
static LogicalResult checkNormalisation(std::optional<Location> loc, typename OpTy::Adaptor adaptor) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto scale = cast<RankedTensorType>(adaptor.getScale().getType());
  // layer_norm_c1, rms_norm_c1
  if (failed(checkDimension<OpTy>(loc, "axis", adaptor.getAxis(), input)))
    return failure();
  // layer_norm_c2, rms_norm_c2
  RankedTensorType expected = input.clone(input.getShape().drop_front(adaptor.getAxis()));
  if (!areCompatibleTypes(TypeRange(expected), TypeRange(scale)))
    return opError<OpTy>(loc, "expects a scale of type ", expected, ", but got ", scale);
  // layer_norm_c3, rms_norm_c3
  APFloat epsilon = adaptor.getEpsilon();
  if (!epsilon.isFinite() || epsilon.isNegative())
    return opError<OpTy>(loc, "expects a finite epsilon >= 0, but got ", epsilon.convertToDouble());
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  if (failed(checkNormalisation<LayerNormOp>(loc, adaptor)))
    return failure();
  // layer_norm_c4
  Type scale = adaptor.getScale().getType();
  if (adaptor.getBias() && !areCompatibleTypes(TypeRange(scale), TypeRange(adaptor.getBias().getType())))
    return opError<LayerNormOp>(loc, "expects a bias of the scale's type ", scale, ", but got ",
                                adaptor.getBias().getType());
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult LayerNormOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyInputShape(*this, builder, shapes);
}

LogicalResult RmsNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  if (failed(checkNormalisation<RmsNormOp>(loc, adaptor)))
    return failure();
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult RmsNormOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyInputShape(*this, builder, shapes);
}

//===----------------------------------------------------------------------===//
// RotaryEmbeddingOp
//===----------------------------------------------------------------------===//

LogicalResult RotaryEmbeddingOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto cos = cast<RankedTensorType>(adaptor.getCos().getType());
  // rotary_embedding_c1
  if (input.getRank() != 3 || input.isDynamicDim(2))
    return opError<RotaryEmbeddingOp>(loc, "expects an input of rank 3 with a static last extent, but got ", input);
  // rotary_embedding_c2
  if (cos.getRank() != 2 || cos.isDynamicDim(1) || cos.getElementType() != input.getElementType() ||
      !areCompatibleExtents(cos.getDimSize(0), input.getDimSize(0)))
    return opError<RotaryEmbeddingOp>(loc, "expects cosines [n, pairs] of the input's rows and elements, but got ",
                                      cos);
  // rotary_embedding_c3
  if (!areCompatibleTypes(TypeRange(cos), TypeRange(adaptor.getSin().getType())))
    return opError<RotaryEmbeddingOp>(loc, "expects sines of type ", cos, ", but got ", adaptor.getSin().getType());
  // rotary_embedding_c4
  int64_t pairs = cos.getDimSize(1);
  if (pairs < 1 || pairs > input.getDimSize(2) / 2)
    return opError<RotaryEmbeddingOp>(loc, "expects 1 to ", input.getDimSize(2) / 2, " pairs, but got ", pairs);
  types.push_back(input);
  return success();
}

LogicalResult RotaryEmbeddingOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyInputShape(*this, builder, shapes);
}

//===----------------------------------------------------------------------===//
// ReduceOp, ArgReduceOp
//===----------------------------------------------------------------------===//

/// The shape left when `dimensions` (ascending) of `shape` are reduced; T is an extent or a size.
template <typename T>
static SmallVector<T> reduceShape(ArrayRef<T> shape, ArrayRef<int64_t> dimensions, bool keepDims, T one) {
  SmallVector<T> reduced;
  for (auto [dim, extent] : llvm::enumerate(shape)) {
    if (!llvm::is_contained(dimensions, static_cast<int64_t>(dim)))
      reduced.push_back(extent);
    else if (keepDims)
      reduced.push_back(one);
  }
  return reduced;
}

template <typename OpTy>
static LogicalResult reifyReducedShape(OpTy op, ArrayRef<int64_t> dimensions, OpBuilder &builder,
                                       ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0, rank = op.getInput().getType().getRank(); dim < rank; ++dim)
    sizes.push_back(extentOf(builder, op.getLoc(), op.getInput(), dim));
  sizes = reduceShape<OpFoldResult>(sizes, dimensions, op.getKeepDims(), builder.getIndexAttr(1));
  shapes.push_back(fitSizesToType(builder, op.getLoc(), sizes, op.getResult().getType()));
  return success();
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  ArrayRef<int64_t> dimensions = adaptor.getDimensions();
  for (int64_t i = 0, e = dimensions.size(); i < e; ++i) {
    // reduce_c1
    if (failed(checkDimension<ReduceOp>(loc, "dimensions", dimensions[i], input)))
      return failure();
    // reduce_c2
    if (i > 0 && dimensions[i] <= dimensions[i - 1])
      return opError<ReduceOp>(loc, "expects ascending dimensions, but got [", dimensions, "]");
  }
  // reduce_c3
  bool isLogical = adaptor.getKind() == ReduceKind::And || adaptor.getKind() == ReduceKind::Or;
  Type element = input.getElementType();
  if (!element.isIntOrFloat() || element.isInteger(1) != isLogical)
    return opError<ReduceOp>(loc, "expects ", isLogical ? "i1" : "float or integer", " elements for ",
                             stringifyReduceKind(adaptor.getKind()), ", but got ", element);
  types.push_back(input.clone(reduceShape<int64_t>(input.getShape(), dimensions, adaptor.getKeepDims(), 1)));
  return success();
}

LogicalResult ReduceOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyReducedShape(*this, getDimensions(), builder, shapes);
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  if (getDimensions().empty() && getInput().getType() == getResult().getType())
    return getInput();
  return {};
}

LogicalResult ArgReduceOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  // arg_reduce_c1
  int64_t dim = adaptor.getDimension();
  if (failed(checkDimension<ArgReduceOp>(loc, "dimension", dim, input)))
    return failure();
  // arg_reduce_c2
  if (!input.getElementType().isIntOrFloat())
    return opError<ArgReduceOp>(loc, "expects float or integer elements, but got ", input.getElementType());
  SmallVector<int64_t> shape = reduceShape<int64_t>(input.getShape(), dim, adaptor.getKeepDims(), 1);
  types.push_back(RankedTensorType::get(shape, IntegerType::get(context, 64)));
  return success();
}

LogicalResult ArgReduceOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyReducedShape(*this, static_cast<int64_t>(getDimension()), builder, shapes);
}

//===----------------------------------------------------------------------===//
// GatherOp
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto indices = cast<RankedTensorType>(adaptor.getIndices().getType());
  // gather_c1
  int64_t dim = adaptor.getDimension();
  if (failed(checkDimension<GatherOp>(loc, "dimension", dim, input)))
    return failure();
  // gather_c2
  if (indices.getElementTypeBitWidth() > 64 || indices.getElementTypeBitWidth() < 8)
    return opError<GatherOp>(loc, "expects indices of 8 to 64 bits, but got ", indices.getElementType());
  SmallVector<int64_t> shape(input.getShape().take_front(dim));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, input.getShape().drop_front(dim + 1));
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult GatherOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  auto append = [&](Value tensor, int64_t begin, int64_t end) {
    for (int64_t dim = begin; dim < end; ++dim)
      sizes.push_back(extentOf(builder, getLoc(), tensor, dim));
  };
  int64_t gathered = getDimension();
  append(getInput(), 0, gathered);
  append(getIndices(), 0, getIndices().getType().getRank());
  append(getInput(), gathered + 1, getInput().getType().getRank());
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, getResult().getType()));
  return success();
}
