//===- Schedules.cpp - Choose the schedule rule ------------------------------===//

#include "codegen/Schedules/Schedules.h"
#include "codegen/Kernels/Kernels.h"

namespace thresh::codegen {

void schedule(Pipeline &pipeline) {
  switch (pipeline.spec().family) {
  case Family::Elementwise: return scheduleElementwise(pipeline);
  case Family::Reduction: return scheduleReduction(pipeline);
  case Family::Rowwise: return scheduleRowwise(pipeline);
  case Family::Matmul: return scheduleMatmul(pipeline);
  case Family::Attention: return scheduleAttention(pipeline);
  case Family::QuantizedMatmul: return scheduleQuantizedMatmul(pipeline);
  case Family::ChooseRows: return buildChooseRows(pipeline);
  case Family::ActiveRows: return buildActiveRows(pipeline);
  case Family::TopkAttention: return buildTopkAttention(pipeline);
  }
}

} // namespace thresh::codegen
