//===- ThreshSparseFfn.cpp - Feed-forward blocks with chosen neurons ---------===//
#include "dialects/Thresh/IR/ThreshActivations.h"
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace thresh;

using Sizes = SmallVector<OpFoldResult>;

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static LogicalResult checkPredictor(SparseFfnOp op) {
  FfnPredictor predictor = op.getPredictor();
  int64_t width = op.getInput().getType().getDimSize(1), first = op.getFirstDims();
  bool isFirstDims = predictor == FfnPredictor::FirstDims;
  // sparse_ffn_c2
  if (isFirstDims ? first < 1 || first >= width : first != 0)
    return op.emitOpError("expects ") << (isFirstDims ? "1 to " + std::to_string(width - 1) : std::string("no"))
                                      << " first dimensions, but got " << first;
  // sparse_ffn_c3
  if (isFirstDims && !op.getGate())
    return op.emitOpError("expects a gate, as its first dimensions are the predictor");
  // sparse_ffn_c4
  bool selects = predictor != FfnPredictor::None;
  if (op.getK().has_value() != selects)
    return op.emitOpError(selects ? "expects a k, as there is a predictor" : "expects no k, as there is no predictor");
  if (op.getK() && static_cast<int64_t>(*op.getK()) < 0)
    return op.emitOpError("expects k >= 0, but got ") << static_cast<int64_t>(*op.getK());
  // sparse_ffn_c5
  int64_t granularity = op.getGranularity();
  if (granularity < 1 || op.getNumNeurons() % granularity != 0)
    return op.emitOpError("expects a granularity that divides ")
           << op.getNumNeurons() << " neurons, but got " << granularity;
  // sparse_ffn_c6
  bool scoresAreValues = isFirstDims || predictor == FfnPredictor::Gate;
  if (selects && !op.getMask() && (!scoresAreValues || granularity != 1))
    return op.emitOpError("expects 'mask', as the scores are not what the activation is applied to");
  return success();
}

/// Shapes of the weights that only the predictor reads.
static LogicalResult checkPredictorWeights(SparseFfnOp op) {
  // sparse_ffn_c7
  int64_t width = op.getInput().getType().getDimSize(1), blocks = op.getNumBlocks();
  SmallVector<SmallVector<int64_t, 2>> expected;
  if (op.getPredictor() == FfnPredictor::Router)
    expected = {{blocks, width}};
  if (op.getPredictor() == FfnPredictor::LowRank)
    expected = {{ShapedType::kDynamic, width}, {blocks, ShapedType::kDynamic}};
  auto weights = op.getPredictorWeights();
  if (weights.size() != expected.size())
    return op.emitOpError("expects ") << expected.size() << " predictor weights, but got " << weights.size();
  for (auto [weight, shape] : llvm::zip_equal(weights, expected)) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (!type.hasStaticShape() || failed(verifyCompatibleShape(type.getShape(), shape)))
      return op.emitOpError("expects predictor weights ") << formatShape(shape) << ", but got " << type;
  }
  if (weights.size() == 2) {
    auto first = cast<RankedTensorType>(weights[0].getType()), second = cast<RankedTensorType>(weights[1].getType());
    if (first.getDimSize(0) != second.getDimSize(1))
      return op.emitOpError("expects predictor weights of one rank, but got ") << first << " and " << second;
  }
  return success();
}

LogicalResult SparseFfnOp::verify() {
  RankedTensorType input = getInput().getType(), up = getUp().getType(), down = getDown().getType();
  // sparse_ffn_c1
  if (input.isDynamicDim(1) || !up.hasStaticShape() || !down.hasStaticShape())
    return emitOpError("expects weights and an input of static width, but got ")
           << input << ", " << up << " and " << down;
  if (failed(checkPredictor(*this)))
    return failure();
  int64_t width = input.getDimSize(1), neurons = getNumNeurons(), first = getFirstDims();
  // sparse_ffn_c8
  int64_t upShape[] = {neurons, width - first}, gateShape[] = {neurons, first ? first : width};
  if (up.getShape() != ArrayRef<int64_t>(upShape))
    return emitOpError("expects an up projection ") << formatShape(upShape) << ", but got " << up;
  if (getGate() && getGate().getType().getShape() != ArrayRef<int64_t>(gateShape))
    return emitOpError("expects a gate ") << formatShape(gateShape) << ", but got " << getGate().getType();
  if (down.getDimSize(1) != neurons)
    return emitOpError("expects a down projection of ") << neurons << " columns, but got " << down;
  if (failed(checkPredictorWeights(*this)))
    return failure();
  // sparse_ffn_c9
  int64_t shape[] = {input.getDimSize(0), down.getDimSize(0)};
  if (failed(verifyCompatibleShape(getResult().getType().getShape(), shape)) ||
      (getSurvivors() && !areCompatibleExtents(getSurvivors().getType().getDimSize(0), shape[0])))
    return emitOpError("expects a result ")
           << formatShape(shape) << " and a count per row, but got " << getResultTypes();
  return success();
}

LogicalResult SparseFfnOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult rows = extentOf(builder, getLoc(), getInput(), 0);
  shapes.push_back(
      fitSizesToType(builder, getLoc(), {rows, extentOf(builder, getLoc(), getDown(), 0)}, getResult().getType()));
  if (getSurvivors())
    shapes.push_back(fitSizesToType(builder, getLoc(), {rows}, getSurvivors().getType()));
  return success();
}

TouchedBytes SparseFfnOp::getTouchedBytes(int64_t) {
  auto bytesOf = [](Value matrix) {
    auto type = cast<RankedTensorType>(matrix.getType());
    return static_cast<double>(type.getNumElements()) * type.getElementTypeBitWidth() / 8;
  };
  FfnPredictor predictor = getPredictor();
  bool readsGate = getGate() && (predictor == FfnPredictor::FirstDims || predictor == FfnPredictor::Gate);
  bool readsUp = !getGate() && predictor == FfnPredictor::Gate;
  double always = (readsGate ? bytesOf(getGate()) : 0) + (readsUp ? bytesOf(getUp()) : 0);
  for (Value weight : getPredictorWeights())
    always += bytesOf(weight);
  double chosen =
      bytesOf(getDown()) + (readsUp ? 0 : bytesOf(getUp())) + (getGate() && !readsGate ? bytesOf(getGate()) : 0);
  double dense = bytesOf(getUp()) + bytesOf(getDown()) + (getGate() ? bytesOf(getGate()) : 0);
  return {dense,
          isDense() ? dense : always + chosen * static_cast<double>(*getK()) / static_cast<double>(getNumBlocks())};
}

//===----------------------------------------------------------------------===//
// Meaning
//===----------------------------------------------------------------------===//

namespace {

/// Writes the op as dense graph ops.
class MeaningBuilder {
public:
  MeaningBuilder(SparseFfnOp op, OpBuilder &builder)
      : op(op), builder(builder), loc(op.getLoc()), rows(extentOf(builder, loc, op.getInput(), 0)),
        inner({rows, builder.getIndexAttr(op.getNumNeurons())}) {}

  SmallVector<Value> build();

private:
  Value product(Value x, Value weight) { return MatmulOp::create(builder, loc, x, weight, /*transpose_rhs=*/true); }
  Value scores(Value gateOrUp);
  Value spread(Value flags);

  SparseFfnOp op;
  OpBuilder &builder;
  Location loc;
  OpFoldResult rows;
  Sizes inner; ///< of the values of all neurons
};

} // namespace

/// The scores [rows, blocks].
Value MeaningBuilder::scores(Value gateOrUp) {
  auto weights = op.getPredictorWeights();
  if (op.getPredictor() == FfnPredictor::Router)
    return product(op.getInput(), weights[0]);
  if (op.getPredictor() == FfnPredictor::LowRank) {
    Sizes sizes = {rows, extentOf(builder, loc, weights[0], 0)};
    Value hidden = buildActivation(builder, loc, Activation::Relu, product(op.getInput(), weights[0]), sizes);
    return product(hidden, weights[1]);
  }
  if (op.getGranularity() == 1)
    return gateOrUp;
  Sizes sizes = {rows, builder.getIndexAttr(op.getNumBlocks()), builder.getIndexAttr(op.getGranularity())};
  Value blocks = ReshapeOp::create(builder, loc, gateOrUp, sizes);
  return ReduceOp::create(builder, loc, ReduceKind::Max, blocks, builder.getDenseI64ArrayAttr({2}),
                          /*keep_dims=*/false);
}

/// A value per block [rows, blocks] as one per neuron.
Value MeaningBuilder::spread(Value flags) {
  if (op.getGranularity() == 1)
    return flags;
  OpFoldResult one = builder.getIndexAttr(1);
  Sizes sizes = {rows, builder.getIndexAttr(op.getNumBlocks()), one};
  flags = ReshapeOp::create(builder, loc, flags, sizes);
  sizes.back() = builder.getIndexAttr(op.getGranularity());
  return ReshapeOp::create(builder, loc, BroadcastOp::create(builder, loc, flags, sizes), inner);
}

SmallVector<Value> MeaningBuilder::build() {
  auto [head, rest] = op.buildParts(builder);
  Value up = product(rest, op.getUp());
  Value activated = op.getGate() ? product(head, op.getGate()) : up;
  Value active;
  if (!op.isDense()) {
    Value survivors =
        StatisticalTopkOp::create(builder, loc, scores(activated), *op.getK(), /*mask=*/false, op.getUnbiased());
    Value zero = buildSplat(builder, loc, 0.0, {rows, builder.getIndexAttr(op.getNumBlocks())});
    active = spread(arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UGT, survivors, zero));
    if (!op.getMask())
      activated = survivors;
  }
  Value values = buildActivation(builder, loc, op.getActivation(), activated, inner);
  if (op.getGate())
    values = arith::MulFOp::create(builder, loc, values, up);
  if (active)
    values = arith::SelectOp::create(builder, loc, active, values, buildSplat(builder, loc, 0.0, inner));
  SmallVector<Value> results = {product(values, op.getDown())};
  if (!op.getSurvivors())
    return results;
  auto countType = RankedTensorType::get(cast<RankedTensorType>(values.getType()).getShape(), builder.getI64Type());
  Value flags = active;
  if (!flags) {
    auto isTrue = DenseElementsAttr::get(RankedTensorType::get({}, builder.getI1Type()), true);
    flags = BroadcastOp::create(builder, loc, arith::ConstantOp::create(builder, loc, isTrue), inner);
  }
  Value ones = arith::ExtUIOp::create(builder, loc, countType, flags);
  results.push_back(
      ReduceOp::create(builder, loc, ReduceKind::Sum, ones, builder.getDenseI64ArrayAttr({1}), /*keep_dims=*/false));
  return results;
}

std::pair<Value, Value> SparseFfnOp::buildParts(OpBuilder &builder) {
  int64_t first = getFirstDims(), width = getInput().getType().getDimSize(1);
  if (first == 0)
    return {getInput(), getInput()};
  OpFoldResult rows = extentOf(builder, getLoc(), getInput(), 0);
  auto columns = [&](int64_t begin, int64_t end) -> Value {
    Sizes offsets = {builder.getIndexAttr(0), builder.getIndexAttr(begin)},
          sizes = {rows, builder.getIndexAttr(end - begin)};
    return tensor::ExtractSliceOp::create(builder, getLoc(), getInput(), offsets, sizes,
                                          Sizes(2, builder.getIndexAttr(1)));
  };
  Value head = columns(0, first);
  return {head, columns(first, width)};
}

SmallVector<Value> SparseFfnOp::buildMeaning(OpBuilder &builder) {
  SmallVector<Value> values = MeaningBuilder(*this, builder).build();
  for (auto [value, result] : llvm::zip_equal(values, getResults()))
    if (value.getType() != result.getType())
      value = tensor::CastOp::create(builder, getLoc(), result.getType(), value);
  return values;
}

//===----------------------------------------------------------------------===//
// Canonicalisation
//===----------------------------------------------------------------------===//

static LogicalResult dropUnusedSurvivors(SparseFfnOp op, PatternRewriter &rewriter) {
  if (!op.getSurvivors() || !op.getSurvivors().use_empty())
    return failure();
  auto lean = SparseFfnOp::create(rewriter, op.getLoc(), TypeRange(op.getResult().getType()), op->getOperands(),
                                  op->getAttrs());
  rewriter.replaceAllUsesWith(op.getResult(), lean.getResult());
  rewriter.eraseOp(op);
  return success();
}

static LogicalResult makeDense(SparseFfnOp op, PatternRewriter &rewriter) {
  if (!op.isDense())
    return failure();
  rewriter.replaceOp(op, op.buildMeaning(rewriter));
  return success();
}

void SparseFfnOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropUnusedSurvivors);
  patterns.add(makeDense);
}
