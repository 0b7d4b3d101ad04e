//===- Halves.h - f16 and bf16 -------------------------------------------------===//
//
// Conversions between f32 and its halves, given as their bits. Widening is exact; narrowing rounds to nearest, ties
// to even, keeps infinities and NaNs, and makes infinities of what is too large.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_HALVES_H
#define THRESH_COMPILER_WEIGHTS_HALVES_H

#include "llvm/ADT/bit.h"

#include <cstdint>

namespace thresh {

inline float widenF16(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7fff;
  // Denormals and zero: a multiple of 2^-24. The rest: the exponent's bias grows from 15 to 127, or from the top to the
  // top.
  float small = float(int32_t(magnitude)) * 0x1p-24f;
  uint32_t large = (magnitude << 13) + (magnitude >= 0x7c00 ? 224u << 23 : 112u << 23);
  return llvm::bit_cast<float>(sign | (magnitude < 0x400 ? llvm::bit_cast<uint32_t>(small) : large));
}

inline float widenBF16(uint16_t half) { return llvm::bit_cast<float>(uint32_t(half) << 16); }

inline uint16_t narrowToF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  // Below 2^-14: adding 0.5, whose last place is 2^-24, rounds to the denormal grid.
  uint32_t small = llvm::bit_cast<uint32_t>(llvm::bit_cast<float>(magnitude) + 0.5f) - llvm::bit_cast<uint32_t>(0.5f);
  // 13 bits go; the bias shrinks by 112. Rounding may carry into the exponent, and there become infinity.
  uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  uint32_t half = magnitude < 0x38800000 ? small : normal;
  uint32_t special = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
  // From 65520 on, halfway between the largest f16 and 2^16.
  return uint16_t(sign | (magnitude >= 0x477ff000 ? special : half));
}

inline uint16_t narrowToBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return uint16_t((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_HALVES_H
