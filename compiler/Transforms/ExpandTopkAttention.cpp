//===- ExpandTopkAttention.cpp - Attention over chosen keys, densely ----------===//
//
// Every score is computed; keys that are not chosen get the least finite float before the softmax. Scores are
// [key heads, group, queries, keys], statistics of a query [key heads, group, queries].
//
//===-----------------------------------------------------------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Transforms/ExpandSparse.h"
#include "compiler/Transforms/NormalQuantile.h"
#include "dialects/Thresh/IR/ThreshActivations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;

namespace thresh {

namespace {

using Sizes = SmallVector<OpFoldResult>;

/// A tensor and the loop that indexes each of its dimensions.
struct Indexed {
  Value tensor;
  SmallVector<int64_t> loops;
};

class AttentionExpansion {
public:
  AttentionExpansion(TopkAttentionOp op, OpBuilder &builder);

  SmallVector<Value> expand();

private:
  OpFoldResult index(int64_t value) { return builder.getIndexAttr(value); }
  Value fold(const Sizes &sizes, ArrayRef<Indexed> inputs, TypedAttr start, ScalarBody body);
  Value map(const Sizes &sizes, ArrayRef<Indexed> inputs, ScalarBody body, Type element);
  Value contract(const Indexed &lhs, const Indexed &rhs, const Sizes &sizes);
  Value scaledProducts(Value query, Value key, double scale);
  Value logits(Value choosing);
  Value capped(Value scores);
  Value reduce(ReduceKind kind, Value x);
  Value isSeen(OpBuilder &b, Location l);
  Value seenKeys(OpBuilder &b, Location l);
  Value whereSeen(Value x, double otherwise);
  Value threshold(Value scores);
  Value ranks(Value scores);
  Value chosen(Value scores);
  Value softplusWeights(Value weights);

  TopkAttentionOp op;
  OpBuilder &builder;
  Location loc;
  FloatType f32;
  int64_t keyHeads, group, valueWidth;
  OpFoldResult queries, keys;
  Sizes scoreSizes, rowSizes;
};

} // namespace

static constexpr float kLowest = std::numeric_limits<float>::lowest();
static const SmallVector<int64_t> kScoreLoops = {0, 1, 2, 3}, kRowLoops = {0, 1, 2};

static Value constantF32(OpBuilder &b, Location l, double value) {
  return arith::ConstantOp::create(b, l, b.getF32FloatAttr(static_cast<float>(value)));
}

AttentionExpansion::AttentionExpansion(TopkAttentionOp op, OpBuilder &builder)
    : op(op), builder(builder), loc(op.getLoc()), f32(builder.getF32Type()),
      keyHeads(op.getKey().getType().getDimSize(1)), group(op.getQuery().getType().getDimSize(1) / keyHeads),
      valueWidth(op.getValue().getType().getDimSize(2)), queries(tensor::getMixedSize(builder, loc, op.getQuery(), 0)),
      keys(tensor::getMixedSize(builder, loc, op.getKey(), 0)),
      scoreSizes({index(keyHeads), index(group), queries, keys}), rowSizes({index(keyHeads), index(group), queries}) {}

/// How a generic of `rank` loops reads its inputs.
static std::pair<SmallVector<Value>, SmallVector<AffineMap>> readsOf(ArrayRef<Indexed> inputs, int64_t rank) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const Indexed &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(AffineMap::getMultiDimMapWithTargets(rank, llvm::to_vector_of<unsigned>(input.loops),
                                                        input.tensor.getContext()));
  }
  return {tensors, maps};
}

/// Folds one loop, the last, into a tensor of `sizes`.
Value AttentionExpansion::fold(const Sizes &sizes, ArrayRef<Indexed> inputs, TypedAttr start, ScalarBody body) {
  int64_t last = sizes.size();
  auto [tensors, maps] = readsOf(inputs, last + 1);
  return reduction(
      builder, loc, tensors, maps, filledTensor(builder, loc, sizes, start), [&](int64_t loop) { return loop == last; },
      last + 1, body);
}

Value AttentionExpansion::map(const Sizes &sizes, ArrayRef<Indexed> inputs, ScalarBody body, Type element) {
  auto [tensors, maps] = readsOf(inputs, sizes.size());
  return pointwise(builder, loc, tensors, maps, emptyTensor(builder, loc, sizes, element), body);
}

/// The sum of products over one loop, the last.
Value AttentionExpansion::contract(const Indexed &lhs, const Indexed &rhs, const Sizes &sizes) {
  return fold(sizes, {lhs, rhs}, builder.getF32FloatAttr(0), [](OpBuilder &b, Location l, ValueRange args) -> Value {
    return arith::AddFOp::create(b, l, args[2], arith::MulFOp::create(b, l, args[0], args[1]));
  });
}

/// Products of queries and keys, of the first dimensions of both or of the others, scaled.
Value AttentionExpansion::scaledProducts(Value query, Value key, double scale) {
  int64_t width = cast<RankedTensorType>(key.getType()).getDimSize(2);
  query = ReshapeOp::create(builder, loc, query, Sizes{queries, index(keyHeads), index(group), index(width)});
  Value products = contract({query, {2, 0, 1, 4}}, {key, {3, 0, 4}}, scoreSizes);
  return arith::MulFOp::create(builder, loc, products, buildSplat(builder, loc, scale, scoreSizes));
}

/// cap * tanh(x / cap), or x without a cap.
Value AttentionExpansion::capped(Value scores) {
  if (!op.getSoftCap())
    return scores;
  Value cap = buildSplat(builder, loc, op.getSoftCap()->convertToDouble(), scoreSizes);
  Value bounded = math::TanhOp::create(builder, loc, arith::DivFOp::create(builder, loc, scores, cap));
  return arith::MulFOp::create(builder, loc, bounded, cap);
}

Value AttentionExpansion::reduce(ReduceKind kind, Value x) {
  return ReduceOp::create(builder, loc, kind, x, builder.getDenseI64ArrayAttr({3}), /*keep_dims=*/false);
}

/// Within a loop over scores: whether the query sees the key.
Value AttentionExpansion::isSeen(OpBuilder &b, Location l) {
  Value query = arith::AddIOp::create(b, l, op.getPosition(), linalg::IndexOp::create(b, l, 2));
  Value key = linalg::IndexOp::create(b, l, 3);
  Value isPast = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle, key, query);
  if (op.getWindow() == 0)
    return isPast;
  Value end = arith::AddIOp::create(b, l, key, arith::ConstantIndexOp::create(b, l, op.getWindow()));
  return arith::AndIOp::create(b, l, isPast, arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt, end, query));
}

/// Within a loop over rows: how many keys the query sees, as f32.
Value AttentionExpansion::seenKeys(OpBuilder &b, Location l) {
  Value query = arith::AddIOp::create(b, l, op.getPosition(), linalg::IndexOp::create(b, l, 2));
  Value count = arith::AddIOp::create(b, l, query, arith::ConstantIndexOp::create(b, l, 1));
  if (op.getWindow() != 0)
    count = arith::MinSIOp::create(b, l, count, arith::ConstantIndexOp::create(b, l, op.getWindow()));
  return arith::SIToFPOp::create(b, l, f32, arith::IndexCastOp::create(b, l, b.getI32Type(), count));
}

Value AttentionExpansion::whereSeen(Value x, double otherwise) {
  return map(
      scoreSizes, {{x, kScoreLoops}},
      [&](OpBuilder &b, Location l, ValueRange args) -> Value {
        return arith::SelectOp::create(b, l, isSeen(b, l), args[0], constantF32(b, l, otherwise));
      },
      f32);
}

/// The least score that is chosen, per query: min(mean + deviation Q(1 - k/n), max) over the n keys seen.
Value AttentionExpansion::threshold(Value scores) {
  Value sums = reduce(ReduceKind::Sum, whereSeen(scores, 0));
  Value means = map(
      rowSizes, {{sums, kRowLoops}},
      [&](OpBuilder &b, Location l, ValueRange args) -> Value {
        return arith::DivFOp::create(b, l, args[0], seenKeys(b, l));
      },
      f32);
  Value squares = map(
      scoreSizes, {{scores, kScoreLoops}, {means, kRowLoops}},
      [&](OpBuilder &b, Location l, ValueRange args) -> Value {
        Value centred = arith::SubFOp::create(b, l, args[0], args[1]);
        Value square = arith::MulFOp::create(b, l, centred, centred);
        return arith::SelectOp::create(b, l, isSeen(b, l), square, constantF32(b, l, 0));
      },
      f32);
  Value spreads = reduce(ReduceKind::Sum, squares), greatest = reduce(ReduceKind::Max, whereSeen(scores, kLowest));
  auto body = [&](OpBuilder &b, Location l, ValueRange args) -> Value {
    Value n = seenKeys(b, l), k = constantF32(b, l, static_cast<double>(*op.getK()));
    Value divisor = op.getUnbiased() ? arith::SubFOp::create(b, l, n, constantF32(b, l, 1)).getResult() : n;
    Value deviation = math::SqrtOp::create(b, l, arith::DivFOp::create(b, l, args[1], divisor));
    Value step = arith::MulFOp::create(b, l, deviation, buildUpperQuantile(b, l, k, n));
    Value theta = arith::MinimumFOp::create(b, l, arith::AddFOp::create(b, l, args[0], step), args[2]);
    Value keepsAll = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OLE, n, k);
    return arith::SelectOp::create(b, l, keepsAll, constantF32(b, l, kLowest), theta);
  };
  return map(rowSizes, {{means, kRowLoops}, {spreads, kRowLoops}, {greatest, kRowLoops}}, body, f32);
}

/// How many of the keys seen have a greater score, per score.
Value AttentionExpansion::ranks(Value scores) {
  Value visible = whereSeen(scores, kLowest);
  return fold(scoreSizes, {{visible, kScoreLoops}, {visible, {0, 1, 2, 4}}}, builder.getI32IntegerAttr(0),
              [](OpBuilder &b, Location l, ValueRange args) -> Value {
                Value isGreater = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OGT, args[1], args[0]);
                return arith::AddIOp::create(b, l, args[2], arith::ExtUIOp::create(b, l, b.getI32Type(), isGreater));
              });
}

/// Whether each key is seen and chosen: tensor of i1.
Value AttentionExpansion::chosen(Value scores) {
  Type flag = builder.getI1Type();
  if (!op.getK())
    return map(
        scoreSizes, {{scores, kScoreLoops}}, [&](OpBuilder &b, Location l, ValueRange) { return isSeen(b, l); }, flag);
  if (op.getExact())
    return map(
        scoreSizes, {{ranks(scores), kScoreLoops}},
        [&](OpBuilder &b, Location l, ValueRange args) -> Value {
          Value k = arith::ConstantIntOp::create(b, l, *op.getK(), 32);
          Value isAmong = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, args[0], k);
          return arith::AndIOp::create(b, l, isSeen(b, l), isAmong);
        },
        flag);
  return map(
      scoreSizes, {{scores, kScoreLoops}, {threshold(scores), kRowLoops}},
      [&](OpBuilder &b, Location l, ValueRange args) -> Value {
        Value isAbove = arith::CmpFOp::create(b, l, arith::CmpFPredicate::UGE, args[0], args[1]);
        return arith::AndIOp::create(b, l, isSeen(b, l), isAbove);
      },
      flag);
}

/// weights * softplus(products of the other dimensions), softplus(x) = max(x, 0) + log(1 + exp(-|x|)).
Value AttentionExpansion::softplusWeights(Value weights) {
  if (!op.getSoftplusScale())
    return weights;
  Value products = scaledProducts(op.getQueryRest(), op.getKeyRest(), op.getSoftplusScale()->convertToDouble());
  return map(
      scoreSizes, {{weights, kScoreLoops}, {products, kScoreLoops}},
      [](OpBuilder &b, Location l, ValueRange args) -> Value {
        Value magnitude = math::AbsFOp::create(b, l, args[1]);
        Value power = math::ExpOp::create(b, l, arith::NegFOp::create(b, l, magnitude));
        Value positive = arith::MaximumFOp::create(b, l, args[1], constantF32(b, l, 0));
        Value softplus = arith::AddFOp::create(b, l, positive, math::Log1pOp::create(b, l, power));
        return arith::MulFOp::create(b, l, args[0], softplus);
      },
      f32);
}

/// What the softmax is over, of the products that choose: with a softplus the same scores, else those of all
/// dimensions.
Value AttentionExpansion::logits(Value choosing) {
  if (op.getKeyRest() && !op.getSoftplusScale())
    choosing = arith::AddFOp::create(
        builder, loc, choosing, scaledProducts(op.getQueryRest(), op.getKeyRest(), op.getScale().convertToDouble()));
  return capped(choosing);
}

SmallVector<Value> AttentionExpansion::expand() {
  Value products = scaledProducts(op.getQuery(), op.getKey(), op.getScale().convertToDouble());
  Value flags = chosen(capped(products)), scores = logits(products);
  Value masked = map(
      scoreSizes, {{flags, kScoreLoops}, {scores, kScoreLoops}},
      [](OpBuilder &b, Location l, ValueRange args) -> Value {
        return arith::SelectOp::create(b, l, args[0], args[1], constantF32(b, l, kLowest));
      },
      f32);
  Value weights = softplusWeights(SoftmaxOp::create(builder, loc, masked, /*dimension=*/3, /*log=*/false));
  Sizes mixedSizes = {queries, index(keyHeads), index(group), index(valueWidth)};
  Value mixed = contract({weights, {1, 2, 0, 4}}, {op.getValue(), {4, 1, 3}}, mixedSizes);
  SmallVector<Value> results = {
      ReshapeOp::create(builder, loc, mixed, Sizes{queries, index(keyHeads * group), index(valueWidth)})};
  if (!op.getSurvivors())
    return results;
  auto countType = RankedTensorType::get(cast<RankedTensorType>(flags.getType()).getShape(), builder.getI64Type());
  Value counts = reduce(ReduceKind::Sum, arith::ExtUIOp::create(builder, loc, countType, flags));
  counts = TransposeOp::create(builder, loc, counts, ArrayRef<int64_t>{2, 0, 1});
  results.push_back(ReshapeOp::create(builder, loc, counts, Sizes{queries, index(keyHeads * group)}));
  return results;
}

SmallVector<Value> expandTopkAttention(TopkAttentionOp op, OpBuilder &builder) {
  return AttentionExpansion(op, builder).expand();
}

} // namespace thresh
