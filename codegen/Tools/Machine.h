//===- Machine.h - What a machine can do, to set kernels beside --------------===//
#ifndef THRESH_CODEGEN_TOOLS_MACHINE_H
#define THRESH_CODEGEN_TOOLS_MACHINE_H

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace thresh::codegen::bench {

/// Best seconds per call of `work` over about a tenth of a second.
template <typename Work> double secondsPerCall(Work work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30, spent = 0;
  for (int calls = 1; spent < 0.1;) {
    auto start = Clock::now();
    for (int i = 0; i < calls; ++i)
      work();
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    spent += seconds;
    best = std::min(best, seconds / calls);
    if (seconds < 0.005)
      calls *= 2;
  }
  return best;
}

/// Runs `work` on every thread at once and waits.
template <typename Work> void onThreads(int threads, Work work) {
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&work, t] { work(t); });
  for (std::thread &thread : pool)
    thread.join();
}

/// Float operations per second of `threads` threads that do nothing but multiply-adds.
double peakFlops(int threads, int vectorBits);

/// Operations per second of `threads` threads that do nothing but sums of products of u8 and i8; AVX-512 VNNI.
double peakDotOperations(int threads);

} // namespace thresh::codegen::bench

#endif // THRESH_CODEGEN_TOOLS_MACHINE_H
