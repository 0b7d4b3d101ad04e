//===- CodeDots.h - Products of activations and codes as integers ------------===//
#ifndef THRESH_CODEGEN_KERNELS_CODEDOTS_H
#define THRESH_CODEGEN_KERNELS_CODEDOTS_H

#include "codegen/Kernels/WeightRows.h"

namespace thresh::codegen {

/// Products of rows of x, whose groups become integers of [-127, 127] and a scale, and rows of codes: sums of i32
/// within a group, of f32 over the groups, as quantized_matmul has them. Codes are multiplied as they are, unsigned; a
/// sum starts at what their zero points add to it.
struct CodeDots {
  Halide::Func integers{"integers"}; ///< (column, token): i8
  Halide::Func xScales{"x_scales"};  ///< (group, token)
  Halide::Func zeros{"zeros"};       ///< (lane, step, token): i32
  Halide::Func products{"products"}; ///< (lane, step, place...): i32, of 4 codes each
  Halide::Func scales{"scales"};     ///< (group, place...): of activations times codes
  Halide::Func partial{"dot_lanes"}; ///< (lane, place...)
  Halide::Func sums{"dots"};         ///< (place...)
  Halide::RDom steps, neighbours;
  Halide::Var lane{"lane"}, step{"step"}, group{"group"}, column{"column"};
  int lanes = 0; ///< sums of i32 in a vector
};

/// `place`: the loops, the first over the rows that are read side by side, `token` among them; `code`: the u8 at a
/// column there; `scale`: of a group there; `tokens`: rows of x.
CodeDots defineCodeDots(const WeightRows &weights, int lanes, const std::vector<Halide::Var> &place,
                        const Halide::Var &token, const Halide::Expr &tokens, const Halide::ImageParam &x,
                        const AtColumn &code, const AtGroup &scale);

/// Computes the products of `rows` rows in every step of `level`, which goes through all other loops.
void scheduleCodeDots(CodeDots &dots, const WeightRows &weights, int rows, const Halide::LoopLevel &level);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_CODEDOTS_H
