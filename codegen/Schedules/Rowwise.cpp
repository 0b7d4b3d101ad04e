//===- Rowwise.cpp ---===//
#include "codegen/Schedules/Schedules.h"
namespace thresh::codegen {
void scheduleRowwise(Pipeline &pipeline) { scheduleElementwise(pipeline); }
}
