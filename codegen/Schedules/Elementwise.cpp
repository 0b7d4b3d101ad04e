//===- Elementwise.cpp - Kernels without reductions --------------------------===//
//
// Every stage is inlined into the output. After the collapse a dense kernel is one flat loop, so one
// rule does: vectors along the last loop, which is contiguous in the output, and tasks of equal work.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/Schedules.h"

namespace thresh::codegen {

void scheduleElementwise(Pipeline &pipeline) {
  for (int s = 0; s < pipeline.numStages(); ++s) {
    pipeline.define(s);
    if (pipeline.func(s).domain.defined())
      pipeline.func(s).func.compute_root();
  }
  pipeline.defineOutputs();
  for (OutputFunc &output : pipeline.outputs())
    scheduleFlat(pipeline, output);
}

} // namespace thresh::codegen
