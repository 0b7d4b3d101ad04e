//===- Rowwise.cpp - Softmax, norms: several reductions over the same rows ----===//
//
// All stages of a row are computed before the next row begins, so that the row stays in the first
// level cache and nothing but the result goes to memory. Row-sized stages that several others read
// are kept where recomputing them would cost more; rows are the parallel tasks.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Ops.h"
#include "codegen/Schedules/Lanes.h"
#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/Schedules.h"

using Halide::Expr;
using Halide::LoopLevel;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Loops that all stages share: those of the reduction with the fewest. -1 if there is no reduction or a stage
/// does not walk them in step with the stages that it reads.
int commonRows(const Pipeline &pipeline) {
  int rows = -1;
  for (int s = 0; s < pipeline.numStages(); ++s) {
    const Stage &stage = pipeline.stage(s);
    if (stage.parallel < int(stage.loops.size()) && (rows < 0 || stage.parallel < rows))
      rows = stage.parallel;
  }
  for (int s = 0; s < pipeline.numStages(); ++s) {
    const Stage &stage = pipeline.stage(s);
    for (const Node &node : stage.body) {
      if (node.op != Op::Load || node.source < kStageSource)
        continue;
      for (int d = 0; d < rows; ++d) {
        const Node *coordinate = d < int(node.args.size()) ? &stage.body[node.args[d]] : nullptr;
        if (!coordinate || coordinate->op != Op::Index || coordinate->integer != d)
          return -1;
      }
    }
  }
  return rows;
}

/// Whether a stage of more than the rows is worth keeping: several readers, and more than a load and an operation.
bool worthKeeping(const Pipeline &pipeline, int index) {
  int loads = 0;
  for (const Node &node : pipeline.stage(index).body)
    loads += node.op == Op::Load;
  return pipeline.consumers(index).size() > 1 && (loads > 2 || bodyCost(pipeline.stage(index)) > 16);
}

void vectorizeLast(Halide::Stage stage, const Var &last, int lanes) {
  Var vectors("vectors"), lane("lane");
  stage.split(last, vectors, lane, lanes, TailStrategy::GuardWithIf).vectorize(lane);
}

} // namespace

void scheduleRowwise(Pipeline &pipeline) {
  int rows = commonRows(pipeline);
  if (rows <= 0)
    return scheduleReduction(pipeline);
  std::vector<LaneReduction> lanes(pipeline.numStages());
  Expr cost = 1;
  for (int s = 0; s < pipeline.numStages(); ++s) {
    const Stage &stage = pipeline.stage(s);
    if (stage.parallel < int(stage.loops.size()) && reducesInLanes(pipeline, s))
      lanes[s] = defineLanes(pipeline, s);
    pipeline.define(s);
    Expr points = 1;
    for (int l = rows; l < int(stage.loops.size()); ++l)
      points = points * pipeline.extent(s, l);
    cost = cost + points * bodyCost(stage) / 8;
  }
  pipeline.defineOutputs();
  if (pipeline.outputs().size() != 1) {
    for (LaneReduction &reduction : lanes)
      if (reduction.stage >= 0)
        computeLanes(reduction, LoopLevel::root());
    for (int s = 0; s < pipeline.numStages(); ++s)
      if (pipeline.stage(s).parallel < int(pipeline.stage(s).loops.size())) {
        pipeline.func(s).func.compute_root();
        boundLoops(pipeline, s, pipeline.func(s).func, 0);
      }
    for (OutputFunc &output : pipeline.outputs())
      scheduleFlat(pipeline, output);
    return;
  }

  OutputFunc &output = pipeline.outputs()[0];
  Expr count = 1;
  for (int l = 0; l < rows; ++l)
    count = count * pipeline.outputExtent(output, l);
  Var step = parallelTasks(output.func, {output.vars.begin(), output.vars.begin() + rows}, count, cost);
  LoopLevel level(output.func, step), storage(output.func, Var("task"));
  int bytes = dtypeBytes(pipeline.spec().operands[output.firstOperand].dtype);
  if (int(output.vars.size()) > rows)
    vectorizeLast(output.func, output.vars.back(), vectorLanes(pipeline, bytes));
  for (int s = 0; s < pipeline.numStages(); ++s) {
    const Stage &stage = pipeline.stage(s);
    StageFunc &func = pipeline.func(s);
    bool reduces = stage.parallel < int(stage.loops.size());
    if (lanes[s].stage >= 0)
      computeLanes(lanes[s], level);
    bool perRow = stage.parallel == rows;
    if (!reduces && !perRow && !worthKeeping(pipeline, s))
      continue;
    func.func.compute_at(level).hoist_storage(storage);
    boundLoops(pipeline, s, func.func, rows);
    if (perRow)
      continue;
    vectorizeLast(func.func, func.vars.back(), vectorLanes(pipeline, dtypeBytes(stage.dtypes[0])));
    if (reduces && lanes[s].stage < 0)
      vectorizeLast(func.func.update(), func.vars.back(), vectorLanes(pipeline, dtypeBytes(stage.dtypes[0])));
  }
}

} // namespace thresh::codegen
