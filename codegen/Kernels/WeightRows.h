//===- WeightRows.h - Weights that are read row by row -----------------------===//
#ifndef THRESH_CODEGEN_KERNELS_WEIGHTROWS_H
#define THRESH_CODEGEN_KERNELS_WEIGHTROWS_H

#include "codegen/Generic/Pipeline.h"

#include <functional>

namespace thresh::codegen {

/// Codes with one scale.
constexpr int kRowGroup = 32;

/// Weights [N, width] in one of the formats; element (column, row) is `element` times `scale` of its group.
struct WeightRows {
  const Halide::ImageParam *elements = nullptr, *scales = nullptr;
  DType dtype = DType::F32;
  int width = 0;
  int bits = 32; ///< of one element

  bool coded() const { return scales != nullptr; }
  int groups() const { return width / kRowGroup; }
  int rowBytes() const { return width * bits / 8; }
  /// Columns of a line, or of as much of it as divides the width.
  int lineColumns() const;

  /// What stands for 0 in 8 bits or 4.
  int zero() const { return coded() ? 1 << (bits - 1) : 0; }
  /// The unsigned code of an element.
  Halide::Expr code(const Halide::Expr &column, const Halide::Expr &row) const;
  /// A code of byte `byte` of a row: of 4 bits, half 0 is the low one.
  Halide::Expr codeOfByte(const Halide::Expr &byte, const Halide::Expr &half, const Halide::Expr &row) const;
  /// The element in f32, without its scale.
  Halide::Expr element(const Halide::Expr &column, const Halide::Expr &row) const {
    return fromPlain(plain(column, row));
  }
  /// The element as a copy keeps it, unpacked and signed, and this in f32 without its scale.
  Halide::Expr plain(const Halide::Expr &column, const Halide::Expr &row) const;
  Halide::Expr fromPlain(const Halide::Expr &value) const;
  Halide::Expr scale(const Halide::Expr &group, const Halide::Expr &row) const {
    return Halide::cast<float>((*scales)(group, row));
  }
};

/// The weights at `operand` in the format that the parameters name; `operand` becomes the next one.
WeightRows takeWeightRows(const Pipeline &pipeline, int &operand);

/// The operands of active_rows.
struct ChosenRows {
  const Halide::ImageParam *x = nullptr; ///< null if not gated
  const Halide::ImageParam *indices = nullptr, *values = nullptr, *counts = nullptr;
  WeightRows up, down; ///< no `up` if not gated
  int neurons = 0;
  bool gated = false;

  explicit ChosenRows(const Pipeline &pipeline);
  /// The neurons of a row of x. Loop bounds may depend on it, as they may not on the ImageParam's Func.
  Halide::Expr count(const Halide::Expr &token) const {
    return Halide::Internal::Call::make(counts->parameter(), {token});
  }
};

using AtColumn = std::function<Halide::Expr(const Halide::Expr &column)>;
using AtGroup = std::function<Halide::Expr(const Halide::Expr &group)>;

/// Products of x and rows of floats that are read side by side, a line of each in turn.
struct RowDots {
  Halide::Func partial{"dot_lanes"}; ///< (lane, place...)
  Halide::Func sums{"dots"};         ///< (place...)
  Halide::RDom depth;                ///< (vector, line): along the rows; undefined if these are too short
  Halide::RDom rest;                 ///< what is left of the rows
  Halide::Var lane{"lane"};
};

/// `place`: the loops, the first over the rows that are read side by side; `weight`: the f32 at a column of the row
/// there; `lanes`: floats of a vector.
RowDots defineRowDots(const WeightRows &weights, int lanes, const std::vector<Halide::Var> &place,
                      const AtColumn &weight, const AtColumn &x);

/// Computes the products of `rows` rows in every step of `level`, which goes through all other loops.
void scheduleRowDots(RowDots &dots, int lanes, int rows, const Halide::LoopLevel &level);

/// Bounds the loops of `func` from number `first` on: all of `rows` rows, one step of every other.
void boundPlace(Halide::Func func, size_t first, int rows);

/// Schedules the last part of such products, whose only reduction is over the lanes.
void scheduleRowSums(Halide::Func sums, int rows, const Halide::LoopLevel &level);

/// Schedules something in the same way that has a value for every group: of (group, place...).
void scheduleGroups(Halide::Func func, const WeightRows &weights, int lanes, int rows, const Halide::LoopLevel &level);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_WEIGHTROWS_H
