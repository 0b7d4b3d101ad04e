//===- CodeDots.h - Products of activations and codes as integers ------------===//
#ifndef THRESH_CODEGEN_KERNELS_CODEDOTS_H
#define THRESH_CODEGEN_KERNELS_CODEDOTS_H

#include "codegen/Kernels/WeightRows.h"

namespace thresh::codegen {

/// Rows of x as products with rows of codes take them: groups become integers of [-127, 127] and a scale. Rows of codes
/// are read byte by byte, vector by vector, and the integers lie as the codes do.
struct CodeActivations {
  int halves = 1;                    ///< codes in a byte: 1, or 2 as WeightRows has them
  int groups = 1;                    ///< of a vector of bytes
  int lanes = 0;                     ///< sums of i32 that a vector of bytes gives
  Halide::Func integers{"integers"}; ///< (byte, half, token): i8
  Halide::Func scales{"x_scales"};   ///< (group, token)
  Halide::Func zeros{"zeros"};       ///< (lane, step, token): what the zero points of the codes add to each sum
};

/// `lanes`: floats of a vector; `tokens`: rows of x.
CodeActivations defineCodeActivations(const WeightRows &weights, int halves, int lanes, const Halide::ImageParam &x,
                                      const Halide::Expr &tokens);

/// One row of codes.
struct RowOfCodes {
  std::function<Halide::Expr(const Halide::Expr &byte, const Halide::Expr &half)> code; ///< u8
  AtGroup scale;
  std::function<Halide::Expr(const Halide::Expr &step)> fetch; ///< 0, of a step; for all rows at once; may be none
};

/// Products of rows of x and rows of codes: sums of i32 within a group, of f32 over the groups, as quantized_matmul has
/// them. Codes are multiplied as they are, unsigned; a sum starts at its zero points.
struct CodeDots {
  Halide::Func halves{"halves"};     ///< (byte, half, step, place...): the codes of bytes with two
  Halide::Func fetched{"fetched"};   ///< (step, place... without the row): 0, once something is on its way
  Halide::Func products{"products"}; ///< (lane, step, place...): i32, of the codes of 4 bytes each
  Halide::Func scales{"scales"};     ///< (group, place...): of activations times codes
  Halide::Func partial{"dot_lanes"}; ///< (lane, place...)
  Halide::Func sums{"dots"};         ///< (place...)
  Halide::RDom steps, codes;         ///< codes: (neighbour, half)
  Halide::Var lane{"lane"}, step{"step"}, group{"group"}, byte{"byte"}, half{"half"};
  int lanes = 0, groupLanes = 0; ///< sums of i32 in a vector, and of one group in it
};

/// `place`: the loops, the first over the rows that are read side by side, `token` among them; `row`: the row there.
CodeDots defineCodeDots(const WeightRows &weights, const CodeActivations &x, const std::vector<Halide::Var> &place,
                        const Halide::Var &token, const RowOfCodes &row);

/// Computes the products of `rows` rows in every step of `level`, which goes through all other loops.
void scheduleCodeDots(CodeDots &dots, const WeightRows &weights, int rows, const Halide::LoopLevel &level);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_CODEDOTS_H
