//===- TopkPlan.cpp - How an approximate top-k is done -------------------------===//
#include "compiler/Transforms/TopkPlan.h"

#include <algorithm>
#include <cmath>

namespace thresh {

/// The most that a bucket hands on: insertion costs that many comparisons an element.
static constexpr int64_t kMostKept = 16;

/// The logarithm of n over k.
static double logBinomial(int64_t n, int64_t k) {
  auto logFactorial = [](int64_t x) { return std::lgamma(static_cast<double>(x) + 1); };
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

double expectedRecall(int64_t n, int64_t k, int64_t buckets, int64_t kept) {
  if (k == 0)
    return 1;
  int64_t size = n / buckets;
  double all = logBinomial(n, size), missed = 0;
  for (int64_t r = std::max(kept + 1, size - (n - k)), last = std::min(k, size); r <= last; ++r)
    missed += static_cast<double>(r - kept) * std::exp(logBinomial(k, r) + logBinomial(n - k, size - r) - all);
  return 1 - static_cast<double>(buckets) / static_cast<double>(k) * missed;
}

TopkPlan planTopk(int64_t n, int64_t k, double recall) {
  TopkPlan best = {n, 1, 1.0};
  for (int64_t kept = 1; kept <= kMostKept; ++kept)
    for (int64_t buckets = 1; buckets <= n; ++buckets) {
      bool isSmaller =
          buckets * kept < best.buckets * best.kept || (buckets * kept == best.buckets * best.kept && kept < best.kept);
      if (n % buckets != 0 || kept > n / buckets || buckets * kept < k || !isSmaller)
        continue;
      if (double found = expectedRecall(n, k, buckets, kept); found >= recall)
        best = {buckets, kept, found};
    }
  return best;
}

} // namespace thresh
