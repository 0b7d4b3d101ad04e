//===- noise_test.cpp - Random weights --------------------------------------------===//
#include "compiler/Weights/Noise.h"

#include "gtest/gtest.h"

#include <cmath>
#include <vector>

using namespace thresh;

namespace {

std::vector<float> fill(const Noise &noise, int64_t first, int64_t count) {
  std::vector<float> values(count);
  noise.fill(first, count, values.data());
  return values;
}

/// The same on every machine and in every version: models made from a seed must not change.
TEST(NoiseTest, IsTheSameEverywhere) {
  EXPECT_EQ(fill(Noise(7, "model.layers.0.mlp.up_proj.weight", {64, 16}), 5, 4),
            (std::vector<float>{-0x1.77cec2p-2f, -0x1.e460fap-2f, -0x1.652092p-2f, -0x1.84969ap-3f}));
  EXPECT_EQ(fill(Noise(7, "model.norm.weight", {64}), 0, 4),
            (std::vector<float>{0x1.f987acp-1f, 0x1.f99870p-1f, 0x1.f81f34p-1f, 0x1.fa4276p-1f}));
  EXPECT_EQ(fill(Noise(7, "w", {3000000000, 4}), int64_t(1) << 32, 2),
            (std::vector<float>{0x1.f9ddf8p-5f, -0x1.e66898p-2f}));
}

TEST(NoiseTest, AnyPieceComesAlone) {
  Noise noise(1, "w", {3000000000, 4});
  // Across the place where element numbers outgrow 32 bits.
  int64_t middle = (int64_t(1) << 32) - 500;
  for (int64_t first : {int64_t(0), middle}) {
    std::vector<float> whole = fill(noise, first, 1000);
    for (int64_t at : {0, 1, 499, 500, 501, 993})
      EXPECT_EQ(fill(noise, first + at, 7), std::vector<float>(whole.begin() + at, whole.begin() + at + 7))
          << first << " " << at;
  }
  EXPECT_NE(fill(noise, 0, 100), fill(noise, int64_t(1) << 32, 100));
}

TEST(NoiseTest, DependsOnSeedAndName) {
  std::vector<float> values = fill(Noise(1, "w", {10, 10}), 0, 100);
  EXPECT_EQ(values, fill(Noise(1, "w", {10, 10}), 0, 100));
  EXPECT_NE(values, fill(Noise(2, "w", {10, 10}), 0, 100));
  EXPECT_NE(values, fill(Noise(1, "v", {10, 10}), 0, 100));
}

struct Moments {
  double mean = 0, deviation = 0, kurtosis = 0, neighbours = 0;

  explicit Moments(const std::vector<float> &values) {
    for (float each : values)
      mean += each / double(values.size());
    double second = 0, fourth = 0, product = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      double x = values[i] - mean;
      second += x * x / double(values.size());
      fourth += x * x * x * x / double(values.size());
      product += x * (values[(i + 1) % values.size()] - mean) / double(values.size());
    }
    deviation = std::sqrt(second);
    kurtosis = fourth / (second * second);
    neighbours = product / second;
  }
};

TEST(NoiseTest, IsNearNormal) {
  constexpr int64_t kCount = 1 << 20;
  Moments matrix(fill(Noise(3, "m", {4096, 256}), 0, kCount));
  EXPECT_NEAR(matrix.mean, 0, 5e-4);
  EXPECT_NEAR(matrix.deviation, 1.0 / 16, 2e-4);
  EXPECT_NEAR(matrix.kurtosis, 2.7, 0.02); // of four uniform numbers; 3 were normal
  EXPECT_NEAR(matrix.neighbours, 0, 5e-3);
  Moments vector(fill(Noise(3, "v", {kCount}), 0, kCount));
  EXPECT_NEAR(vector.mean, 1, 1e-4);
  EXPECT_NEAR(vector.deviation, 0.02, 1e-4);
}

TEST(NoiseTest, ShapesWithoutElementsAreFine) {
  EXPECT_TRUE(fill(Noise(3, "m", {4, 0}), 0, 0).empty());
  EXPECT_EQ(fill(Noise(3, "s", {}), 0, 1).size(), 1u);
}

} // namespace
