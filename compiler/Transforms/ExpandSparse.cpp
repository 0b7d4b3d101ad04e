//===- ExpandSparse.cpp - Sparse ops as dense ones -----------------------------===//
#include "compiler/Transforms/ExpandSparse.h"

#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Transforms/NormalQuantile.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/Thresh/IR/ThreshActivations.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_EXPANDSPARSEPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Statistics of the rows of a tensor, as tensors of the same shape.
class RowStatistics {
public:
  RowStatistics(StatisticalTopkOp op, OpBuilder &builder)
      : op(op), builder(builder), loc(op.getLoc()), sizes(tensor::getMixedSizes(builder, loc, op.getInput())) {}

  Value expand();

private:
  Value mean(Value x) {
    int64_t last = static_cast<int64_t>(sizes.size()) - 1;
    return ReduceOp::create(builder, loc, ReduceKind::Mean, x, builder.getDenseI64ArrayAttr({last}),
                            /*keep_dims=*/true);
  }
  Value spread(Value x) { return BroadcastOp::create(builder, loc, x, sizes); }
  Value scalar(double value) { return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value)); }
  std::pair<Value, Value> deviations();

  StatisticalTopkOp op;
  OpBuilder &builder;
  Location loc;
  SmallVector<OpFoldResult> sizes;
};

} // namespace

/// Q(1 - k/n), and what the biased variance is multiplied with: scalars.
std::pair<Value, Value> RowStatistics::deviations() {
  double k = static_cast<double>(op.getK());
  if (std::optional<int64_t> fixed = getConstantIntValue(sizes.back())) {
    double n = static_cast<double>(*fixed);
    return {scalar(upperQuantile(k / n)), scalar(op.getUnbiased() ? n / (n - 1) : 1.0)};
  }
  Value n =
      indexToFloat(builder, loc, getValueOrCreateConstantIndexOp(builder, loc, sizes.back()), builder.getF32Type());
  Value factor = scalar(1);
  if (op.getUnbiased())
    factor = arith::DivFOp::create(builder, loc, n, arith::SubFOp::create(builder, loc, n, scalar(1)));
  return {buildUpperQuantile(builder, loc, scalar(k), n), factor};
}

Value RowStatistics::expand() {
  Value x = op.getInput();
  auto [quantile, factor] = deviations();
  Value centred = arith::SubFOp::create(builder, loc, x, spread(mean(x)));
  Value variance = mean(arith::MulFOp::create(builder, loc, centred, centred));
  SmallVector<OpFoldResult> rowSizes = sizes;
  rowSizes.back() = builder.getIndexAttr(1);
  auto splat = [&](Value value) {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    Value tensor = tensor::FromElementsOp::create(builder, loc, type, value);
    return BroadcastOp::create(builder, loc, tensor, rowSizes).getResult();
  };
  Value deviation = math::SqrtOp::create(builder, loc, arith::MulFOp::create(builder, loc, variance, splat(factor)));
  // x - theta = (x - mean) - std Q: no cancellation against a large mean.
  Value step = spread(arith::MulFOp::create(builder, loc, deviation, splat(quantile)));
  Value above = arith::SubFOp::create(builder, loc, centred, step);
  Value zero = buildSplat(builder, loc, 0.0, sizes);
  Value result = arith::MaximumFOp::create(builder, loc, above, zero);
  if (op.getMask()) {
    Value survives = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UGT, above, zero);
    result = arith::SelectOp::create(builder, loc, survives, x, zero);
  }
  if (getConstantIntValue(sizes.back()))
    return result;
  Value count = arith::ConstantIndexOp::create(builder, loc, op.getK());
  Value isShort = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule,
                                        getValueOrCreateConstantIndexOp(builder, loc, sizes.back()), count);
  auto flagType = RankedTensorType::get({}, builder.getI1Type());
  Value flag = tensor::FromElementsOp::create(builder, loc, flagType, isShort);
  return arith::SelectOp::create(builder, loc, BroadcastOp::create(builder, loc, flag, sizes), x, result);
}

SmallVector<Value> expandStatisticalTopk(StatisticalTopkOp op, OpBuilder &builder) {
  Location loc = op.getLoc();
  int64_t extent = op.getInput().getType().getShape().back(), k = op.getK();
  if (k == 0)
    return {buildSplat(builder, loc, 0.0, tensor::getMixedSizes(builder, loc, op.getInput()))};
  if (!ShapedType::isDynamic(extent) && k >= extent)
    return {op.getInput()};
  return {RowStatistics(op, builder).expand()};
}

namespace {

struct ExpandSparsePass final : impl::ExpandSparsePassBase<ExpandSparsePass> {
  using Base::Base;

  void runOnOperation() override {
    // A feed-forward block becomes a statistical top-k among others: look again until none is left.
    for (SmallVector<Operation *> ops = find(); !ops.empty(); ops = find())
      for (Operation *op : ops)
        expand(op);
  }

  SmallVector<Operation *> find() {
    SmallVector<Operation *> ops;
    getOperation().walk([&](SparseOpInterface op) { ops.push_back(op); });
    return ops;
  }

  void expand(Operation *op) {
    if (!silent)
      remark(op);
    OpBuilder builder(op);
    SmallVector<Value> values;
    if (auto topk = dyn_cast<StatisticalTopkOp>(op))
      values = expandStatisticalTopk(topk, builder);
    else if (auto block = dyn_cast<SparseFfnOp>(op))
      values = block.buildMeaning(builder);
    else if (auto attention = dyn_cast<TopkAttentionOp>(op))
      values = expandTopkAttention(attention, builder);
    else
      values = expandTopk(cast<TopkOp>(op), builder);
    for (auto [result, value] : llvm::zip_equal(op->getResults(), values)) {
      if (value.getType() != result.getType())
        value = tensor::CastOp::create(builder, op->getLoc(), result.getType(), value);
      result.replaceAllUsesWith(value);
    }
    op->erase();
  }

  /// What a sparse kernel would save, if anything.
  void remark(Operation *op) {
    TouchedBytes bytes = cast<SparseOpInterface>(op).getTouchedBytes(kRemarkTokens);
    if (bytes.expected >= bytes.dense)
      return;
    op->emitRemark() << "'" << op->getName() << "' is computed densely: it reads " << static_cast<int64_t>(bytes.dense)
                     << " bytes a token where a sparse one would read about " << static_cast<int64_t>(bytes.expected)
                     << " (" << kRemarkTokens << " tokens of context)";
  }

  static constexpr int64_t kRemarkTokens = 4096;
};

} // namespace
} // namespace thresh
