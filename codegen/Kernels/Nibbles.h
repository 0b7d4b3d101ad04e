//===- Nibbles.h - Codes of 4 bits as floats, by their bits ------------------===//
//
// A conversion of integers to floats takes as long as a multiply-add, and spreading bytes over a vector longer. Codes
// of 4 bits need neither: a word of 8 of them is shifted until one lies at the top of a significand, and a mask and an
// exponent make it the float 1 + code / 16.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_KERNELS_NIBBLES_H
#define THRESH_CODEGEN_KERNELS_NIBBLES_H

#include "codegen/Kernels/WeightRows.h"

namespace thresh::codegen {

/// Codes of a word of 32 bits.
constexpr int kWordNibbles = 8;
/// Words of a group of codes.
constexpr int kGroupWords = kRowGroup / kWordNibbles;

/// Word `word` of a row of codes of 4 bits.
Halide::Expr wordOfNibbles(const WeightRows &weights, const Halide::Expr &word, const Halide::Expr &row);

/// What one more of a code adds to its float.
constexpr float kNibbleUnit = 1.0f / 16;

/// 1 + code * kNibbleUnit of code `nibble` of a word.
Halide::Expr floatOfNibble(const Halide::Expr &word, const Halide::Expr &nibble);

/// Where a column is if each line of columns is ordered by (word, nibble): first nibble 0 of all of its words.
Halide::Expr placeOfNibble(const Halide::Expr &column, int lineColumns);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_NIBBLES_H
