//===- Quantize.cpp - Groups of weights to small integers ----------------------===//
//
// The loops over columns are innermost, and what they sum is per column: compilers turn them into vector code
// without leave to reorder sums.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Weights/Quantize.h"

#include "compiler/Weights/Halves.h"

#include <cstring>

namespace thresh {

// A smaller divisor is a coarser grid, whose points may yet lie closer to the weights; a larger one clips the extreme.
// Of Gaussian, Laplace and Student-t weights these take 8 % (q8) and 4 % (q4) of the root mean square error.
static constexpr float kQ8Divisors[] = {127, 126, 125, 124, 123, 122};
static constexpr float kQ4Divisors[] = {-8, -8.5f, -8.25f, -7.75f, -7.25f};

const QuantScheme kQ8Scheme = {-127, 127, 128, 8, /*isSigned=*/false, kQ8Divisors};
const QuantScheme kQ4Scheme = {-8, 7, 8, 4, /*isSigned=*/true, kQ4Divisors};

namespace {

using Lanes = float[kGroupColumns];

/// Scales, and what weights are multiplied with to be in units of them: 0 for a scale of 0.
struct Grid {
  Lanes scales, inverses;
};

} // namespace

/// q of a weight in units of its scale, |w| < 2^22: rounded to nearest, ties to even, by a sum that has no
/// place for fractions.
static inline float roundToRange(float w, float low, float high) {
  constexpr float kNoFraction = 0x1.8p23f;
  float q = (w + kNoFraction) - kNoFraction;
  q = q > low ? q : low;
  return q < high ? q : high;
}

/// The weight of largest magnitude of each group, the first of equals. NaNs and infinities win.
static void findExtremes(const GroupBlock &block, Lanes &extremes) {
  // Magnitudes order as the integers that they are stored as.
  int32_t found[kGroupColumns] = {};
  for (const Lanes &row : block) {
    int32_t bits[kGroupColumns];
    std::memcpy(bits, row, sizeof(bits));
    for (int c = 0; c < kGroupColumns; ++c)
      found[c] = (bits[c] & 0x7fffffff) > (found[c] & 0x7fffffff) ? bits[c] : found[c];
  }
  std::memcpy(extremes, found, sizeof(extremes));
}

static void makeGrid(const GroupScales &scales, Grid &grid) {
  for (int c = 0; c < kGroupColumns; ++c) {
    grid.scales[c] = widenF16(scales[c]);
    grid.inverses[c] = grid.scales[c] == 0 ? 0 : 1 / grid.scales[c];
  }
}

/// The squared error of each group on `grid`.
static void measureErrors(const GroupBlock &block, const QuantScheme &scheme, const Grid &grid, Lanes &errors) {
  auto low = float(scheme.low), high = float(scheme.high);
  for (int c = 0; c < kGroupColumns; ++c)
    errors[c] = 0;
  for (const Lanes &row : block) {
    for (int c = 0; c < kGroupColumns; ++c) {
      float error = row[c] - roundToRange(row[c] * grid.inverses[c], low, high) * grid.scales[c];
      errors[c] += error * error;
    }
  }
}

bool chooseScales(const GroupBlock &block, const QuantScheme &scheme, GroupScales &scales) {
  Lanes extremes, leastErrors = {};
  findExtremes(block, extremes);
  float limit = scheme.getLimit();
  bool isWithin = true;
  for (int c = 0; c < kGroupColumns; ++c) {
    float magnitude = extremes[c] < 0 ? -extremes[c] : extremes[c];
    isWithin &= magnitude <= limit;
    extremes[c] = scheme.isSigned ? extremes[c] : magnitude;
  }
  if (!isWithin)
    return false;
  for (float divisor : scheme.divisors) {
    GroupScales tried;
    for (int c = 0; c < kGroupColumns; ++c) {
      uint16_t scale = narrowToF16(extremes[c] / divisor);
      // The largest finite f16 at most.
      tried[c] = (scale & 0x7fff) == 0x7c00 ? scale - 1 : scale;
    }
    Grid grid;
    Lanes errors;
    makeGrid(tried, grid);
    measureErrors(block, scheme, grid, errors);
    for (int c = 0; c < kGroupColumns; ++c) {
      bool isBetter = divisor == scheme.divisors.front() || errors[c] < leastErrors[c];
      leastErrors[c] = isBetter ? errors[c] : leastErrors[c];
      scales[c] = isBetter ? tried[c] : scales[c];
    }
  }
  return true;
}

using BlockCodes = uint32_t[kGroupRows][kGroupColumns];

static void computeCodes(const GroupBlock &block, const QuantScheme &scheme, const GroupScales &scales,
                         BlockCodes &codes) {
  Grid grid;
  makeGrid(scales, grid);
  auto low = float(scheme.low), high = float(scheme.high);
  for (int k = 0; k < kGroupRows; ++k)
    for (int c = 0; c < kGroupColumns; ++c)
      codes[k][c] = uint32_t(int32_t(roundToRange(block[k][c] * grid.inverses[c], low, high)) + scheme.zero);
}

void encodeBlock(const GroupBlock &block, const QuantScheme &scheme, const GroupScales &scales, char *codes) {
  BlockCodes blockCodes;
  computeCodes(block, scheme, scales, blockCodes);
  int lineRows = 32 / scheme.codeBits;
  for (int first = 0; first < kGroupRows; first += lineRows) {
    uint32_t line[kGroupColumns] = {};
    for (int row = 0; row < lineRows; ++row) {
      int shift = row % 4 * 8 + row / 4 * 4;
      for (int c = 0; c < kGroupColumns; ++c)
        line[c] |= blockCodes[first + row][c] << shift;
    }
    std::memcpy(codes, line, sizeof(line));
    codes += sizeof(line);
  }
}

void encodeRows(const GroupBlock &block, const QuantScheme &scheme, const GroupScales &scales, int columns,
                int64_t stride, char *codes) {
  BlockCodes blockCodes;
  computeCodes(block, scheme, scales, blockCodes);
  int bytes = kGroupRows * scheme.codeBits / 8;
  for (int c = 0; c < columns; ++c, codes += stride)
    for (int j = 0; j < bytes; ++j) {
      uint32_t high = scheme.codeBits == 4 ? blockCodes[j + kGroupRows / 2][c] << 4 : 0;
      codes[j] = char(blockCodes[j][c] | high);
    }
}

} // namespace thresh
