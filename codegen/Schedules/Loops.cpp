//===- Loops.cpp - Loop shapes that the schedule rules share -----------------===//

#include "codegen/Schedules/Loops.h"
#include "codegen/Ops.h"

using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {

/// Simple operations that outweigh handing a task to another thread.
constexpr int kTaskCost = 1 << 15;

int vectorLanes(const Pipeline &pipeline, int bytes) { return pipeline.target().vectorBits / 8 / std::max(bytes, 4); }

int vectorThatDivides(int lanes, int count) {
  while (count % lanes != 0)
    lanes /= 2;
  return lanes;
}

int bodyCost(const Stage &stage) {
  int cost = 1;
  for (const Node &node : stage.body) {
    bool function = opInfo(node.op).cls == OpClass::Float && node.op != Op::Fma && node.op != Op::Sqrt;
    cost += function ? 16 : 1;
  }
  return cost;
}

Expr stepsPerTask(const Expr &count, const Expr &cost) {
  Expr enough = (kTaskCost + cost - 1) / cost;
  Expr least = Halide::max(Halide::max(enough, (count + 63) / 64), 1);
  Expr tasks = Halide::max((count + least - 1) / least, 1);
  return Halide::max((count + tasks - 1) / tasks, 1);
}

Var parallelTasks(Halide::Stage stage, const std::vector<Var> &outer, const Expr &count, const Expr &cost) {
  if (outer.empty())
    return Var();
  Var fused = outer.back();
  for (size_t i = outer.size() - 1; i-- > 0;) {
    Var next("f" + std::to_string(i));
    stage.fuse(fused, outer[i], next);
    fused = next;
  }
  Var task("task"), step("step");
  stage.split(fused, task, step, stepsPerTask(count, cost), TailStrategy::GuardWithIf).parallel(task);
  return step;
}

void boundLoops(const Pipeline &pipeline, int stage, Func func, int first) {
  std::vector<Var> args = func.args();
  for (int l = first; l < int(args.size()); ++l)
    func.bound(args[args.size() - 1 - l], 0, pipeline.extent(stage, l));
}

void scheduleFlat(Pipeline &pipeline, OutputFunc &output) {
  if (output.vars.empty())
    return;
  int bytes = dtypeBytes(pipeline.spec().operands[output.firstOperand].dtype);
  int lanes = vectorLanes(pipeline, bytes);
  int cost = 0;
  for (int s = 0; s <= output.stage; ++s)
    cost += bodyCost(pipeline.stage(s));
  std::vector<Var> outer(output.vars.begin(), output.vars.end() - 1);
  Var vectors("vectors"), lane("lane");
  Expr extent = pipeline.outputExtent(output, int(output.vars.size()) - 1);
  output.func.split(output.vars.back(), vectors, lane, lanes, TailStrategy::GuardWithIf).vectorize(lane);
  if (outer.empty()) {
    parallelTasks(output.func, {vectors}, (extent + lanes - 1) / lanes, cost);
    return;
  }
  Expr count = 1;
  for (size_t i = 0; i < outer.size(); ++i)
    count = count * pipeline.outputExtent(output, int(i));
  parallelTasks(output.func, outer, count, Halide::max(extent, 1) * cost / lanes + 1);
}

} // namespace thresh::codegen
