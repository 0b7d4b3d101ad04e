//===- halves_test.cpp - f16 and bf16 -------------------------------------------===//
#include "compiler/Weights/Halves.h"

#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace thresh;

namespace {

/// The half that APFloat rounds `value` to.
uint16_t narrowReference(float value, const llvm::fltSemantics &semantics) {
  llvm::APFloat exact(value);
  bool losesInfo;
  exact.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return uint16_t(exact.bitcastToAPInt().getZExtValue());
}

float widenReference(uint16_t half, const llvm::fltSemantics &semantics) {
  llvm::APFloat exact(semantics, llvm::APInt(16, half));
  bool losesInfo;
  exact.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return exact.convertToFloat();
}

/// The bits of `value`; all NaNs are one.
uint32_t bitsOf(float value) { return std::isnan(value) ? 0x7fc00000 : llvm::bit_cast<uint32_t>(value); }

TEST(HalvesTest, WidensEveryHalfExactly) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    ASSERT_EQ(bitsOf(widenF16(half)), bitsOf(widenReference(half, llvm::APFloat::IEEEhalf()))) << half;
    ASSERT_EQ(bitsOf(widenBF16(half)), bitsOf(widenReference(half, llvm::APFloat::BFloat()))) << half;
  }
}

void checkNarrowing(float value) {
  if (std::isnan(value)) {
    ASSERT_TRUE(std::isnan(widenF16(narrowToF16(value))) && std::isnan(widenBF16(narrowToBF16(value))));
    return;
  }
  ASSERT_EQ(narrowToF16(value), narrowReference(value, llvm::APFloat::IEEEhalf())) << value;
  ASSERT_EQ(narrowToBF16(value), narrowReference(value, llvm::APFloat::BFloat())) << value;
}

TEST(HalvesTest, RoundsToNearestEven) {
  // Every half, the points halfway to the next, and their neighbours.
  for (uint32_t half = 0; half < 0x10000; ++half) {
    for (float low : {widenF16(half), widenBF16(half)}) {
      float high = low == widenF16(half) ? widenF16(half + 1) : widenBF16(half + 1);
      auto middle = float((double(low) + double(high)) / 2);
      for (float value : {low, middle, std::nextafter(middle, -INFINITY), std::nextafter(middle, INFINITY)})
        checkNarrowing(value);
    }
  }
  uint32_t seed = 20261123;
  std::mt19937 random(seed);
  for (int i = 0; i < 200000; ++i)
    checkNarrowing(llvm::bit_cast<float>(uint32_t(random())));
}

TEST(HalvesTest, KeepsWhatIsNoFiniteNumber) {
  checkNarrowing(INFINITY);
  checkNarrowing(-INFINITY);
  checkNarrowing(std::numeric_limits<float>::max());
  checkNarrowing(llvm::bit_cast<float>(0x7f800001u));
  checkNarrowing(llvm::bit_cast<float>(0xffffffffu));
}

} // namespace
