//===- ExpandTopk.cpp - The k greatest elements by counting ranks -------------===//
//
// The rank of an element is the number of elements that come before it; element of rank p is result p. Quadratic in the
// length of a row: a definition, not a way to be fast.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Transforms/ExpandSparse.h"
#include "compiler/Transforms/TopkPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace thresh {

namespace {

using Sizes = SmallVector<OpFoldResult>;

class TopkExpansion {
public:
  TopkExpansion(TopkOp op, OpBuilder &builder)
      : op(op), builder(builder), loc(op.getLoc()), extent(op.getInput().getType().getShape().back()),
        sizes(tensor::getMixedSizes(builder, loc, op.getInput())), rows(countRows(builder, loc, op.getInput())) {}

  SmallVector<Value> expand();

private:
  OpFoldResult index(int64_t value) { return builder.getIndexAttr(value); }
  Value fold(const Sizes &resultSizes, ArrayRef<Value> inputs, ArrayRef<SmallVector<int64_t>> loops, TypedAttr start,
             ScalarBody body);
  Value candidates(Value x);
  Value ranks(Value x, Value isCandidate);
  Value pick(Value ranks, Value x, TypedAttr start, bool wantsIndex);

  TopkOp op;
  OpBuilder &builder;
  Location loc;
  int64_t extent;
  Sizes sizes;
  OpFoldResult rows; ///< all dimensions but the last, as one
};

} // namespace

/// Folds one loop, the last, into a tensor of `resultSizes`; `loops` index the dimensions of each input.
Value TopkExpansion::fold(const Sizes &resultSizes, ArrayRef<Value> inputs, ArrayRef<SmallVector<int64_t>> loops,
                          TypedAttr start, ScalarBody body) {
  int64_t last = resultSizes.size();
  SmallVector<AffineMap> maps;
  for (ArrayRef<int64_t> dims : loops)
    maps.push_back(
        AffineMap::getMultiDimMapWithTargets(last + 1, llvm::to_vector_of<unsigned>(dims), builder.getContext()));
  return reduction(
      builder, loc, inputs, maps, filledTensor(builder, loc, resultSizes, start),
      [&](int64_t loop) { return loop == last; }, last + 1, body);
}

/// Whether `other`, element j of its row, comes before `x`, element i: it is greater, or equal and earlier. NaN is
/// greatest.
static Value comesBefore(OpBuilder &b, Location l, Value other, Value j, Value x, Value i) {
  auto isNan = [&](Value v) -> Value { return arith::CmpFOp::create(b, l, arith::CmpFPredicate::UNO, v, v); };
  auto both = [&](Value a, Value c) -> Value { return arith::AndIOp::create(b, l, a, c); };
  auto either = [&](Value a, Value c) -> Value { return arith::OrIOp::create(b, l, a, c); };
  Value isEarlier = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, j, i);
  Value areEqual = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, other, x);
  Value isGreater = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OGT, other, x);
  Value no = arith::ConstantIntOp::create(b, l, 0, 1);
  Value otherWins = arith::SelectOp::create(b, l, isNan(x), no, isNan(other));
  Value tie = either(areEqual, both(isNan(other), isNan(x)));
  return either(either(isGreater, otherWins), both(tie, isEarlier));
}

/// i1 [rows, extent]: whether the element is among those that its bucket hands on.
Value TopkExpansion::candidates(Value x) {
  int64_t buckets = *op.getBuckets();
  Sizes shape = {rows, index(extent / buckets), index(buckets)};
  Value grouped = ReshapeOp::create(builder, loc, x, shape);
  Value counts =
      fold(shape, {grouped, grouped}, {{0, 1, 2}, {0, 3, 2}}, builder.getI32IntegerAttr(0),
           [](OpBuilder &b, Location l, ValueRange args) -> Value {
             Value i = linalg::IndexOp::create(b, l, 1), j = linalg::IndexOp::create(b, l, 3);
             Value before = comesBefore(b, l, args[1], j, args[0], i);
             return arith::AddIOp::create(b, l, args[2], arith::ExtUIOp::create(b, l, b.getI32Type(), before));
           });
  counts = ReshapeOp::create(builder, loc, counts, Sizes{rows, index(extent)});
  auto kept =
      DenseElementsAttr::get(RankedTensorType::get({}, builder.getI32Type()), static_cast<int32_t>(*op.getKept()));
  Value limit =
      BroadcastOp::create(builder, loc, arith::ConstantOp::create(builder, loc, kept), Sizes{rows, index(extent)});
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, counts, limit);
}

/// i32 [rows, extent]: how many candidates come before the element, or `extent` if it is none itself. Null: all are
/// candidates.
Value TopkExpansion::ranks(Value x, Value isCandidate) {
  SmallVector<Value> inputs = {x, x};
  SmallVector<SmallVector<int64_t>> loops = {{0, 1}, {0, 2}};
  if (isCandidate) {
    inputs.push_back(isCandidate);
    loops.push_back({0, 2});
  }
  Sizes shape = {rows, index(extent)};
  Value counts =
      fold(shape, inputs, loops, builder.getI32IntegerAttr(0), [&](OpBuilder &b, Location l, ValueRange args) -> Value {
        Value i = linalg::IndexOp::create(b, l, 1), j = linalg::IndexOp::create(b, l, 2);
        Value before = comesBefore(b, l, args[1], j, args[0], i);
        if (isCandidate)
          before = arith::AndIOp::create(b, l, before, args[2]);
        return arith::AddIOp::create(b, l, args.back(), arith::ExtUIOp::create(b, l, b.getI32Type(), before));
      });
  if (!isCandidate)
    return counts;
  auto last = DenseElementsAttr::get(RankedTensorType::get({}, builder.getI32Type()), static_cast<int32_t>(extent));
  Value none = BroadcastOp::create(builder, loc, arith::ConstantOp::create(builder, loc, last), shape);
  return arith::SelectOp::create(builder, loc, isCandidate, counts, none);
}

/// [rows, k]: the element of rank p or its index. `start` is the zero that the one element is added to.
Value TopkExpansion::pick(Value ranks, Value x, TypedAttr start, bool wantsIndex) {
  auto body = [&](OpBuilder &b, Location l, ValueRange args) -> Value {
    Value rank = arith::IndexCastOp::create(b, l, b.getI32Type(), linalg::IndexOp::create(b, l, 1));
    Value isIt = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, args[0], rank);
    Value zero = arith::ConstantOp::create(b, l, start);
    if (!wantsIndex)
      return arith::AddFOp::create(b, l, args[2], arith::SelectOp::create(b, l, isIt, args[1], zero));
    Value i = arith::IndexCastOp::create(b, l, b.getI64Type(), linalg::IndexOp::create(b, l, 2));
    return arith::AddIOp::create(b, l, args[2], arith::SelectOp::create(b, l, isIt, i, zero));
  };
  return fold({rows, index(static_cast<int64_t>(op.getK()))}, {ranks, x}, {{0, 2}, {0, 2}}, start, body);
}

SmallVector<Value> TopkExpansion::expand() {
  Value x = ReshapeOp::create(builder, loc, op.getInput(), Sizes{rows, index(extent)});
  Value order = ranks(x, op.getBuckets() ? candidates(x) : Value());
  Value values = pick(order, x, builder.getF32FloatAttr(-0.0f), /*wantsIndex=*/false);
  Value indices = pick(order, x, builder.getI64IntegerAttr(0), /*wantsIndex=*/true);
  Sizes shape = sizes;
  shape.back() = index(static_cast<int64_t>(op.getK()));
  return {ReshapeOp::create(builder, loc, values, shape), ReshapeOp::create(builder, loc, indices, shape)};
}

/// Says how the wanted recall is reached, where the op does not yet.
static void choosePlan(TopkOp op) {
  int64_t extent = op.getInput().getType().getShape().back();
  TopkPlan plan = planTopk(extent, static_cast<int64_t>(op.getK()), op.getRecall()->convertToDouble());
  op.setBuckets(plan.buckets);
  op.setKept(plan.kept);
  op.emitRemark(llvm::formatv("{0} buckets that keep {1} each hand on {2} of {3} elements: expected recall {4:F4}",
                              plan.buckets, plan.kept, plan.buckets * plan.kept, extent, plan.recall)
                    .str());
}

SmallVector<Value> expandTopk(TopkOp op, OpBuilder &builder) {
  if (op.getRecall() && !op.getBuckets())
    choosePlan(op);
  return TopkExpansion(op, builder).expand();
}

} // namespace thresh
