//===- ChooseAttentionKernel.cpp - Attention of one query as a kernel --------===//
//
// One query reads the keys that it chooses. Many queries together choose nearly all of them.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Transforms/ChooseSparseKernels.h"
#include "compiler/Transforms/NormalQuantile.h"
#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace thresh {

/// Why no kernel computes the op, or nothing.
static std::optional<std::string> whyNot(TopkAttentionOp op) {
  RankedTensorType query = op.getQuery().getType(), value = op.getValue().getType();
  if (query.getDimSize(0) != 1)
    return "it is not known to compute a single query";
  if (!op.getK())
    return "it attends to all keys";
  if (op.getExact())
    return "its top-k is exact";
  if (value.getDimSize(2) == 0)
    return "its values are empty";
  if (static_cast<int64_t>(*op.getK()) > INT32_MAX || static_cast<int64_t>(op.getWindow()) > INT32_MAX)
    return "its k or window is above " + std::to_string(INT32_MAX);
  return std::nullopt;
}

/// Q(1 - k/m) for the m keys that a query at `position` sees, and what the biased variance is multiplied with.
static Value buildStatistics(OpBuilder &builder, TopkAttentionOp op) {
  Location loc = op.getLoc();
  Type f32 = builder.getF32Type();
  auto real = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
  };
  Value seen = arith::AddIOp::create(builder, loc, op.getPosition(), arith::ConstantIndexOp::create(builder, loc, 1));
  if (op.getWindow() != 0)
    seen = arith::MinSIOp::create(builder, loc, seen, arith::ConstantIndexOp::create(builder, loc, op.getWindow()));
  Value m = indexToFloat(builder, loc, seen, f32);
  Value quantile = buildUpperQuantile(builder, loc, real(static_cast<double>(*op.getK())), m);
  Value factor = real(1);
  if (op.getUnbiased())
    factor = arith::DivFOp::create(builder, loc, m, arith::SubFOp::create(builder, loc, m, factor));
  return tensor::FromElementsOp::create(builder, loc, RankedTensorType::get({2}, f32), ValueRange{quantile, factor});
}

std::optional<std::string> chooseAttentionKernel(TopkAttentionOp op) {
  if (std::optional<std::string> reason = whyNot(op))
    return reason;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Type i64 = builder.getI64Type();
  Value position = arith::IndexCastOp::create(builder, loc, i64, op.getPosition());
  position = tensor::FromElementsOp::create(builder, loc, RankedTensorType::get({}, i64), position);
  int64_t heads = op.getQuery().getType().getDimSize(1), width = op.getValue().getType().getDimSize(2);
  SmallVector<Value> rest;
  if (op.getKeyRest())
    rest.push_back(op.getKeyRest());
  auto attend =
      AttendChosenOp::create(builder, loc, RankedTensorType::get({1, heads, width}, builder.getF32Type()),
                             RankedTensorType::get({1, heads}, builder.getI32Type()), op.getQuery(), op.getQueryRest(),
                             op.getKey(), rest, op.getValue(), position, buildStatistics(builder, op), op.getKAttr(),
                             op.getScaleAttr(), op.getSoftplusScaleAttr(), op.getSoftCapAttr(), op.getWindowAttr());
  replaceByKernel(builder, op, attend.getResult(), attend.getCounts());
  return std::nullopt;
}

} // namespace thresh
