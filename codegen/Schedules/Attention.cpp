//===- Attention.cpp - Contraction, softmax, contraction without the full matrix ---===//
//
// The scores of a block of query rows against all keys live in the cache; softmax works on them in
// place, and the second contraction reads them while they are hot. A softmax's division by the row's
// sum is taken out of the second contraction, which is linear: D values a row instead of S. The keys
// of a head are copied to panels once per group of blocks; one group of one head is a parallel task.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Lanes.h"
#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/RegisterTile.h"
#include "codegen/Schedules/Schedules.h"

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Query rows whose scores are kept at a time, and blocks of them that share the panels of the keys.
constexpr int kBlockRows = 16;
constexpr int kGroupBlocks = 8;
/// Width of a tile of scores: the number of keys is rarely known, and a wider tile wastes more of its last strip.
constexpr int kScorePanels = 2;
/// Simple operations that softmax takes for one score.
constexpr int kSoftmaxCost = 32;

/// The parts of an attention kernel.
struct Attention {
  Contraction scores, values;
  int weights = -1;   ///< the stage that the second contraction reads as its lhs
  int numerator = -1; ///< node of the weights' stage if it divides by a value of the row, else -1
  int divisor = -1;
  std::vector<int> loopOf; ///< loop of the second contraction for every loop of the weights
};

/// The stages between the contractions walk the rows of the scores, and only the last of them leaves.
bool betweenInStep(const Pipeline &pipeline, const Attention &a) {
  int columns = a.scores.column;
  for (int s = a.scores.stage + 1; s < a.values.stage; ++s) {
    const Stage &stage = pipeline.stage(s);
    bool row = stage.parallel == columns, full = stage.parallel == columns + 1 && !reduces(stage);
    if (!row && !full)
      return false;
    for (const Node &node : stage.body)
      if (node.op == Op::Load && node.source >= kStageSource &&
          !loadsInStep(stage, node, std::min<int>(columns, int(node.args.size()))))
        return false;
    for (int consumer : pipeline.consumers(s))
      if (consumer < 0 || consumer > a.values.stage || (consumer == a.values.stage && s != a.weights))
        return false;
  }
  return true;
}

bool match(const Pipeline &pipeline, Attention &a) {
  std::vector<int> contractions;
  Contraction c;
  for (int s = 0; s < pipeline.numStages(); ++s)
    if (reduces(pipeline.stage(s)) && matchContraction(pipeline, s, c) && c.row >= 0)
      contractions.push_back(s);
  if (contractions.size() < 2)
    return false;
  matchContraction(pipeline, contractions.front(), a.scores);
  matchContraction(pipeline, contractions.back(), a.values);
  for (int s = 0; s < a.scores.stage; ++s)
    if (reduces(pipeline.stage(s)))
      return false;
  const Stage &values = pipeline.stage(a.values.stage);
  const Node &lhs = values.body[a.values.lhs];
  if (lhs.op != Op::Load || lhs.source <= kStageSource + a.scores.stage || a.values.stage <= a.scores.stage ||
      a.scores.row != a.scores.column - 1 || int(values.loops.size()) != values.parallel + 1)
    return false;
  a.weights = lhs.source - kStageSource;
  if (pipeline.stage(a.weights).parallel != a.scores.column + 1 || reduces(pipeline.stage(a.weights)))
    return false;
  for (int arg : lhs.args) {
    if (values.body[arg].op != Op::Index)
      return false;
    a.loopOf.push_back(int(values.body[arg].integer));
  }
  if (a.loopOf[a.scores.row] != a.values.row || a.loopOf[a.scores.column] != values.parallel)
    return false;
  const Stage &weights = pipeline.stage(a.weights);
  const Node &last = weights.body[weights.results[0]];
  const Node &init = values.body[values.inits[0]];
  if (last.op == Op::Div && init.op == Op::Const && init.real == 0 &&
      !loopsOf(weights, last.args[1])[a.scores.column] &&
      pipeline.consumers(a.weights) == std::vector<int>{a.values.stage}) {
    a.numerator = last.args[0];
    a.divisor = last.args[1];
  }
  return betweenInStep(pipeline, a);
}

/// Defines the stage of the weights; without the division where that is taken out.
void defineWeights(Pipeline &pipeline, const Attention &a) {
  if (a.numerator < 0)
    return pipeline.define(a.weights);
  StageFunc weights;
  weights.func = Func("weights");
  weights.vars = pipeline.variables(a.weights);
  Exprs args(weights.vars.rbegin(), weights.vars.rend()), loops(weights.vars.begin(), weights.vars.end());
  weights.func(args) = pipeline.evaluate(a.weights, loops, {}, {a.numerator})[0];
  pipeline.adopt(a.weights, weights);
}

/// The tile of a contraction as its stage, `finish` applied to every element.
template <typename Finish>
void adoptTile(Pipeline &pipeline, const Contraction &c, const TileFunc &tile, Finish finish) {
  StageFunc result;
  result.func = Func("contraction");
  result.vars = pipeline.variables(c.stage);
  Exprs args(result.vars.rbegin(), result.vars.rend());
  result.func(args) = finish(tileAt(tile, c, result.vars), result.vars);
  pipeline.adopt(c.stage, result);
}

/// Splits the loops `column` and `row` of `f` into register tiles, with the loops `outside` around them, innermost
/// first. Returns the loop of a tile.
Var tileLoops(Func f, const Var &column, const Var &row, const Tile &shape, const std::vector<Var> &outside) {
  Var strip("strip"), inner("inner"), part("part"), lane("lane"), rows("rows"), tiles("tiles");
  f.split(column, strip, inner, shape.panels * kPanel, TailStrategy::GuardWithIf);
  f.split(inner, part, lane, shape.lanes).vectorize(lane);
  f.split(row, tiles, rows, shape.rows, TailStrategy::GuardWithIf);
  std::vector<Halide::VarOrRVar> order = {lane, part, rows, strip, tiles};
  order.insert(order.end(), outside.begin(), outside.end());
  f.reorder(order).unroll(part).never_partition_all();
  return strip;
}

/// Everything between the contractions, for the rows of one block.
struct Block {
  LoopLevel level, storage;
};

void scheduleScores(Pipeline &pipeline, const Attention &a, TileFunc &tile, const Tile &shape, int index,
                    const Block &block) {
  StageFunc &stage = pipeline.func(index);
  stage.func.compute_at(block.level).hoist_storage(block.storage);
  boundLoops(pipeline, index, stage.func, a.scores.column);
  Var strip = tileLoops(stage.func, stage.vars[a.scores.column], stage.vars[a.scores.row], shape, {});
  scheduleTile(tile, shape, shape.rows, stage.func, strip);
}

void scheduleBetween(Pipeline &pipeline, const Attention &a, std::vector<LaneReduction> &lanes, int scoresStage,
                     const Block &block) {
  for (int s = a.scores.stage + 1; s < a.values.stage; ++s) {
    const Stage &stage = pipeline.stage(s);
    StageFunc &func = pipeline.func(s);
    if (s == scoresStage || (s == a.weights && a.numerator >= 0))
      continue;
    bool full = stage.parallel == a.scores.column + 1;
    if (full && s != a.weights && pipeline.consumers(s).size() < 2)
      continue; // inlined
    func.func.compute_at(block.level).hoist_storage(block.storage);
    boundLoops(pipeline, s, func.func, a.scores.column);
    if (lanes[s].stage >= 0)
      computeLanes(lanes[s], LoopLevel(func.func, func.vars[a.scores.row]));
    if (full) {
      Var vectors("vectors"), lane("lane");
      int width = vectorLanes(pipeline, dtypeBytes(stage.dtypes[0]));
      func.func.split(func.vars.back(), vectors, lane, width, TailStrategy::GuardWithIf).vectorize(lane);
    }
  }
}

/// The stage whose elements the score tiles fill: the scores, or the one elementwise stage that reads them.
int tiledStage(const Pipeline &pipeline, const Attention &a) {
  std::vector<int> consumers = pipeline.consumers(a.scores.stage);
  if (consumers.size() == 1 && consumers[0] < a.values.stage && consumers[0] != a.weights &&
      !reduces(pipeline.stage(consumers[0])) && pipeline.stage(consumers[0]).parallel == a.scores.column + 1)
    return consumers[0];
  return a.scores.stage;
}

} // namespace

void scheduleAttention(Pipeline &pipeline) {
  if (scheduleDecodeAttention(pipeline))
    return;
  Attention a;
  if (!match(pipeline, a) || !walksInStep(pipeline, a.values.stage))
    return scheduleReduction(pipeline);
  for (int s = 0; s < a.scores.stage; ++s)
    pipeline.define(s);
  RhsPanels keys = makePanels(pipeline, a.scores);
  Tile scoreShape = chooseTile(pipeline, a.scores);
  scoreShape.panels = std::min(scoreShape.panels, kScorePanels);
  TileFunc scoreTile = defineTile(pipeline, a.scores, keys, "score_tile");
  adoptTile(pipeline, a.scores, scoreTile, [](const Expr &value, const std::vector<Var> &) { return value; });
  std::vector<LaneReduction> lanes(pipeline.numStages());
  for (int s = a.scores.stage + 1; s < a.values.stage; ++s) {
    if (s == a.weights)
      defineWeights(pipeline, a);
    else if (reduces(pipeline.stage(s)) && reducesInLanes(pipeline, s))
      lanes[s] = defineLanes(pipeline, s);
    pipeline.define(s);
  }
  RhsPanels values = makePanels(pipeline, a.values);
  Tile valueShape = chooseTile(pipeline, a.values);
  valueShape.rows = std::min(valueShape.rows, kBlockRows);
  TileFunc valueTile = defineTile(pipeline, a.values, values, "value_tile");
  adoptTile(pipeline, a.values, valueTile, [&](const Expr &value, const std::vector<Var> &vars) {
    if (a.numerator < 0)
      return value;
    Exprs loops;
    for (int d = 0; d < a.scores.column; ++d)
      loops.push_back(vars[a.loopOf[d]]);
    loops.emplace_back();
    return math::div(value, pipeline.evaluate(a.weights, loops, {}, {a.divisor})[0]);
  });
  for (int s = a.values.stage + 1; s < pipeline.numStages(); ++s)
    pipeline.define(s);
  pipeline.defineOutputs();
  if (pipeline.outputs().size() != 1)
    throw Halide::CompileError("expects an attention kernel with one group of outputs");

  OutputFunc &output = pipeline.outputs()[0];
  Var row = output.vars[a.values.row], group("group"), block("block"), rows("block_rows");
  int blockRows = kBlockRows / valueShape.rows * valueShape.rows, groupRows = blockRows * kGroupBlocks;
  output.func.split(row, block, rows, blockRows, TailStrategy::GuardWithIf);
  output.func.split(block, group, block, kGroupBlocks, TailStrategy::GuardWithIf);
  Expr queries = pipeline.extent(a.values.stage, a.values.row);
  Expr count = (queries + groupRows - 1) / groupRows;
  std::vector<Var> outer;
  for (int loop : a.values.outer) {
    outer.push_back(output.vars[loop]);
    count = count * pipeline.extent(a.values.stage, loop);
  }
  outer.push_back(group);
  std::vector<Var> outside = {block};
  outside.insert(outside.end(), outer.rbegin(), outer.rend());
  Var strip = tileLoops(output.func, output.vars[a.values.column], rows, valueShape, outside);
  Expr perScore = depth(pipeline, a.scores) + pipeline.extent(a.values.stage, a.values.column) + kSoftmaxCost;
  Expr cost = Halide::min(queries, groupRows) * depth(pipeline, a.values) * perScore / scoreShape.lanes + 1;
  Var step = parallelTasks(output.func, outer, count, cost);

  Block at{LoopLevel(output.func, block), LoopLevel(output.func, Var("task"))};
  int tiled = tiledStage(pipeline, a);
  scheduleScores(pipeline, a, scoreTile, scoreShape, tiled, at);
  scheduleBetween(pipeline, a, lanes, tiled, at);
  scheduleTile(valueTile, valueShape, valueShape.rows, output.func, strip);
  schedulePanels(pipeline, a.scores, keys, scoreShape.lanes, output.func, step);
  schedulePanels(pipeline, a.values, values, valueShape.lanes, output.func, step);
}

} // namespace thresh::codegen
