//===- Reduction.cpp - Reductions, and every kernel that no better rule fits ---===//
//
// A reduction along the contiguous loop folds in lanes, with the rows as parallel tasks. One across
// it keeps a strip of a few vectors of columns in registers while it walks the reduced loops, with
// the strips as tasks. Reductions that feed anything but a single output are computed one by one.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Ops.h"
#include "codegen/Schedules/Contraction.h"
#include "codegen/Schedules/Lanes.h"
#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/Schedules.h"

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Vectors of columns that a strip holds.
constexpr int kStripVectors = 4;

Expr loopProduct(const Pipeline &pipeline, int stage, int from, int to) {
  Expr product = 1;
  for (int l = from; l < to; ++l)
    product = product * pipeline.extent(stage, l);
  return product;
}

int storedBytes(const Stage &stage) {
  int bytes = 1;
  for (DType dtype : stage.dtypes)
    bytes = std::max(bytes, dtypeBytes(dtype));
  return bytes;
}

/// Strips of columns of `consumer`, whose loops are those of the stage; the reduction runs inside a strip.
void scheduleAcross(Pipeline &pipeline, int index, Func consumer, const std::vector<Var> &vars) {
  const Stage &stage = pipeline.stage(index);
  StageFunc &reduction = pipeline.func(index);
  int lanes = vectorLanes(pipeline, storedBytes(stage)), strip = lanes * kStripVectors;
  Var strips("strips"), column("column"), part("part"), vector("vector");
  consumer.split(vars.back(), strips, column, strip, TailStrategy::GuardWithIf);
  consumer.split(column, part, vector, lanes, TailStrategy::GuardWithIf).vectorize(vector);
  std::vector<Var> outer(vars.begin(), vars.end() - 1);
  outer.push_back(strips);
  int last = stage.parallel - 1;
  Expr count = loopProduct(pipeline, index, 0, last) * ((pipeline.extent(index, last) + strip - 1) / strip);
  Expr depth = loopProduct(pipeline, index, stage.parallel, int(stage.loops.size()));
  Var step = parallelTasks(consumer, outer, count, Halide::max(depth, 1) * bodyCost(stage) * kStripVectors);

  Var x = reduction.vars.back();
  reduction.func.compute_at(consumer, step);
  reduction.func.split(x, part, vector, lanes, TailStrategy::GuardWithIf).vectorize(vector);
  Halide::Stage update = reduction.func.update();
  update.split(x, part, vector, lanes, TailStrategy::GuardWithIf);
  std::vector<Halide::VarOrRVar> order = {vector, part};
  for (int d = 0; d < reduction.domain.dimensions(); ++d)
    order.push_back(reduction.domain[d]);
  update.reorder(order).vectorize(vector);
}

/// One reduction per step of the consumer's rows.
void scheduleRows(Pipeline &pipeline, int index, LaneReduction *lanes, Func consumer, const std::vector<Var> &vars) {
  const Stage &stage = pipeline.stage(index);
  Expr count = loopProduct(pipeline, index, 0, stage.parallel);
  Expr depth = loopProduct(pipeline, index, stage.parallel, int(stage.loops.size()));
  Expr cost = Halide::max(depth, 1) * bodyCost(stage) / (lanes ? lanes->vector : 1) + 1;
  Var step = parallelTasks(consumer, vars, count, cost);
  LoopLevel level = vars.empty() ? LoopLevel::root() : LoopLevel(consumer, step);
  if (lanes)
    computeLanes(*lanes, level);
  else
    pipeline.func(index).func.compute_at(level);
}

/// Whether the innermost parallel loop is the contiguous one of some load.
bool readsAcross(const Stage &stage) {
  for (const Node &node : stage.body) {
    if (node.op != Op::Load || node.args.empty() || stage.parallel == 0)
      continue;
    const Node &coordinate = stage.body[node.args.back()];
    if (coordinate.op == Op::Index && coordinate.integer == stage.parallel - 1)
      return true;
  }
  return false;
}

} // namespace

void scheduleReduction(Pipeline &pipeline) {
  std::vector<LaneReduction> lanes(pipeline.numStages());
  std::vector<int> reductions;
  for (int s = 0; s < pipeline.numStages(); ++s) {
    bool reduces = pipeline.stage(s).parallel < int(pipeline.stage(s).loops.size());
    if (reduces)
      reductions.push_back(s);
    if (reduces && reducesInLanes(pipeline, s))
      lanes[s] = defineLanes(pipeline, s);
    pipeline.define(s);
  }
  pipeline.defineOutputs();
  bool single = reductions.size() == 1 && pipeline.outputs().size() == 1 && walksInStep(pipeline, reductions[0]);
  for (int s : reductions) {
    LaneReduction *inLanes = lanes[s].stage >= 0 ? &lanes[s] : nullptr;
    // A fold is a pure Func of its rows; any other reduction gets such a Func in front.
    Func consumer = single ? pipeline.outputs()[0].func : inLanes ? pipeline.func(s).func : pipeline.func(s).func.in();
    std::vector<Var> vars = single ? pipeline.outputs()[0].vars : pipeline.func(s).vars;
    if (!single) {
      consumer.compute_root();
      boundLoops(pipeline, s, consumer, 0);
    }
    if (!inLanes && readsAcross(pipeline.stage(s)))
      scheduleAcross(pipeline, s, consumer, vars);
    else
      scheduleRows(pipeline, s, inLanes, consumer, vars);
  }
  if (!single)
    for (OutputFunc &output : pipeline.outputs())
      scheduleFlat(pipeline, output);
}

} // namespace thresh::codegen
