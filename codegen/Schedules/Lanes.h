//===- Lanes.h - Reductions along the contiguous loop, in vector lanes -------===//
//
// A sum over a row becomes `width` partial sums, one per lane of a few vectors, which a short tree
// folds into one. Done by hand, because Halide's rfactor must prove that the operation is
// associative, which it cannot for a maximum that propagates NaN.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_LANES_H
#define THRESH_CODEGEN_SCHEDULES_LANES_H

#include "codegen/Generic/Pipeline.h"

namespace thresh::codegen {

struct LaneReduction {
  int stage = -1;
  int vector = 16;      ///< elements of one vector
  int width = 16;       ///< partial results, a multiple of `vector`
  Halide::Func partial; ///< (lane, parallel loops...)
  Halide::RDom blocks;  ///< whole blocks of `width` elements; undefined if there are none
  Halide::RDom rest;    ///< the last, incomplete block; undefined if there is none
  Halide::Func quarter; ///< (lane, parallel loops...): a quarter of the lanes, folded
  Halide::Var lane{"lane"};
};

/// Whether the last reduction loop is the contiguous one of most loads and every result is a fold of an
/// associative operation that does not look at the other results.
bool reducesInLanes(const Pipeline &pipeline, int stage);

/// Defines the stage as a fold of partial results.
LaneReduction defineLanes(Pipeline &pipeline, int stage);

/// Computes the partial results at `level`.
void computeLanes(LaneReduction &reduction, const Halide::LoopLevel &level);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_LANES_H
