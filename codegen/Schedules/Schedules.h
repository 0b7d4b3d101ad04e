//===- Schedules.h - How each family of kernels is computed ------------------===//
//
// One rule per family. A rule defines the stages of the pipeline, in its own way where that is
// faster, defines the outputs and schedules everything. Any spec is correct under any rule: a rule
// that does not recognise the shape of a spec hands it to a more general one.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_SCHEDULES_H
#define THRESH_CODEGEN_SCHEDULES_SCHEDULES_H

#include "codegen/Generic/Pipeline.h"

namespace thresh::codegen {

/// Applies the rule of the pipeline's family.
void schedule(Pipeline &pipeline);

void scheduleElementwise(Pipeline &pipeline);
void scheduleReduction(Pipeline &pipeline);
void scheduleRowwise(Pipeline &pipeline);
void scheduleMatmul(Pipeline &pipeline);
void scheduleAttention(Pipeline &pipeline);
void scheduleQuantizedMatmul(Pipeline &pipeline);
/// Attention for few queries, statically: false, and nothing done, if the pipeline is not of that kind.
bool scheduleDecodeAttention(Pipeline &pipeline);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_SCHEDULES_H
