//===- ThreshShapeOps.cpp - broadcast, reshape, transpose -------------------===//
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace thresh;

//===----------------------------------------------------------------------===//
// Ops that carry their dynamic sizes
//===----------------------------------------------------------------------===//

/// Splits `sizes` into a static shape and the values of its dynamic extents. Constants become static; a negative one
/// stays dynamic, for it is an error of the run.
static SmallVector<int64_t> splitSizes(ArrayRef<OpFoldResult> sizes, SmallVectorImpl<Value> &dynamicSizes) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes) {
    int64_t constant = getConstantIntValue(size).value_or(-1);
    shape.push_back(constant < 0 ? ShapedType::kDynamic : constant);
    if (constant < 0)
      dynamicSizes.push_back(cast<Value>(size));
  }
  return shape;
}

template <typename OpTy>
static void buildFromSizes(OpBuilder &builder, OperationState &state, Value input, ArrayRef<OpFoldResult> sizes) {
  SmallVector<Value> dynamicSizes;
  SmallVector<int64_t> shape = splitSizes(sizes, dynamicSizes);
  auto inputType = cast<RankedTensorType>(input.getType());
  OpTy::build(builder, state, RankedTensorType::get(shape, inputType.getElementType()), input, dynamicSizes);
}

template <typename OpTy> static LogicalResult verifyElementTypeAndSizeCount(OpTy op) {
  Type inputElement = op.getInput().getType().getElementType();
  Type resultElement = op.getResult().getType().getElementType();
  // broadcast_c1, reshape_c1
  if (inputElement != resultElement)
    return op.emitOpError("expects a result of element type ") << inputElement << ", but got " << resultElement;
  // broadcast_c2, reshape_c2
  size_t numDynamic = op.getResult().getType().getNumDynamicDims();
  if (op.getDynamicSizes().size() != numDynamic)
    return op.emitOpError("expects ") << numDynamic << " dynamic sizes, but got " << op.getDynamicSizes().size();
  return success();
}

template <typename OpTy> static LogicalResult reifyFromSizes(OpTy op, ReifiedRankedShapedTypeDims &shapes) {
  Builder builder(op.getContext());
  shapes.push_back(getMixedValues(op.getResult().getType().getShape(), op.getDynamicSizes(), builder));
  return success();
}

/// Whether every dynamic size is the extent of the input at the same position.
template <typename OpTy> static bool keepsInputShape(OpTy op) {
  if (op.getInput().getType() != op.getResult().getType())
    return false;
  unsigned next = 0;
  for (auto [dim, extent] : llvm::enumerate(op.getResult().getType().getShape()))
    if (ShapedType::isDynamic(extent) && !isExtentOf(op.getDynamicSizes()[next++], op.getInput(), dim))
      return false;
  return true;
}

namespace {
/// Moves constant dynamic sizes into the result type: `op %x to [%c4] : .. to tensor<?>` -> `tensor<4>` and a cast.
template <typename OpTy> struct FoldConstantSizes final : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    SmallVector<OpFoldResult> sizes =
        getMixedValues(op.getResult().getType().getShape(), op.getDynamicSizes(), rewriter);
    SmallVector<Value> dynamicSizes;
    RankedTensorType type = op.getResult().getType().clone(splitSizes(sizes, dynamicSizes));
    if (type == op.getResult().getType())
      return rewriter.notifyMatchFailure(op, "no constant size");
    if (!OpTy::canProduce(op.getInput().getType(), type))
      return rewriter.notifyMatchFailure(op, "the constant size contradicts the input");
    auto refined = OpTy::create(rewriter, op.getLoc(), type, op.getInput(), dynamicSizes);
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getResult().getType(), refined);
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// BroadcastOp
//===----------------------------------------------------------------------===//

void BroadcastOp::build(OpBuilder &builder, OperationState &state, Value input, ArrayRef<OpFoldResult> sizes) {
  buildFromSizes<BroadcastOp>(builder, state, input, sizes);
}

bool BroadcastOp::canProduce(RankedTensorType input, RankedTensorType result) {
  if (input.getRank() > result.getRank())
    return false;
  ArrayRef<int64_t> aligned = result.getShape().take_back(input.getRank());
  return llvm::all_of(llvm::zip_equal(input.getShape(), aligned), [](auto extents) {
    auto [from, to] = extents;
    return from == 1 || areCompatibleExtents(from, to);
  });
}

LogicalResult BroadcastOp::verify() {
  if (failed(verifyElementTypeAndSizeCount(*this)))
    return failure();
  RankedTensorType input = getInput().getType(), result = getResult().getType();
  // broadcast_c3, broadcast_c4
  if (!canProduce(input, result))
    return emitOpError("expects a result that ")
           << formatShape(input.getShape()) << " broadcasts to, but got " << formatShape(result.getShape());
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  if (keepsInputShape(*this))
    return getInput();
  auto inner = getInput().getDefiningOp<BroadcastOp>();
  if (inner && canProduce(inner.getInput().getType(), getResult().getType())) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &results, MLIRContext *context) {
  results.add<FoldConstantSizes<BroadcastOp>>(context);
}

LogicalResult BroadcastOp::reifyResultShapes(OpBuilder &, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromSizes(*this, shapes);
}

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value input, ArrayRef<OpFoldResult> sizes) {
  buildFromSizes<ReshapeOp>(builder, state, input, sizes);
}

bool ReshapeOp::canProduce(RankedTensorType input, RankedTensorType result) {
  std::optional<int64_t> from = staticElementCount(input.getShape());
  std::optional<int64_t> to = staticElementCount(result.getShape());
  if (!from || !to)
    return false;
  auto divides = [](int64_t part, int64_t whole) { return part == 0 ? whole == 0 : whole % part == 0; };
  if (input.hasStaticShape() && result.hasStaticShape())
    return *from == *to;
  if (input.hasStaticShape())
    return divides(*to, *from);
  if (result.hasStaticShape())
    return divides(*from, *to);
  return true;
}

LogicalResult ReshapeOp::verify() {
  if (failed(verifyElementTypeAndSizeCount(*this)))
    return failure();
  RankedTensorType input = getInput().getType(), result = getResult().getType();
  // reshape_c3
  if (!canProduce(input, result))
    return emitOpError("expects a result with as many elements as ")
           << formatShape(input.getShape()) << ", but got " << formatShape(result.getShape());
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (keepsInputShape(*this))
    return getInput();
  // At most one unknown extent: the element count fixes it.
  RankedTensorType type = getResult().getType();
  if (getInput().getType() == type && type.getNumDynamicDims() <= 1 && !llvm::is_contained(type.getShape(), 0))
    return getInput();
  return {};
}

namespace {
/// reshape(reshape(x)) -> reshape(x).
struct FoldReshapeOfReshape final : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<ReshapeOp>();
    if (!inner || !ReshapeOp::canProduce(inner.getInput().getType(), op.getResult().getType()))
      return rewriter.notifyMatchFailure(op, "the input is not a reshape of a fitting tensor");
    rewriter.modifyOpInPlace(op, [&] { op.getInputMutable().assign(inner.getInput()); });
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &results, MLIRContext *context) {
  results.add<FoldConstantSizes<ReshapeOp>, FoldReshapeOfReshape>(context);
}

LogicalResult ReshapeOp::reifyResultShapes(OpBuilder &, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromSizes(*this, shapes);
}

//===----------------------------------------------------------------------===//
// TransposeOp
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  // transpose_c1
  if (static_cast<int64_t>(permutation.size()) != input.getRank() || !isPermutationVector(permutation))
    return opError<TransposeOp>(loc, "expects a permutation of ", input.getRank(), " dimensions, but got [",
                                permutation, "]");
  types.push_back(input.clone(applyPermutation(input.getShape(), permutation)));
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (isIdentityPermutation(getPermutation()) && getInput().getType() == getResult().getType())
    return getInput();
  return {};
}

namespace {
/// transpose(transpose(x)) -> transpose(x).
struct FoldTransposeOfTranspose final : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "the input is not a transpose");
    SmallVector<int64_t> permutation = applyPermutation(inner.getPermutation(), op.getPermutation());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getResult().getType(), inner.getInput(), permutation);
    return success();
  }
};

/// A transpose that moves only dimensions of static extent 1 leaves the elements in order: it is a reshape.
struct RaiseToReshape final : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    RankedTensorType input = op.getInput().getType();
    SmallVector<int64_t> kept = llvm::to_vector(
        llvm::make_filter_range(op.getPermutation(), [&](int64_t dim) { return input.getDimSize(dim) != 1; }));
    if (!llvm::is_sorted(kept))
      return rewriter.notifyMatchFailure(op, "moves a dimension whose extent is not 1");
    ReifiedRankedShapedTypeDims shapes;
    if (failed(op.reifyResultShapes(rewriter, shapes)))
      return failure();
    SmallVector<Value> dynamicSizes;
    for (OpFoldResult size : shapes.front())
      if (auto value = dyn_cast<Value>(size))
        dynamicSizes.push_back(value);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getResult().getType(), op.getInput(), dynamicSizes);
    return success();
  }
};
} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &results, MLIRContext *context) {
  results.add<FoldTransposeOfTranspose, RaiseToReshape>(context);
}

LogicalResult TransposeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim : getPermutation())
    sizes.push_back(extentOf(builder, getLoc(), getInput(), dim));
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, getResult().getType()));
  return success();
}
