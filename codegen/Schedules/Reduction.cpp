//===- Reduction.cpp ---===//
#include "codegen/Schedules/Schedules.h"
namespace thresh::codegen {
void scheduleReduction(Pipeline &pipeline) { scheduleElementwise(pipeline); }
}
