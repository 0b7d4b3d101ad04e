//===- ThreshSparseKernelOps.cpp - Sparse ops that are kernels ---------------===//
#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "dialects/Thresh/IR/ThreshVerification.h"

#include <cmath>

using namespace mlir;
using namespace thresh;

static ArrayRef<int64_t> shapeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); }

/// Checks that indices, values and a count are those of one row of `neurons`.
template <typename OpTy> static LogicalResult checkRow(OpTy op, int64_t neurons) {
  int64_t row[] = {1, neurons}, one[] = {1};
  if (ShapedType::isDynamic(neurons) || shapeOf(op.getIndices()) != ArrayRef(row) ||
      shapeOf(op.getValues()) != ArrayRef(row) || shapeOf(op.getCount()) != ArrayRef(one))
    return op.emitOpError("expects indices and values ")
           << formatShape(row) << " and one count, but got " << op.getIndices().getType() << ", "
           << op.getValues().getType() << " and " << op.getCount().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// ChooseRowsOp
//===----------------------------------------------------------------------===//

LogicalResult ChooseRowsOp::verify() {
  RankedTensorType scores = getScores().getType();
  // choose_rows_c1
  if (!scores.hasStaticShape() || scores.getDimSize(0) != 1)
    return emitOpError("expects one row of scores of static length, but got ") << scores;
  // choose_rows_c2
  if (failed(checkRow(*this, scores.getDimSize(1))))
    return failure();
  // choose_rows_c3
  double quantile = getQuantile().convertToDouble(), factor = getVarianceFactor().convertToDouble();
  if (!std::isfinite(quantile) || !std::isfinite(factor) || factor < 1)
    return emitOpError("expects a finite quantile and a finite variance factor of 1 at least, but got ")
           << quantile << " and " << factor;
  return success();
}

LogicalResult ChooseRowsOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  for (Value result : getResults())
    shapes.push_back(getAsIndexOpFoldResult(builder.getContext(), shapeOf(result)));
  return success();
}

KernelFamily ChooseRowsOp::getKernelFamily() { return KernelFamily::ChooseRows; }

DictionaryAttr ChooseRowsOp::getKernelParameters() {
  Builder builder(getContext());
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("activation", builder.getStringAttr(stringifyActivation(getActivation()))),
       builder.getNamedAttr("mask", builder.getI64IntegerAttr(getMask())),
       builder.getNamedAttr("quantile", getQuantileAttr()),
       builder.getNamedAttr("variance_factor", getVarianceFactorAttr())});
}

//===----------------------------------------------------------------------===//
// ActiveRowsOp
//===----------------------------------------------------------------------===//

/// Checks the parts of the projection `what`: [neurons, width] in the format of the op. `width` gets its width.
static LogicalResult checkProjection(ActiveRowsOp op, StringRef what, ValueRange parts, int64_t &width) {
  int64_t neurons = op.getNumNeurons();
  std::optional<QuantFormat> format = op.getFormat();
  auto fail = [&]() { return op.emitOpError("expects ") << what << " rows "; };
  // active_rows_c3
  if (!format) {
    bool isMatrix = parts.size() == 1 && isa<FloatType>(getElementTypeOrSelf(parts[0])) &&
                    !ShapedType::isDynamic(shapeOf(parts[0])[1]) && shapeOf(parts[0])[0] == neurons;
    if (!isMatrix || getElementTypeOrSelf(parts[0]) != getElementTypeOrSelf(op.getDown().front()))
      return fail() << "[" << neurons << ", static width] of floats, one type for up and down, but got "
                    << parts.getTypes();
    width = shapeOf(parts[0])[1];
    return success();
  }
  // active_rows_c4
  Builder builder(op.getContext());
  int64_t perByte = *format == QuantFormat::Q4 ? 2 : 1;
  bool areParts = parts.size() == 2 && !ShapedType::isDynamic(shapeOf(parts[0])[1]);
  width = areParts ? shapeOf(parts[0])[1] * perByte : 0;
  auto codes = RankedTensorType::get({neurons, width / perByte}, builder.getI8Type());
  auto scales = RankedTensorType::get({neurons, width / PackAttr::kGroup}, builder.getF16Type());
  if (!areParts || width % PackAttr::kGroup != 0 || parts[0].getType() != codes || parts[1].getType() != scales)
    return fail() << "of " << stringifyQuantFormat(*format) << " codes and scales of " << neurons
                  << " neurons and whole groups of " << PackAttr::kGroup << ", but got " << parts.getTypes();
  return success();
}

LogicalResult ActiveRowsOp::verify() {
  // active_rows_c1
  if (static_cast<bool>(getInput()) == getUp().empty())
    return emitOpError("expects an input and up rows together, or neither");
  // active_rows_c2
  if (failed(checkRow(*this, getNumNeurons())))
    return failure();
  int64_t inputWidth = 0, width = 0;
  if (failed(checkProjection(*this, "down", getDown(), width)) ||
      (getInput() && failed(checkProjection(*this, "up", getUp(), inputWidth))))
    return failure();
  // active_rows_c5
  int64_t inputShape[] = {1, inputWidth}, shape[] = {1, width};
  if (getInput() && shapeOf(getInput()) != ArrayRef(inputShape))
    return emitOpError("expects an input ") << formatShape(inputShape) << ", but got " << getInput().getType();
  if (shapeOf(getResult()) != ArrayRef(shape))
    return emitOpError("expects a result ") << formatShape(shape) << ", but got " << getType();
  // active_rows_c6
  int64_t expected = getExpected();
  if (expected < 0 || expected > getNumNeurons())
    return emitOpError("expects 0 to ") << getNumNeurons() << " neurons, but got " << expected << " expected ones";
  return success();
}

LogicalResult ActiveRowsOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(builder.getContext(), shapeOf(getResult())));
  return success();
}

KernelFamily ActiveRowsOp::getKernelFamily() { return KernelFamily::ActiveRows; }

DictionaryAttr ActiveRowsOp::getKernelParameters() {
  Builder builder(getContext());
  std::string format;
  if (getFormat())
    format = stringifyQuantFormat(*getFormat()).str();
  else
    llvm::raw_string_ostream(format) << getElementTypeOrSelf(getDown().front());
  return builder.getDictionaryAttr({builder.getNamedAttr("format", builder.getStringAttr(format)),
                                    builder.getNamedAttr("gated", builder.getI64IntegerAttr(!getUp().empty()))});
}

double ActiveRowsOp::getExpectedShare(unsigned operand) {
  // The weights come last.
  bool isWeight = operand >= getNumOperands() - getUp().size() - getDown().size();
  return isWeight ? static_cast<double>(getExpected()) / static_cast<double>(getNumNeurons()) : 1;
}

#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshSparseKernelOps.cpp.inc"
