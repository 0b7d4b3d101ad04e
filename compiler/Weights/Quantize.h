//===- Quantize.h - Groups of weights to small integers ------------------------===//
//
// 32 weights of one column share a scale, an f16: w ~ scale * q. Sixteen columns are worked on at a time.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_QUANTIZE_H
#define THRESH_COMPILER_WEIGHTS_QUANTIZE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace thresh {

constexpr int kGroupRows = 32;
constexpr int kGroupColumns = 16;

/// Sixteen groups: 32 rows of one element per column.
using GroupBlock = float[kGroupRows][kGroupColumns];
/// A scale per group, as the bits of an f16.
using GroupScales = uint16_t[kGroupColumns];

/// The integers that weights become, and the scales that are tried.
struct QuantScheme {
  int low, high; ///< range of q
  int zero;      ///< the code of q = 0: codes are q + zero
  int codeBits;  ///< 8 or 4
  bool isSigned; ///< scales take the sign of the group's extreme
  /// The extreme by each of these is a scale to try. The first is llama.cpp's choice.
  llvm::ArrayRef<float> divisors;

  /// Bytes that the codes of a block take.
  int64_t getBlockBytes() const { return kGroupRows * kGroupColumns * codeBits / 8; }
  /// The largest magnitude that the scheme holds: that of the largest f16 times the largest q.
  float getLimit() const { return 65504.0f * float(-low > high ? -low : high); }
};

/// Bytes: q in [-127, 127].
extern const QuantScheme kQ8Scheme;
/// Half bytes: q in [-8, 7].
extern const QuantScheme kQ4Scheme;

/// Chooses, of the scales to try, the one of least squared error, group by group; zero for a group of zeros. With
/// q rounded to nearest, the error is at most that of llama.cpp's Q8_0 or Q4_0. False when a weight is no
/// finite number within the limit; `scales` then says nothing.
bool chooseScales(const GroupBlock &block, const QuantScheme &scheme, GroupScales &scales);

/// Writes the codes of `block` by its scales. A line of 64 bytes holds, for each column in turn, the codes of
/// rows 4i to 4i + 3 (8 bits), or of rows 8i to 8i + 3 in the low half and 8i + 4 to 8i + 7 in the high half of a byte.
void encodeBlock(const GroupBlock &block, const QuantScheme &scheme, const GroupScales &scales, char *codes);

/// Writes the codes of the first `columns` columns of `block`, each for itself: those of column c start at codes + c *
/// stride. Half bytes: byte j < 16 holds row j in its low half and row 16 + j in its high half.
void encodeRows(const GroupBlock &block, const QuantScheme &scheme, const GroupScales &scales, int columns,
                int64_t stride, char *codes);

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_QUANTIZE_H
