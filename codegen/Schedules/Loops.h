//===- Loops.h - Loop shapes that the schedule rules share -------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_LOOPS_H
#define THRESH_CODEGEN_SCHEDULES_LOOPS_H

#include "codegen/Generic/Pipeline.h"

namespace thresh::codegen {

/// Bytes that memory brings while a core does a simple operation.
constexpr int kBytesPerOperation = 16;

/// Lanes of one vector register that hold elements of `bytes` bytes (4 at least: narrower ones are
/// computed in 32 bits).
int vectorLanes(const Pipeline &pipeline, int bytes);

/// The most elements, `lanes` or its half, its quarter and so on, whose vectors divide `count`.
int vectorThatDivides(int lanes, int count);

/// The values, a power of two of them, as one: the halves combined, again and again.
template <typename Combine> Halide::Expr foldHalves(std::vector<Halide::Expr> values, Combine combine) {
  for (size_t half = values.size() / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      values[i] = combine(values[i], values[i + half]);
  return values[0];
}

/// The coordinates of a Func: `first`, then `rest`, loops or values.
template <typename Range> Exprs behind(Exprs first, const Range &rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

/// Rough cost of evaluating the stage's body once, in simple operations.
int bodyCost(const Stage &stage);

/// How many of `count` steps of `cost` simple operations one task takes: enough to pay for waking a
/// thread, and at least a 64th of all, so that up to 16 threads share the work evenly. Tasks are of one size, as far
/// as that goes; a small loop is one task.
Halide::Expr stepsPerTask(const Halide::Expr &count, const Halide::Expr &cost);

/// Makes `outer` loops of `stage` one loop, split in tasks that run in parallel. Returns the loop over the
/// steps of a task. `cost`: of one step. With no outer loops returns an undefined Var.
Halide::Var parallelTasks(Halide::Stage stage, const std::vector<Halide::Var> &outer, const Halide::Expr &count,
                          const Halide::Expr &cost);

/// Tells Halide that `func`, over the loops of the stage, is needed on the whole of those from `first` on and nowhere
/// else. Bounds inference does not see through every guard, and what it adds would read inputs out of range.
void boundLoops(const Pipeline &pipeline, int stage, Halide::Func func, int first);

/// Schedules an output whose stages are inlined: vectors along the last loop, tasks along the others.
void scheduleFlat(Pipeline &pipeline, OutputFunc &output);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_LOOPS_H
