//===- Matmul.cpp ---===//
#include "codegen/Schedules/Schedules.h"
namespace thresh::codegen {
void scheduleMatmul(Pipeline &pipeline) { scheduleElementwise(pipeline); }
}
