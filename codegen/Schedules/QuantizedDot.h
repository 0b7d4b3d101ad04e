//===- QuantizedDot.h - Recognise a matmul on quantised weights ---------------===//
//
// Two stages, for weights of 8 or 4 bits in groups of 32 along k, and activations of 8 bits with a scale per group:
//   dot[row, column, group] = sum over 32 j of (code - zero) * activation
//   sum[row, column]        = init + sum over groups of dot * weight
// Codes are bytes, codes[panel][step][lane][4] with 16 lanes a panel; a byte holds one code (a step is 4 of k) or
// two (a step is 8 of k: the low halves are the first 4). codegen/README.md says more.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_QUANTIZEDDOT_H
#define THRESH_CODEGEN_SCHEDULES_QUANTIZEDDOT_H

#include "codegen/Generic/Pipeline.h"

namespace thresh::codegen {

/// Elements of k that share a scale.
constexpr int kGroup = 32;
/// Neighbours along k that lie side by side in a lane, as one dot product of u8 and i8 takes them.
constexpr int kDepth = 4;

struct QuantizedDot {
  int dot = -1, sum = -1; ///< stages
  int row = -1;           ///< loop of both stages; -1: none
  int column = -1;        ///< loop of both stages
  int halves = 1;         ///< codes per byte: 1 or 2
  int zero = 0;           ///< the code that stands for 0
  int codes = -1;         ///< node of `dot`: the byte
  int codesOperand = -1;  ///< the operand that it comes from
  int activation = -1;    ///< node of `dot`: an I8
  int weight = -1;        ///< node of `sum`: what a dot product is multiplied by, F32
};

/// Whether the only reductions of the pipeline are these two stages.
bool matchQuantizedDot(const Pipeline &pipeline, QuantizedDot &dot);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_QUANTIZEDDOT_H
