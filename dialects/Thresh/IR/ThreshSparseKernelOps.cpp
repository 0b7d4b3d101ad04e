//===- ThreshSparseKernelOps.cpp - Sparse ops that are kernels ---------------===//
#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace thresh;

static ArrayRef<int64_t> shapeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); }

/// Checks that indices, values and counts are those of `rows` rows of `neurons`.
template <typename OpTy> static LogicalResult checkLists(OpTy op, int64_t rows, int64_t neurons) {
  int64_t list[] = {rows, neurons}, counts[] = {rows};
  if (ShapedType::isDynamic(neurons) || shapeOf(op.getIndices()) != ArrayRef(list) ||
      shapeOf(op.getValues()) != ArrayRef(list) || shapeOf(op.getCount()) != ArrayRef(counts))
    return op.emitOpError("expects indices and values ")
           << formatShape(list) << " and a count per row, but got " << op.getIndices().getType() << ", "
           << op.getValues().getType() << " and " << op.getCount().getType();
  return success();
}

/// Reifies results whose first extent is that of `rows`, and the only one that may be dynamic.
static LogicalResult reifyRows(OpBuilder &builder, Operation *op, Value rows, ReifiedRankedShapedTypeDims &shapes) {
  for (Value result : op->getResults()) {
    shapes.push_back(getAsIndexOpFoldResult(builder.getContext(), shapeOf(result)));
    shapes.back().front() = extentOf(builder, op->getLoc(), rows, 0);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// ChooseRowsOp
//===----------------------------------------------------------------------===//

LogicalResult ChooseRowsOp::verify() {
  RankedTensorType scores = getScores().getType();
  // choose_rows_c1
  if (scores.isDynamicDim(1))
    return emitOpError("expects scores of static length, but got ") << scores;
  // choose_rows_c2
  if (failed(checkLists(*this, scores.getDimSize(0), scores.getDimSize(1))))
    return failure();
  // choose_rows_c3
  double quantile = getQuantile().convertToDouble(), factor = getVarianceFactor().convertToDouble();
  if (!std::isfinite(quantile) || !std::isfinite(factor) || factor < 1)
    return emitOpError("expects a finite quantile and a finite variance factor of 1 at least, but got ")
           << quantile << " and " << factor;
  return success();
}

LogicalResult ChooseRowsOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyRows(builder, *this, getScores(), shapes);
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
  int64_t rows = getIndices().getType().getDimSize(0);
  if (failed(checkLists(*this, rows, getNumNeurons())))
    return failure();
  int64_t inputWidth = 0, width = 0;
  if (failed(checkProjection(*this, "down", getDown(), width)) ||
      (getInput() && failed(checkProjection(*this, "up", getUp(), inputWidth))))
    return failure();
  // active_rows_c5
  int64_t inputShape[] = {rows, inputWidth}, shape[] = {rows, width};
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
  return reifyRows(builder, *this, getIndices(), shapes);
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
  int64_t rows = getIndices().getType().getDimSize(0);
  if (operand < getNumOperands() - getUp().size() - getDown().size() || ShapedType::isDynamic(rows))
    return 1;
  // Every row chooses for itself.
  double share = static_cast<double>(getExpected()) / static_cast<double>(getNumNeurons());
  return 1 - std::pow(1 - share, static_cast<double>(rows));
}

//===----------------------------------------------------------------------===//
// AttendChosenOp
//===----------------------------------------------------------------------===//

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// Whether `parts` are rows [rows, heads, width] of floats, or of integers with scales [rows, heads].
static bool areRows(ValueRange parts) {
  if (parts.empty() || typeOf(parts[0]).getRank() != 3)
    return false;
  if (!typeOf(parts[0]).getElementType().isInteger())
    return parts.size() == 1;
  return parts.size() == 2 && succeeded(verifyCompatibleShape(shapeOf(parts[1]), shapeOf(parts[0]).drop_back()));
}

/// Checks the shapes and elements of queries and of what a session stores.
static LogicalResult checkOperands(AttendChosenOp op) {
  // attend_chosen_c10
  OperandRange rest = op.getKeyRest();
  if (!areRows(op.getKey()) || !areRows(op.getValue()) || (!rest.empty() && !areRows(rest)))
    return op.emitOpError("expects keys and values of floats, or of integers with their scales, but got (")
           << op.getKey().getTypes() << "), (" << rest.getTypes() << ") and (" << op.getValue().getTypes() << ")";
  RankedTensorType query = op.getQuery().getType(), key = typeOf(op.getKey()[0]), value = typeOf(op.getValue()[0]);
  // attend_chosen_c1
  SmallVector<RankedTensorType> types = {query, key, value};
  if (op.getQueryRest())
    types.push_back(op.getQueryRest().getType());
  if (!rest.empty())
    types.push_back(typeOf(rest[0]));
  bool areStatic = query.getDimSize(0) == 1;
  for (RankedTensorType type : types)
    areStatic &= type.getDimSize(1) > 0 && type.getDimSize(2) > 0;
  if (!areStatic)
    return op.emitOpError("expects one query, and static heads and widths of 1 at least, but got ") << types;
  // attend_chosen_c2
  auto differ = [](RankedTensorType a, RankedTensorType b) {
    return !areCompatibleExtents(a.getDimSize(0), b.getDimSize(0)) || a.getDimSize(1) != b.getDimSize(1) ||
           a.getElementType() != b.getElementType();
  };
  if (differ(key, value) || key.getDimSize(2) != query.getDimSize(2))
    return op.emitOpError(
               "expects keys and values of equal rows, heads and elements, and keys as wide as queries, but got ")
           << query << ", " << key << " and " << value;
  // attend_chosen_c6
  if (!op.getQueryRest() != rest.empty() || (op.getSoftplusScale() && !op.getQueryRest()))
    return op.emitOpError("expects a rest of the query and of the keys, or of neither and no softplus");
  if (op.getQueryRest() &&
      (differ(types[3], query) || differ(types[4], key) || types[3].getDimSize(2) != types[4].getDimSize(2)))
    return op.emitOpError("expects rests of one width, with the rows, heads and elements of query and keys, but got ")
           << types[3] << " and " << types[4];
  return success();
}

static LogicalResult checkResults(AttendChosenOp op) {
  int64_t heads = op.getQuery().getType().getDimSize(1), keyHeads = shapeOf(op.getKey()[0])[1];
  // attend_chosen_c3
  if (heads % keyHeads != 0)
    return op.emitOpError("expects a multiple of ") << keyHeads << " query heads, but got " << heads;
  // attend_chosen_c4
  int64_t shape[] = {1, heads, shapeOf(op.getValue()[0])[2]};
  if (shapeOf(op.getResult()) != ArrayRef(shape) || shapeOf(op.getCounts()) != ArrayRef(shape).drop_back())
    return op.emitOpError("expects a result ")
           << formatShape(shape) << " and a count per head, but got " << op.getResultTypes();
  // attend_chosen_c5
  if (shapeOf(op.getStatistics()) != ArrayRef<int64_t>{2})
    return op.emitOpError("expects 2 statistics, but got ") << op.getStatistics().getType();
  return success();
}

LogicalResult AttendChosenOp::verify() {
  if (failed(checkOperands(*this)) || failed(checkResults(*this)))
    return failure();
  int64_t k = getK(), window = getWindow();
  // attend_chosen_c7
  if (k < 1 || k > INT32_MAX)
    return emitOpError("expects k of 1 to ") << INT32_MAX << ", but got " << k;
  // attend_chosen_c8
  if (!getScale().isFinite() || (getSoftplusScale() && !getSoftplusScale()->isFinite()))
    return emitOpError("expects finite scales");
  if (getSoftCap() && !(getSoftCap()->convertToDouble() > 0 && getSoftCap()->isFinite()))
    return emitOpError("expects a positive cap, but got ") << getSoftCap()->convertToDouble();
  // attend_chosen_c9
  if (window < 0 || window > INT32_MAX)
    return emitOpError("expects a window of 0 to ") << INT32_MAX << ", but got " << window;
  return success();
}

LogicalResult AttendChosenOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  for (Value result : getResults())
    shapes.push_back(getAsIndexOpFoldResult(builder.getContext(), shapeOf(result)));
  return success();
}

KernelFamily AttendChosenOp::getKernelFamily() { return KernelFamily::TopkAttention; }

DictionaryAttr AttendChosenOp::getKernelParameters() {
  Builder builder(getContext());
  double cap = getSoftCap() ? getSoftCap()->convertToDouble() : 0;
  SmallVector<NamedAttribute> parameters = {
      builder.getNamedAttr("k", getKAttr()),
      builder.getNamedAttr("rest", builder.getI64IntegerAttr(!getKeyRest().empty())),
      builder.getNamedAttr("scale", getScaleAttr()),
      builder.getNamedAttr("scaled", builder.getI64IntegerAttr(getKey().size() > 1)),
      builder.getNamedAttr("soft_cap", builder.getF64FloatAttr(cap)),
      builder.getNamedAttr("window", builder.getI64IntegerAttr(getWindow()))};
  if (getSoftplusScale())
    parameters.push_back(builder.getNamedAttr("softplus_scale", getSoftplusScaleAttr()));
  return builder.getDictionaryAttr(parameters);
}

bool AttendChosenOp::isUnsigned(unsigned) { return false; }

RowReads AttendChosenOp::getRowReads(unsigned operand) {
  auto holds = [&](OperandRange parts) { return operand - parts.getBeginOperandIndex() < parts.size(); };
  RowReads reads;
  if (!holds(getKey()) && !holds(getKeyRest()) && !holds(getValue()))
    return reads;
  if (int64_t window = getWindow())
    reads.seenRows = window;
  if (holds(getKey()))
    return reads;
  reads.scannedShare = 0;
  // Each query head of a group chooses for itself: at worst they share nothing.
  reads.chosenRows = static_cast<int64_t>(getK()) * (getQuery().getType().getDimSize(1) / shapeOf(getKey()[0])[1]);
  return reads;
}

/// The kernel widens keys and values as it reads them.
static LogicalResult readNarrowRows(AttendChosenOp op, PatternRewriter &rewriter) {
  SmallVector<OpOperand *> rows;
  for (MutableOperandRange range : {op.getKeyMutable(), op.getKeyRestMutable(), op.getValueMutable()})
    for (OpOperand &operand : range)
      rows.push_back(&operand);
  Type narrow;
  for (OpOperand *operand : rows) {
    auto widened = operand->get().getDefiningOp<arith::ExtFOp>();
    Type element = widened ? getElementTypeOrSelf(widened.getIn()) : Type();
    if (!widened || !(element.isF16() || element.isBF16()) || (narrow && element != narrow))
      return failure();
    narrow = element;
  }
  rewriter.modifyOpInPlace(op, [&] {
    for (OpOperand *operand : rows)
      operand->set(operand->get().getDefiningOp<arith::ExtFOp>().getIn());
  });
  return success();
}

void AttendChosenOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(readNarrowRows);
}

#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshSparseKernelOps.cpp.inc"
