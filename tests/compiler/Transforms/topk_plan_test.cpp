//===- topk_plan_test.cpp - Quantiles, and plans of approximate top-k --------===//
#include "compiler/Transforms/NormalQuantile.h"
#include "compiler/Transforms/TopkPlan.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace thresh;

namespace {

/// The probability that a standard normal variable exceeds x.
double upperTail(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

TEST(NormalQuantile, InvertsTheTail) {
  for (double share :
       {1e-300, 1e-30, 1e-12, 1e-6, 0.001, 0.0749, 0.0751, 0.08, 0.25, 0.49, 0.51, 0.8, 0.924, 0.926, 0.999}) {
    double tail = upperTail(upperQuantile(share));
    EXPECT_NEAR(tail / share, 1, 1e-12) << share;
  }
}

TEST(NormalQuantile, KnownValues) {
  EXPECT_EQ(upperQuantile(0.5), 0);
  EXPECT_NEAR(upperQuantile(0.08), 1.4050715603096329, 1e-14);
  EXPECT_NEAR(upperQuantile(0.05), 1.6448536269514722, 1e-14);
  EXPECT_NEAR(upperQuantile(0.95), -1.6448536269514722, 1e-14);
}

/// One bucket hands on its kept greatest, and each of n buckets its only element.
TEST(TopkPlan, RecallOfTheExtremes) {
  EXPECT_DOUBLE_EQ(expectedRecall(64, 16, 64, 1), 1);
  EXPECT_DOUBLE_EQ(expectedRecall(64, 16, 1, 16), 1);
  EXPECT_NEAR(expectedRecall(64, 16, 1, 4), 0.25, 1e-12);
}

/// Two of four elements in two buckets of two: they share a bucket with probability 1/3, and one of them is then
/// missed.
TEST(TopkPlan, RecallByHand) { EXPECT_NEAR(expectedRecall(4, 2, 2, 1), 1 - 1.0 / 6, 1e-12); }

/// The least number of buckets, among the divisors, for 8192 elements and k = 410.
TEST(TopkPlan, LeastBucketsOfThePaper) {
  struct Row {
    int64_t kept, fewer, buckets;
  };
  for (Row row : {Row{1, 2048, 4096}, {2, 512, 1024}, {4, 128, 256}, {8, 64, 128}, {16, 16, 32}}) {
    EXPECT_GE(expectedRecall(8192, 410, row.buckets, row.kept), 0.95) << row.kept;
    EXPECT_LT(expectedRecall(8192, 410, row.fewer, row.kept), 0.95) << row.kept;
  }
}

TEST(TopkPlan, IsTheSmallestThatSuffices) {
  for (double recall : {0.5, 0.9, 0.99, 0.9999})
    for (int64_t n : {1, 7, 60, 1024})
      for (int64_t k : {int64_t(0), int64_t(1), n / 3, n}) {
        TopkPlan plan = planTopk(n, k, recall);
        EXPECT_EQ(n % plan.buckets, 0);
        EXPECT_GE(plan.buckets * plan.kept, k);
        EXPECT_LE(plan.kept, n / plan.buckets);
        EXPECT_GE(plan.recall, recall);
        EXPECT_DOUBLE_EQ(plan.recall, expectedRecall(n, k, plan.buckets, plan.kept));
        for (int64_t kept = 1; kept <= 16; ++kept)
          for (int64_t buckets = 1; buckets <= n; ++buckets)
            if (n % buckets == 0 && kept <= n / buckets && buckets * kept >= k &&
                buckets * kept < plan.buckets * plan.kept)
              EXPECT_LT(expectedRecall(n, k, buckets, kept), recall) << n << " " << k << " " << buckets << " " << kept;
      }
}

} // namespace
