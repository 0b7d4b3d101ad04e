//===- Latencies.h - times of many runs ------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_LATENCIES_H
#define THRESH_COMPILER_TOOLS_LATENCIES_H

#include <algorithm>
#include <chrono>
#include <vector>

namespace thresh {

using Clock = std::chrono::steady_clock;

inline double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Latencies of one engine in seconds; never empty once measured.
struct Latencies {
  std::vector<double> all;
  std::vector<double> roundMedians;

  void addRound(const std::vector<double> &round) {
    all.insert(all.end(), round.begin(), round.end());
    roundMedians.push_back(median(round));
  }
  static double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    size_t half = values.size() / 2;
    return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
  }
  double median() const { return median(all); }
  double minimum() const { return *std::min_element(all.begin(), all.end()); }
  double maximum() const { return *std::max_element(all.begin(), all.end()); }
};

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_LATENCIES_H
