//===- DecodeAttention.cpp - Attention for one query row ---------------------===//
//
// Bound by reading keys and values, which are read in place and once for all queries that share them. The
// context is cut in chunks; a task takes a chunk of all heads, so that it reads memory in order and all cores work
// on one token. A chunk yields, for every query: the maximum m of its scores, the sum of exp(score - m) and the values
// weighted with exp(score - m). The chunks are then put together with weights exp(m - the maximum of all), which is the
// softmax over the whole context up to rounding.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Generic/Scalar.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Contraction.h"
#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/Schedules.h"

#include <cmath>

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::PrefetchBoundStrategy;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Rows of a chunk: at least enough to pay for its partial results, at most what its scores may take on the stack.
constexpr int kLeastRows = 32, kMostRows = 256;
/// A context of kLeastRows * kChunks rows has this many chunks.
constexpr int kChunks = 16;
/// Rows whose scores are one vector, and whose values are added up in one chain; divides a chunk's rows.
constexpr int kBlockRows = 16;
/// Up to as many queries to a row of keys, reading is what takes the time: rows are read one after the other, which the
/// machine sees coming. With more it is arithmetic, and rows side by side save loads.
constexpr int kQueriesInOrder = 2;
/// Parts of a chunk's values that are then read side by side, each in order.
constexpr int kStreams = 4;
/// Rows of keys that are read side by side, or whose products are added up at a time.
constexpr int kKeyRows = 4;
/// How many such groups of rows ahead the keys are fetched.
constexpr int kKeysAhead = 2;
/// Queries that share a row of keys and values, at most: each has its own accumulators.
constexpr int kMostQueries = 16;
/// Simple operations that soft cap and softmax take for one score.
constexpr int kScoreCost = 8;

/// The parts of the kernel, and its loops by what they walk: `queries` share keys and values, `heads` do not,
/// `batch` are those of unknown extent among the latter.
struct Decode {
  Contraction scores, values;
  int softmax = -1; ///< the stage whose rows the softmax takes
  std::vector<int> queries, heads, batch;
  std::vector<int> loopOf; ///< loop of the second contraction for every loop of the scores
  int lanes = 16;          ///< elements of one vector
  int keyDepth = 0, valueWidth = 0;
  bool inOrder = false; ///< few queries: reads memory strictly in order
};

//===-----------------------------------------------------------------------===//
// Recognise
//===-----------------------------------------------------------------------===//

/// The stage that the node loads at its own point, or -1.
int loadedStage(const Stage &stage, int node, int rank) {
  const Node &load = stage.body[node];
  bool inStep = load.op == Op::Load && load.source >= kStageSource && int(load.args.size()) == rank &&
                loadsInStep(stage, load, rank);
  return inStep ? load.source - kStageSource : -1;
}

/// The stage that a reduction over the last of `rank` loops folds with `op` from `init`, or -1.
int foldedStage(const Stage &stage, Op op, double init, int rank) {
  if (int(stage.loops.size()) != rank || stage.parallel != rank - 1 || stage.results.size() != 1)
    return -1;
  const Node &fold = stage.body[stage.results[0]], &start = stage.body[stage.inits[0]];
  if (fold.op != op || start.op != Op::Const || start.real != init)
    return -1;
  for (int i = 0; i < 2; ++i)
    if (stage.body[fold.args[i]].op == Op::Acc)
      return loadedStage(stage, fold.args[1 - i], rank);
  return -1;
}

/// Whether stage `weights` is a softmax over the last loop; sets where it begins.
bool matchSoftmax(const Pipeline &pipeline, int weights, Decode &a) {
  int rank = a.scores.column + 1;
  auto pure = [&](int s) { return pipeline.stage(s).parallel == rank && !reduces(pipeline.stage(s)); };
  auto result = [&](int s) -> const Node & { return pipeline.stage(s).body[pipeline.stage(s).results[0]]; };
  if (!pure(weights) || result(weights).op != Op::Div || result(weights).dtype != DType::F32)
    return false;
  int exponentials = loadedStage(pipeline.stage(weights), result(weights).args[0], rank);
  int sum = loadedStage(pipeline.stage(weights), result(weights).args[1], rank - 1);
  if (exponentials < 0 || sum < 0 || !pure(exponentials) || result(exponentials).op != Op::Exp ||
      foldedStage(pipeline.stage(sum), Op::Add, 0, rank) != exponentials)
    return false;
  const Stage &stage = pipeline.stage(exponentials);
  const Node &difference = stage.body[result(exponentials).args[0]];
  if (difference.op != Op::Sub)
    return false;
  a.softmax = loadedStage(stage, difference.args[0], rank);
  int maximum = loadedStage(stage, difference.args[1], rank - 1);
  return a.softmax >= a.scores.stage && maximum > a.softmax &&
         foldedStage(pipeline.stage(maximum), Op::Max, -INFINITY, rank) == a.softmax && maximum + 3 == weights &&
         weights + 1 == a.values.stage;
}

/// Whether the scores and what is made of them walk the same loops and nobody else reads them.
bool betweenInStep(const Pipeline &pipeline, const Decode &a) {
  int rank = a.scores.column + 1;
  for (int s = a.scores.stage; s < a.values.stage; ++s) {
    const Stage &stage = pipeline.stage(s);
    for (int consumer : pipeline.consumers(s))
      if (consumer < 0 || consumer > a.values.stage || (s > a.scores.stage && s < a.softmax && consumer > a.softmax))
        return false;
    if (s == a.scores.stage || s > a.softmax)
      continue;
    if (stage.parallel != rank || reduces(stage))
      return false;
    for (const Node &node : stage.body)
      if (node.op == Op::Load && node.source >= kStageSource && !loadsInStep(stage, node, rank))
        return false;
  }
  return true;
}

/// Sorts the loops of the scores.
bool sortLoops(const Pipeline &pipeline, Decode &a) {
  const Stage &stage = pipeline.stage(a.scores.stage);
  std::vector<bool> keys = loopsOf(stage, a.scores.rhs);
  int64_t queries = 1;
  for (int l = 0; l < a.scores.column; ++l) {
    int64_t extent = pipeline.staticExtent(a.scores.stage, l);
    (!keys[l] ? a.queries : extent < 0 ? a.batch : a.heads).push_back(l);
    if (!keys[l])
      queries *= extent;
    if (queries < 1 || queries > kMostQueries)
      return false;
  }
  a.inOrder = queries <= kQueriesInOrder;
  return true;
}

bool match(const Pipeline &pipeline, Decode &a) {
  std::vector<int> contractions;
  for (int s = 0; s < pipeline.numStages(); ++s) {
    Contraction c;
    if (reduces(pipeline.stage(s)) && matchContraction(pipeline, s, c))
      contractions.push_back(s);
  }
  if (contractions.size() != 2 || !matchContraction(pipeline, contractions[0], a.scores) ||
      !matchContraction(pipeline, contractions[1], a.values))
    return false;
  const Stage &scores = pipeline.stage(a.scores.stage), &values = pipeline.stage(a.values.stage);
  const Node &lhs = values.body[a.values.lhs], &init = values.body[values.inits[0]];
  int rank = a.scores.column + 1;
  if (a.scores.rhsOperand < 0 || a.values.rhsOperand < 0 || a.scores.dtype != DType::F32 ||
      a.values.dtype != DType::F32 || !a.scores.alongDepth || !a.values.alongColumn ||
      int(scores.loops.size()) != rank + 1 || int(values.loops.size()) != values.parallel + 1 || lhs.op != Op::Load ||
      lhs.source < kStageSource || int(lhs.args.size()) != rank || init.op != Op::Const || init.real != 0)
    return false;
  for (int arg : lhs.args) {
    if (values.body[arg].op != Op::Index)
      return false;
    a.loopOf.push_back(int(values.body[arg].integer));
  }
  a.lanes = vectorLanes(pipeline, 4);
  a.keyDepth = int(pipeline.staticExtent(a.scores.stage, rank));
  a.valueWidth = int(pipeline.staticExtent(a.values.stage, a.values.column));
  return a.loopOf.back() == values.parallel && values.parallel == rank && a.keyDepth > 0 && a.valueWidth > 0 &&
         a.keyDepth % a.lanes == 0 && a.valueWidth % a.lanes == 0 &&
         matchSoftmax(pipeline, lhs.source - kStageSource, a) && betweenInStep(pipeline, a) && sortLoops(pipeline, a) &&
         walksInStep(pipeline, a.values.stage);
}

//===-----------------------------------------------------------------------===//
// Define
//===-----------------------------------------------------------------------===//

/// Maximum that propagates NaN.
Expr maximum(const Expr &a, const Expr &b) {
  Node node;
  node.op = Op::Max;
  node.dtype = DType::F32;
  return applyOp(node, {a, b}, DType::F32);
}

/// The Funcs of the kernel. `rest` are the loops of the scores but the last, innermost first; every Func of the
/// chunks has them and the chunk as its last arguments, those of the scores of a row have the row instead of the chunk.
struct Funcs {
  Var row{"row"}, chunk{"chunk"}, lane{"lane"}, column{"column"}, block{"block"};
  std::vector<Var> vars; ///< loops of the scores, outermost first
  Exprs rest;
  Expr length, chunks, rows; ///< of the context; chunks of it; rows of a chunk
  Func dotLanes, dots, scores, exponentials, maxLanes, sumLanes, maxima, sums, blockValues, values, partial;
  RDom depth, lanes, scored, blocks, valueRows, valueBlocks;

  Exprs args(Exprs first, const Exprs &last) const {
    first.insert(first.end(), rest.begin(), rest.end());
    first.insert(first.end(), last.begin(), last.end());
    return first;
  }
};

/// Cuts the context in chunks of equal numbers of rows, a multiple of the block.
void defineChunks(const Pipeline &pipeline, const Decode &a, Funcs &f) {
  auto blocks = [](const Expr &rows) { return (rows + kBlockRows - 1) / kBlockRows * kBlockRows; };
  f.length = pipeline.extent(a.scores.stage, a.scores.column);
  Expr wanted = Halide::clamp(blocks((f.length + kChunks - 1) / kChunks), kLeastRows, kMostRows);
  f.chunks = Halide::max((f.length + wanted - 1) / wanted, 1);
  f.rows = Halide::clamp(blocks((f.length + f.chunks - 1) / f.chunks), 0, kMostRows);
  f.vars = pipeline.variables(a.scores.stage);
  f.rest = Exprs(f.vars.rbegin() + 1, f.vars.rend());
}

/// The scores of the rows: products in lanes, which are added up for several rows at a time. Rows past the end repeat
/// the last one.
void defineDots(Pipeline &pipeline, const Decode &a, Funcs &f) {
  f.depth = RDom(0, a.keyDepth / a.lanes, "depth");
  f.lanes = RDom(0, a.lanes, "lanes");
  Exprs loops(f.vars.begin(), f.vars.end());
  loops.back() = Halide::min(f.row, f.length - 1);
  loops.push_back(f.depth * a.lanes + f.lane);
  Exprs product = pipeline.evaluate(a.scores.stage, loops, {}, {a.scores.lhs, a.scores.rhs});
  f.dotLanes = Func("dot_lanes");
  f.dotLanes(f.args({f.lane, f.row}, {})) = 0.0f;
  f.dotLanes(f.args({f.lane, f.row}, {})) += product[0] * product[1];
  f.dots = Func("dots");
  f.dots(f.args({f.row}, {})) = initialValue(pipeline, a.scores);
  f.dots(f.args({f.row}, {})) += f.dotLanes(f.args({f.lanes, f.row}, {}));
  StageFunc stage;
  stage.func = f.dots;
  stage.vars = f.vars;
  pipeline.adopt(a.scores.stage, stage);
  for (int s = a.scores.stage + 1; s <= a.softmax; ++s)
    pipeline.define(s);
}

/// Folds the vectors of `rows` rows of a chunk with `combine`: in lanes, then these by a tree.
template <typename Combine>
void defineFold(const Decode &a, Funcs &f, Func source, Func &lanes, Func &fold, float init, Combine combine) {
  lanes(f.args({f.lane}, {f.chunk})) = init;
  Expr value = source(f.args({f.blocks * kBlockRows + f.lane}, {f.chunk}));
  lanes(f.args({f.lane}, {f.chunk})) = combine(Expr(lanes(f.args({f.lane}, {f.chunk}))), value);
  Exprs left;
  for (int lane = 0; lane < kBlockRows; ++lane)
    left.push_back(lanes(f.args({lane}, {f.chunk})));
  fold(f.args({}, {f.chunk})) = foldHalves(left, combine);
}

/// What a chunk yields.
void definePartial(Pipeline &pipeline, const Decode &a, Funcs &f) {
  f.blocks = RDom(0, f.rows / kBlockRows, "blocks");
  f.scored = RDom(0, f.rows, "scored");
  Expr row = f.chunk * f.rows + f.scored;
  f.scored.where(row < f.length);
  f.scores = Func("scores");
  f.scores(f.args({f.row}, {f.chunk})) = -INFINITY;
  f.scores(f.args({f.scored}, {f.chunk})) = Expr(pipeline.func(a.softmax).func(f.args({row}, {})));

  f.maxLanes = Func("max_lanes");
  f.maxima = Func("maxima");
  defineFold(a, f, f.scores, f.maxLanes, f.maxima, -INFINITY, maximum);
  f.exponentials = Func("exponentials");
  Expr most = f.maxima(f.args({}, {f.chunk}));
  Expr masked = math::eq(most, -INFINITY); // no row of this chunk counts
  f.exponentials(f.args({f.row}, {f.chunk})) =
      math::exp(math::sub(f.scores(f.args({f.row}, {f.chunk})), Halide::select(masked, 0.0f, most)));
  f.sumLanes = Func("sum_lanes");
  f.sums = Func("sums");
  defineFold(a, f, f.exponentials, f.sumLanes, f.sums, 0, [](const Expr &x, const Expr &y) { return math::add(x, y); });

  f.valueRows = RDom(0, a.inOrder ? kStreams : kBlockRows, "value_rows");
  f.valueBlocks = RDom(0, f.rows / (a.inOrder ? kStreams : kBlockRows), "value_blocks");
  Expr inChunk = a.inOrder ? f.valueRows * (f.rows / kStreams) + f.block : f.block * kBlockRows + f.valueRows;
  Expr at = f.chunk * f.rows + inChunk;
  f.valueRows.where(at < f.length);
  Exprs loops(pipeline.stage(a.values.stage).loops.size());
  for (int l = 0; l < a.scores.column; ++l)
    loops[a.loopOf[l]] = f.vars[l];
  loops[a.values.column] = f.column;
  loops.back() = at;
  Expr value = pipeline.evaluate(a.values.stage, loops, {}, {a.values.rhs})[0];
  f.blockValues = Func("block_values");
  f.blockValues(f.args({f.column}, {f.chunk, f.block})) = 0.0f;
  f.blockValues(f.args({f.column}, {f.chunk, f.block})) += f.exponentials(f.args({inChunk}, {f.chunk})) * value;
  f.values = Func("values");
  f.values(f.args({f.column}, {f.chunk})) = 0.0f;
  f.values(f.args({f.column}, {f.chunk})) += f.blockValues(f.args({f.column}, {f.chunk, f.valueBlocks}));

  f.partial = Func("partial");
  Expr clamped = Halide::min(f.column, a.valueWidth - 1);
  f.partial(f.args({f.column}, {f.chunk})) =
      Halide::select(f.column < a.valueWidth, f.values(f.args({clamped}, {f.chunk})), f.column == a.valueWidth,
                     f.maxima(f.args({}, {f.chunk})), f.sums(f.args({}, {f.chunk})));
}

/// Puts the chunks together.
struct Merge {
  Func maximum{"context_maximum"}, factors{"factors"}, total{"total"}, sum{"context_values"};
  RDom chunks;
};

Merge defineMerge(Pipeline &pipeline, const Decode &a, Funcs &f) {
  Merge m;
  m.chunks = RDom(0, f.chunks, "chunks");
  auto partial = [&](const Expr &column, const Expr &chunk) { return Expr(f.partial(f.args({column}, {chunk}))); };
  m.maximum(f.rest) = -INFINITY;
  m.maximum(f.rest) = maximum(m.maximum(f.rest), partial(a.valueWidth, m.chunks));
  m.factors(f.args({f.chunk}, {})) =
      math::exp(math::sub(partial(a.valueWidth, Halide::min(f.chunk, f.chunks - 1)), m.maximum(f.rest)));
  Expr factor = m.factors(f.args({m.chunks}, {}));
  m.total(f.rest) = 0.0f;
  m.total(f.rest) += factor * partial(a.valueWidth + 1, m.chunks);
  m.sum(f.args({f.column}, {})) = 0.0f;
  m.sum(f.args({f.column}, {})) += factor * partial(f.column, m.chunks);

  StageFunc stage;
  stage.func = Func("attended");
  stage.vars = pipeline.variables(a.values.stage);
  Exprs args(stage.vars.rbegin(), stage.vars.rend()), rest;
  for (int l = a.scores.column; l-- > 0;)
    rest.push_back(stage.vars[a.loopOf[l]]);
  Exprs point = rest;
  point.insert(point.begin(), stage.vars[a.values.column]);
  stage.func(args) = Halide::select(f.length > 0, math::div(m.sum(point), m.total(rest)), 0.0f);
  pipeline.adopt(a.values.stage, stage);
  return m;
}

//===-----------------------------------------------------------------------===//
// Schedule
//===-----------------------------------------------------------------------===//

using Order = std::vector<Halide::VarOrRVar>;

/// The loops of the scores that a task walks: queries, or heads; the last one innermost.
Order loopsIn(const Funcs &f, const std::vector<int> &loops) {
  Order order;
  for (size_t i = loops.size(); i-- > 0;)
    order.push_back(f.vars[loops[i]]);
  return order;
}

Order operator+(Order a, const Order &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Orders the loops, vectors and `unrolled` innermost.
void arrange(Halide::Stage stage, const Halide::VarOrRVar &vector, const Order &unrolled, const Order &around) {
  stage.reorder(Order{vector} + unrolled + around).vectorize(vector);
  for (const Halide::VarOrRVar &loop : unrolled)
    stage.unroll(loop);
}

/// Vectors that accumulate side by side for each of the queries, and divide `vectors`.
int vectorsAtOnce(const Pipeline &pipeline, int queries, int vectors) {
  int most = std::max(1, (pipeline.target().vectorBits == 512 ? 16 : 8) / queries), count = 1;
  for (int candidate = 1; candidate <= most; ++candidate)
    if (vectors % candidate == 0)
      count = candidate;
  return count;
}

int countQueries(const Pipeline &pipeline, const Decode &a) {
  int64_t count = 1;
  for (int l : a.queries)
    count *= pipeline.staticExtent(a.scores.stage, l);
  return int(count);
}

void scheduleDots(const Pipeline &pipeline, const Decode &a, Funcs &f, const LoopLevel &level) {
  Var rows("rows"), inRows("in_rows");
  Order queries = loopsIn(f, a.queries), heads = loopsIn(f, a.heads);
  int atOnce = vectorsAtOnce(pipeline, countQueries(pipeline, a), kKeyRows);
  f.dots.compute_at(level).bound_storage(f.row, kMostRows);
  f.dots.split(f.row, rows, inRows, a.lanes, TailStrategy::GuardWithIf).vectorize(inRows);
  Halide::Stage folds = f.dots.update();
  folds.split(f.row, rows, inRows, atOnce, TailStrategy::GuardWithIf);
  folds.reorder(Order{f.lanes.x, inRows} + queries + heads + Order{rows});
  folds.atomic().vectorize(f.lanes.x).vectorize(inRows);
  for (const Halide::VarOrRVar &query : queries)
    folds.unroll(query);
  Var innermost = heads.empty() ? rows : heads.front().var;
  LoopLevel inside(f.dots, a.inOrder ? rows : innermost);
  f.dotLanes.compute_at(inside).bound(f.lane, 0, a.lanes).bound_extent(f.row, atOnce);
  arrange(f.dotLanes, f.lane, Order{f.row} + queries, heads);
  if (a.inOrder) {
    arrange(f.dotLanes.update(), f.lane, queries, Order{f.depth.x} + heads + Order{f.row});
  } else {
    folds.prefetch(pipeline.input(a.scores.rhsOperand), innermost, rows, kKeysAhead,
                   PrefetchBoundStrategy::NonFaulting);
    arrange(f.dotLanes.update(), f.lane, Order{f.row} + queries, Order{f.depth.x} + heads);
  }
}

void scheduleSoftmax(const Decode &a, Funcs &f, const LoopLevel &level) {
  Var vectors("vectors"), lane("vector");
  Halide::RVar scoredVectors("scored_vectors"), scoredLane("scored_lane");
  f.scores.compute_at(level).bound_storage(f.row, kMostRows);
  f.scores.split(f.row, vectors, lane, a.lanes).vectorize(lane);
  f.scores.update().split(f.scored.x, scoredVectors, scoredLane, a.lanes, TailStrategy::GuardWithIf);
  f.scores.update().vectorize(scoredLane);
  f.exponentials.compute_at(level).bound_storage(f.row, kMostRows);
  f.exponentials.split(f.row, vectors, lane, a.lanes).vectorize(lane);
  for (Func *fold : {&f.maxima, &f.sums})
    fold->compute_at(level);
  for (auto [lanes, fold] : {std::pair(&f.maxLanes, &f.maxima), std::pair(&f.sumLanes, &f.sums)}) {
    Var innermost = f.vars[a.scores.column - 1];
    lanes->compute_at(*fold, innermost).bound(f.lane, 0, kBlockRows).vectorize(f.lane, a.lanes);
    lanes->update().reorder(f.lane, f.blocks.x).vectorize(f.lane, a.lanes);
  }
}

void scheduleValues(const Pipeline &pipeline, const Decode &a, Funcs &f, const LoopLevel &level) {
  Var tile("tile"), part("part"), lane("vector");
  Order queries = loopsIn(f, a.queries), heads = loopsIn(f, a.heads);
  int width = a.lanes * vectorsAtOnce(pipeline, countQueries(pipeline, a), a.valueWidth / a.lanes);
  auto tiles = [&](Halide::Stage stage, const Order &around) {
    stage.split(f.column, tile, part, width).split(part, part, lane, a.lanes);
    arrange(stage, lane, Order{part} + queries, Order{tile} + heads + around);
  };
  f.values.compute_at(level).bound(f.column, 0, a.valueWidth);
  tiles(f.values, {});
  tiles(f.values.update(), {f.valueBlocks.x});
  if (!a.inOrder)
    f.values.update().prefetch(pipeline.input(a.values.rhsOperand), tile, f.valueBlocks.x, 1,
                               PrefetchBoundStrategy::NonFaulting);
  f.blockValues.compute_at(f.values, tile).bound_extent(f.column, width);
  for (Halide::Stage stage : {Halide::Stage(f.blockValues), f.blockValues.update()})
    stage.split(f.column, part, lane, a.lanes);
  arrange(f.blockValues, lane, Order{part} + queries, {});
  arrange(f.blockValues.update(), lane, Order{part} + queries, {f.valueRows.x});
}

void schedulePartial(const Pipeline &pipeline, const Decode &a, Funcs &f) {
  Var part("part"), lane("vector");
  f.partial.compute_root().bound(f.column, 0, a.valueWidth + a.lanes).bound(f.chunk, 0, f.chunks);
  for (int l = 0; l < a.scores.column; ++l)
    f.partial.bound(f.vars[l], 0, pipeline.extent(a.scores.stage, l));
  f.partial.split(f.column, part, lane, a.lanes).vectorize(lane);
  std::vector<Var> outer;
  Expr count = f.chunks;
  int rowCost = countQueries(pipeline, a) * kScoreCost;
  rowCost += (a.keyDepth + a.valueWidth) * dtypeBytes(a.scores.rhsDtype) / kBytesPerOperation;
  for (int l : a.batch) {
    outer.push_back(f.vars[l]);
    count = count * pipeline.extent(a.scores.stage, l);
  }
  for (int l : a.heads)
    rowCost *= int(pipeline.staticExtent(a.scores.stage, l));
  outer.push_back(f.chunk);
  Order around(outer.rbegin(), outer.rend());
  f.partial.reorder(Order{lane, part} + loopsIn(f, a.queries) + loopsIn(f, a.heads) + around).unroll(part);
  LoopLevel task(f.partial, parallelTasks(f.partial, outer, count, f.rows * rowCost + 1));
  scheduleDots(pipeline, a, f, task);
  scheduleSoftmax(a, f, task);
  scheduleValues(pipeline, a, f, task);
}

void scheduleMerge(Pipeline &pipeline, const Decode &a, Funcs &f, Merge &m) {
  Var tile("tile"), part("part"), lane("vector");
  m.maximum.compute_root();
  m.factors.compute_root().vectorize(f.chunk, a.lanes, TailStrategy::RoundUp);
  m.total.compute_root();
  OutputFunc &output = pipeline.outputs()[0];
  int width = a.lanes * vectorsAtOnce(pipeline, 1, a.valueWidth / a.lanes);
  std::vector<Var> outer;
  Expr count = 1;
  for (int l = 0; l < int(output.vars.size()); ++l)
    if (l != a.values.column) {
      outer.push_back(output.vars[l]);
      count = count * pipeline.extent(a.values.stage, l);
    }
  Var column = output.vars[a.values.column];
  output.func.split(column, tile, part, width).split(part, part, lane, a.lanes);
  arrange(output.func, lane, {part}, Order{tile} + Order(outer.rbegin(), outer.rend()));
  parallelTasks(output.func, outer, count, f.chunks * (a.valueWidth / a.lanes) + 1);
  m.sum.compute_at(output.func, tile).bound_extent(f.column, width);
  m.sum.split(f.column, part, lane, a.lanes).vectorize(lane).unroll(part);
  m.sum.update().split(f.column, part, lane, a.lanes);
  arrange(m.sum.update(), lane, {part}, {m.chunks.x});
}

} // namespace

bool scheduleDecodeAttention(Pipeline &pipeline) {
  Decode a;
  if (!match(pipeline, a))
    return false;
  for (int s = 0; s < a.scores.stage; ++s)
    pipeline.define(s);
  Funcs f;
  defineChunks(pipeline, a, f);
  defineDots(pipeline, a, f);
  definePartial(pipeline, a, f);
  Merge merge = defineMerge(pipeline, a, f);
  for (int s = a.values.stage + 1; s < pipeline.numStages(); ++s)
    pipeline.define(s);
  pipeline.defineOutputs();
  if (pipeline.outputs().size() != 1)
    throw Halide::CompileError("expects an attention kernel with one group of outputs");
  schedulePartial(pipeline, a, f);
  scheduleMerge(pipeline, a, f, merge);
  return true;
}

} // namespace thresh::codegen
