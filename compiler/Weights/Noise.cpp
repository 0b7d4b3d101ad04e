//===- Noise.cpp - Random weights -----------------------------------------------===//
#include "compiler/Weights/Noise.h"

#include "compiler/Weights/Fnv1a.h"

#include <algorithm>
#include <cmath>

namespace thresh {

/// The finaliser of splitmix64 (Steele, Lea and Flood 2014).
static uint64_t mix64(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/// A 32-bit mixer of low bias: "lowbias32" of Wellons, Prospecting for Hash Functions (2018).
static inline uint32_t mix32(uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

/// Deviation of the sum of four uniform 16-bit integers: sqrt(4 * (2^32 - 1) / 12).
static constexpr double kSumDeviation = 37837.227;
static constexpr double kVectorDeviation = 0.02;

Noise::Noise(int64_t seed, llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape)
    : key(mix64(mix64(uint64_t(seed)) ^ hashFnv1a(tensor))) {
  bool isVector = shape.size() < 2;
  double deviation = isVector ? kVectorDeviation : 1 / std::sqrt(double(std::max<int64_t>(shape.back(), 1)));
  mean = isVector ? 1 : 0;
  step = float(deviation / kSumDeviation);
}

/// Within a block of 2^32 elements a number has 32 bits, for which there are wide vectors.
void Noise::fillBlock(uint64_t block, uint32_t first, int64_t count, float *target) const {
  uint64_t blockKey = mix64(key + block);
  auto lowKey = uint32_t(blockKey), highKey = uint32_t(blockKey >> 32);
  auto raw = [=](uint32_t i) {
    uint32_t a = mix32((first + i) ^ lowKey), b = mix32(a + highKey);
    return int32_t((a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16)) - 2 * 0xffff;
  };
  if (mean == 0) {
    for (int64_t i = 0; i < count; ++i)
      target[i] = float(raw(uint32_t(i))) * step;
    return;
  }
  // The product of 19 and 24 bits is exact in f64: one rounding to f64, fused or not, then one to f32.
  for (int64_t i = 0; i < count; ++i)
    target[i] = float(mean + double(raw(uint32_t(i))) * step);
}

void Noise::fill(int64_t first, int64_t count, float *target) const {
  constexpr int64_t kBlock = int64_t(1) << 32;
  while (count > 0) {
    int64_t inBlock = std::min(count, kBlock - first % kBlock);
    fillBlock(uint64_t(first / kBlock), uint32_t(first % kBlock), inBlock, target);
    first += inBlock;
    count -= inBlock;
    target += inBlock;
  }
}

} // namespace thresh
