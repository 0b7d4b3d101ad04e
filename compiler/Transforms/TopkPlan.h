//===- TopkPlan.h - How an approximate top-k is done ---------------------------===//
//
// Two stages (Samaga et al., A Faster Generalized Two-Stage Approximate Top-K, 2025): each of B buckets hands on its K'
// greatest elements, of which the k greatest are the result.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_TOPKPLAN_H
#define THRESH_COMPILER_TRANSFORMS_TOPKPLAN_H

#include <cstdint>

namespace thresh {

struct TopkPlan {
  int64_t buckets; ///< divides the number of elements
  int64_t kept;    ///< elements that each hands on
  double recall;   ///< share of the k greatest that are found, on average
};

/// The expected share of the k greatest of n elements, placed at random, that `buckets` which keep `kept` each hand on:
/// 1 - B/k sum over r > K' of (r - K') P(r of the k greatest are in one bucket), r hypergeometric.
double expectedRecall(int64_t n, int64_t k, int64_t buckets, int64_t kept);

/// The plan with the fewest elements in the second stage that finds the share `recall`; of equal ones that which keeps
/// the fewest per bucket. n buckets miss nothing, so there always is a plan.
TopkPlan planTopk(int64_t n, int64_t k, double recall);

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_TOPKPLAN_H
