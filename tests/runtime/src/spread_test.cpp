//===- spread_test.cpp - mean and deviation of numbers as they come --------------===//
#include "thresh/thresh.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace {

TEST(Spread, OfNothing) {
  thresh_spread spread = {};
  thresh_spread_add(&spread, nullptr, 0);
  EXPECT_EQ(spread.count, 0);
  EXPECT_EQ(spread.mean, 0);
  EXPECT_EQ(spread.deviation, 0);
}

TEST(Spread, OfOneNumber) {
  thresh_spread spread = {};
  const int64_t number = -7;
  thresh_spread_add(&spread, &number, 1);
  EXPECT_EQ(spread.count, 1);
  EXPECT_EQ(spread.mean, -7);
  EXPECT_EQ(spread.deviation, 0);
}

/// Pieces of any size, far from 0: as two passes over all of them.
TEST(Spread, OfPieces) {
  const unsigned seed = 17;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int64_t> number(1000000000, 1000000100), size(0, 9);
  std::vector<int64_t> all;
  thresh_spread spread = {};
  for (int piece = 0; piece < 200; ++piece) {
    std::vector<int64_t> values(static_cast<size_t>(size(random)));
    for (int64_t &value : values)
      value = number(random);
    thresh_spread_add(&spread, values.data(), values.size());
    all.insert(all.end(), values.begin(), values.end());
  }
  double mean = 0, squares = 0;
  for (int64_t value : all)
    mean += static_cast<double>(value) / static_cast<double>(all.size());
  for (int64_t value : all)
    squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  EXPECT_EQ(spread.count, static_cast<int64_t>(all.size()));
  EXPECT_NEAR(spread.mean, mean, 1e-5);
  EXPECT_NEAR(spread.deviation, std::sqrt(squares / static_cast<double>(all.size())), 1e-6);
}

} // namespace
