//===- Attention.cpp ---===//
#include "codegen/Schedules/Schedules.h"
namespace thresh::codegen {
void scheduleAttention(Pipeline &pipeline) { scheduleElementwise(pipeline); }
}
