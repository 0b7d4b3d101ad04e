//===- Nibbles.cpp - Codes of 4 bits as floats, by their bits ----------------===//

#include "codegen/Kernels/Nibbles.h"

using Halide::Expr;

namespace thresh::codegen {
namespace {

constexpr int kBytes = 4;
/// Of f32.
constexpr int kSignificandBits = 23;

} // namespace

Expr wordOfNibbles(const WeightRows &weights, const Expr &word, const Expr &row) {
  std::vector<Expr> bytes;
  for (int i = 0; i < kBytes; ++i)
    bytes.push_back((*weights.elements)(word * kBytes + i, row));
  return Halide::concat_bits(bytes);
}

Expr floatOfNibble(const Expr &word, const Expr &nibble) {
  constexpr int kPlace = kSignificandBits - 4;
  constexpr uint32_t kOne = 127u << kSignificandBits;
  Expr left = kPlace - nibble * 4;
  Expr shifted = Halide::select(left > 0, word << Halide::cast<uint32_t>(left), word >> Halide::cast<uint32_t>(-left));
  return Halide::reinterpret<float>((shifted & (15u << kPlace)) | kOne);
}

Expr placeOfNibble(const Expr &column, int lineColumns) {
  // The low halves of a group's bytes are its first codes, the high ones its others.
  constexpr int kGroupBytes = kRowGroup / 2;
  Expr group = column % lineColumns / kRowGroup, byte = column % kGroupBytes;
  Expr nibble = byte % kBytes * 2 + column % kRowGroup / kGroupBytes;
  Expr word = group * kGroupWords + byte / kBytes;
  return column / lineColumns * lineColumns + nibble * (lineColumns / kWordNibbles) + word;
}

} // namespace thresh::codegen
