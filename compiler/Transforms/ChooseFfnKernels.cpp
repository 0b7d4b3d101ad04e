//===- ChooseFfnKernels.cpp - Feed-forward blocks as kernels -----------------===//
//
// The gate is an ordinary product, whose result says which neurons each row multiplies with: thresh.choose_rows and
// thresh.active_rows. One row reads nothing else. The neurons that some of many rows choose are nearly all of them:
// these save arithmetic, unless they choose so many that dense products are faster.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Transforms/ChooseSparseKernels.h"
#include "compiler/Transforms/NormalQuantile.h"
#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace thresh {

/// Of many rows that choose more than this share of the neurons each, dense products may be faster: measured as
/// sparse_ffn.py does, where the two first meet on any target, for 8 to 64 rows (codegen/README.md).
static constexpr double kMostShareOfManyRows = 0.1;

static LoadParameterOp parameterOf(Value weight) { return weight.getDefiningOp<LoadParameterOp>(); }

/// Whether the scores come from the up projection, so that only down rows are left to choose.
static bool scoresAreUp(SparseFfnOp op) { return !op.getGate(); }

/// Why no kernel computes the op, or nothing.
static std::optional<std::string> whyNot(SparseFfnOp op) {
  FfnPredictor predictor = op.getPredictor();
  if (predictor != FfnPredictor::FirstDims && predictor != FfnPredictor::Gate)
    return "its predictor is '" + stringifyFfnPredictor(predictor).str() + "'";
  if (op.getGranularity() != 1)
    return "its neurons are chosen in blocks of " + std::to_string(op.getGranularity());
  if (op.isDense() || op.getK() == 0)
    return (op.isDense() ? "all" : "none") + std::string(" of its neurons are active");
  auto k = static_cast<double>(*op.getK()), neurons = static_cast<double>(op.getNumNeurons());
  if (op.getInput().getType().getDimSize(0) != 1 && k > kMostShareOfManyRows * neurons)
    return "each of its rows chooses " + std::to_string(*op.getK()) + " of " + std::to_string(op.getNumNeurons()) +
           " neurons, which dense products compute faster";
  Type element = getElementTypeOrSelf(op.getDown().getType());
  for (Value weight : {op.getUp(), op.getDown()}) {
    if (weight == op.getUp() && scoresAreUp(op))
      continue;
    if (!parameterOf(weight))
      return "its weights are not parameters";
    if (cast<RankedTensorType>(weight.getType()).getNumElements() == 0)
      return "its weights are empty";
    Type type = getElementTypeOrSelf(weight.getType());
    if (type != element || !(type.isF32() || type.isF16() || type.isBF16()))
      return "its weights are not of one type of f32, f16 and bf16";
  }
  return std::nullopt;
}

std::optional<std::string> chooseFfnKernels(SparseFfnOp op, RowParameters &parameters) {
  if (std::optional<std::string> reason = whyNot(op))
    return reason;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  int64_t neurons = op.getNumNeurons();
  auto n = static_cast<double>(neurons), k = static_cast<double>(*op.getK());
  auto [head, rest] = op.buildParts(builder);
  Value scores = MatmulOp::create(builder, loc, head, scoresAreUp(op) ? op.getUp() : op.getGate(),
                                  /*transpose_rhs=*/true);
  int64_t rows = op.getInput().getType().getDimSize(0);
  auto listOf = [&](Type element) { return RankedTensorType::get({rows, neurons}, element); };
  Type i32 = builder.getI32Type(), f32 = builder.getF32Type();
  llvm::APFloat quantile(upperQuantile(k / n)), varianceFactor(op.getUnbiased() ? n / (n - 1) : 1.0);
  auto chosen = ChooseRowsOp::create(builder, loc, listOf(i32), listOf(f32), RankedTensorType::get({rows}, i32),
                                     op.getActivation(), scores, quantile, varianceFactor, op.getMask());
  SmallVector<Value> up;
  if (!scoresAreUp(op))
    up.push_back(parameters.load(builder, parameterOf(op.getUp()), /*isTransposed=*/false));
  Value down = parameters.load(builder, parameterOf(op.getDown()), /*isTransposed=*/true);
  auto type = RankedTensorType::get({rows, op.getDown().getType().getDimSize(0)}, f32);
  Value result =
      ActiveRowsOp::create(builder, loc, type, up.empty() ? Value() : rest, chosen.getIndices(), chosen.getValues(),
                           chosen.getCount(), up, down, op.getKAttr(), QuantFormatAttr());
  replaceByKernel(builder, op, result, chosen.getCount());
  return std::nullopt;
}

} // namespace thresh
