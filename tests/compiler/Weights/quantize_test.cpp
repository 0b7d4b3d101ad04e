//===- quantize_test.cpp - Groups of weights to small integers ------------------===//
#include "compiler/Weights/Quantize.h"

#include "compiler/Weights/Halves.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace thresh;

namespace {

constexpr uint32_t kSeed = 4711;

using Group = std::array<float, kGroupRows>;

/// llama.cpp's formats, group by group: what a weight is once stored and read back.
Group roundLikeQ80(const Group &w) {
  float largest = 0;
  for (float each : w)
    largest = std::max(largest, std::fabs(each));
  float scale = largest / 127, inverse = scale == 0 ? 0 : 1 / scale;
  Group result;
  for (int k = 0; k < kGroupRows; ++k)
    result[k] = std::round(w[k] * inverse) * widenF16(narrowToF16(scale));
  return result;
}

Group roundLikeQ40(const Group &w) {
  float extreme = 0;
  for (float each : w)
    if (std::fabs(each) > std::fabs(extreme))
      extreme = each;
  float scale = extreme / -8, inverse = scale == 0 ? 0 : 1 / scale;
  Group result;
  for (int k = 0; k < kGroupRows; ++k)
    result[k] = float(std::min(15, int(w[k] * inverse + 8.5f)) - 8) * widenF16(narrowToF16(scale));
  return result;
}

double squaredError(const Group &w, const Group &rounded) {
  double sum = 0;
  for (int k = 0; k < kGroupRows; ++k)
    sum += (double(w[k]) - rounded[k]) * (double(w[k]) - rounded[k]);
  return sum;
}

/// q of row `k` and column `c` of an encoded block.
int decode(const char *codes, const QuantScheme &scheme, int k, int c) {
  auto at = [&](int line, int j) { return int(uint8_t(codes[line * 64 + c * 4 + j])); };
  if (scheme.codeBits == 8)
    return at(k / 4, k % 4) - 128;
  return (at(k / 8, k % 4) >> (k % 8 < 4 ? 0 : 4) & 15) - 8;
}

struct Quantized {
  bool isValid;
  GroupScales scales;
  int q[kGroupRows][kGroupColumns];

  Quantized(const GroupBlock &block, const QuantScheme &scheme) {
    isValid = chooseScales(block, scheme, scales);
    if (!isValid)
      return;
    char codes[kGroupRows * kGroupColumns];
    encodeBlock(block, scheme, scales, codes);
    for (int k = 0; k < kGroupRows; ++k)
      for (int c = 0; c < kGroupColumns; ++c)
        q[k][c] = decode(codes, scheme, k, c);
  }

  Group read(int c) const {
    Group result;
    for (int k = 0; k < kGroupRows; ++k)
      result[k] = float(q[k][c]) * widenF16(scales[c]);
    return result;
  }
};

Group columnOf(const GroupBlock &block, int c) {
  Group w;
  for (int k = 0; k < kGroupRows; ++k)
    w[k] = block[k][c];
  return w;
}

class QuantizeTest : public ::testing::TestWithParam<const QuantScheme *> {
protected:
  const QuantScheme &scheme = *GetParam();
  bool isQ8 = &scheme == &kQ8Scheme;
  Group roundLikeLlama(const Group &w) { return isQ8 ? roundLikeQ80(w) : roundLikeQ40(w); }
};

INSTANTIATE_TEST_SUITE_P(Schemes, QuantizeTest, ::testing::Values(&kQ8Scheme, &kQ4Scheme),
                         [](const auto &info) { return info.param == &kQ8Scheme ? "Q8" : "Q4"; });

/// Weights of many sizes and shapes of distribution, down to the denormal scales of f16.
TEST_P(QuantizeTest, IsNeverWorseThanLlama) {
  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  double ours = 0, theirs = 0;
  for (int round = 0; round < 2000; ++round) {
    int exponent = int(random() % 30) - 24;
    float size = std::ldexp(1.0f, exponent);
    int power = 1 + 2 * (round % 3);
    GroupBlock block;
    for (auto &row : block)
      for (float &w : row)
        w = size * std::pow(normal(random), float(power));
    Quantized result(block, scheme);
    ASSERT_TRUE(result.isValid);
    for (int c = 0; c < kGroupColumns; ++c) {
      Group w = columnOf(block, c);
      double error = squaredError(w, result.read(c)), limit = squaredError(w, roundLikeLlama(w));
      // Errors are compared in f32, where all else is equal.
      ASSERT_LE(error, limit * 1.00001) << "seed " << kSeed << ", round " << round << ", column " << c;
      if (exponent > -8 && power == 1) {
        ours += error / (size * size);
        theirs += limit / (size * size);
      }
    }
  }
  EXPECT_LT(ours, 0.95 * theirs);
  RecordProperty("ErrorOfLlamas", std::to_string(std::sqrt(ours / theirs)));
}

TEST_P(QuantizeTest, RoundsEveryWeightToTheNearest) {
  std::mt19937 random(kSeed);
  std::uniform_real_distribution<float> uniform(-3, 3);
  GroupBlock block;
  for (auto &row : block)
    for (float &w : row)
      w = uniform(random);
  Quantized result(block, scheme);
  ASSERT_TRUE(result.isValid);
  for (int c = 0; c < kGroupColumns; ++c) {
    float scale = widenF16(result.scales[c]);
    for (int k = 0; k < kGroupRows; ++k) {
      int q = result.q[k][c];
      ASSERT_GE(q, scheme.low);
      ASSERT_LE(q, scheme.high);
      float nearest = std::clamp(block[k][c] / scale, float(scheme.low), float(scheme.high));
      EXPECT_LE(std::fabs(float(q) - nearest), 0.5001f) << "seed " << kSeed << ", row " << k << ", column " << c;
    }
  }
}

TEST_P(QuantizeTest, TakesExactGridsAsTheyAre) {
  std::mt19937 random(kSeed);
  GroupBlock block;
  for (int c = 0; c < kGroupColumns; ++c) {
    float step = std::ldexp(1.0f, c - 12);
    for (auto &row : block)
      row[c] = step * float(int(random() % (scheme.high - scheme.low + 1)) + scheme.low);
    block[c][c] = step * float(scheme.low);
  }
  Quantized result(block, scheme);
  ASSERT_TRUE(result.isValid);
  for (int c = 0; c < kGroupColumns; ++c)
    EXPECT_EQ(result.read(c), columnOf(block, c)) << "seed " << kSeed << ", column " << c;
}

TEST_P(QuantizeTest, ZeroesNeedNoScale) {
  GroupBlock block = {};
  block[3][1] = -0.0f;
  block[5][2] = 127 * 8;
  Quantized result(block, scheme);
  ASSERT_TRUE(result.isValid);
  for (int c = 0; c < kGroupColumns; ++c) {
    EXPECT_EQ(result.read(c), columnOf(block, c)) << c;
    if (c != 2)
      EXPECT_EQ(result.scales[c] & 0x7fff, 0) << c;
    for (int k = 0; k < kGroupRows; ++k)
      if (block[k][c] == 0)
        EXPECT_EQ(result.q[k][c], 0);
  }
}

/// Too small for any f16 scale, f32 denormals among them: the weights become zero.
TEST_P(QuantizeTest, TinyWeightsVanish) {
  GroupBlock block;
  for (auto &row : block)
    for (int c = 0; c < kGroupColumns; ++c)
      row[c] = c % 2 ? 1e-40f : -1e-10f;
  Quantized result(block, scheme);
  ASSERT_TRUE(result.isValid);
  for (int c = 0; c < kGroupColumns; ++c)
    EXPECT_EQ(result.read(c), Group{}) << c;
}

TEST_P(QuantizeTest, HoldsWeightsUpToItsLimit) {
  GroupBlock block = {};
  block[31][15] = scheme.getLimit();
  block[30][14] = -scheme.getLimit();
  Quantized result(block, scheme);
  ASSERT_TRUE(result.isValid);
  EXPECT_EQ(result.read(15)[31], scheme.getLimit());
  EXPECT_EQ(result.read(14)[30], -scheme.getLimit());
  for (float bad : {std::nextafter(scheme.getLimit(), INFINITY), INFINITY, -INFINITY, NAN, -NAN}) {
    block[7][3] = bad;
    EXPECT_FALSE(Quantized(block, scheme).isValid) << bad;
  }
}

} // namespace
