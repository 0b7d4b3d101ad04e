//===- MachinePeak.cpp - what this machine can do at most -------------------===//
#include "compiler/Tools/MachinePeak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace thresh {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Runs `body(thread)` on `threads` threads at once and returns the sum of what they return.
double sumOverThreads(int threads, const std::function<double(int)> &body) {
  std::vector<double> results(threads);
  std::vector<std::thread> workers;
  for (int i = 1; i < threads; ++i)
    workers.emplace_back([&, i] { results[i] = body(i); });
  results[0] = body(0);
  for (std::thread &worker : workers)
    worker.join();
  double sum = 0;
  for (double result : results)
    sum += result;
  return sum;
}

//===-----------------------------------------------------------------------===//
// Multiply-adds
//===-----------------------------------------------------------------------===//

/// Twelve chains hide the latency of two FMA units and leave registers for the operands on AVX2 too.
constexpr int kChains = 12;
constexpr int64_t kSteps = 10000;
/// The best of several windows counts: what else runs on the machine only slows.
constexpr int kWindows = 5;

/// kSteps multiply-adds on each chain; the compiler contracts each to one instruction where the target has it.
template <typename Vector> [[gnu::always_inline]] inline float runChains() {
  // Read from memory, and a start of its own for each chain: else the compiler merges or folds them.
  volatile float factor = 0.999f, term = 0.001f;
  Vector chains[kChains], scale = Vector{} + factor, shift = Vector{} + term;
  for (Vector &chain : chains)
    chain = Vector{} + factor;
  for (int64_t step = 0; step < kSteps; ++step)
#pragma GCC unroll 12
    for (Vector &chain : chains)
      chain = chain * scale + shift;
  float sum = 0;
  for (Vector &chain : chains)
    sum += chain[0];
  return sum;
}

/// Sums 64-bit words; eight independent sums, so that loads alone bound it.
template <typename Vector> [[gnu::always_inline]] inline uint64_t sumWords(const uint8_t *data, int64_t bytes) {
  Vector sums[8] = {};
  for (int64_t offset = 0; offset + int64_t(sizeof sums) <= bytes; offset += sizeof sums)
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i)
      sums[i] += reinterpret_cast<const Vector *>(data + offset)[i];
  Vector total = {};
  for (Vector &sum : sums)
    total += sum;
  return total[0] + total[1];
}

template <int Bytes> using Floats [[gnu::vector_size(Bytes)]] = float;
template <int Bytes> using Words [[gnu::vector_size(Bytes), gnu::may_alias]] = uint64_t;

/// The two loops for one vector width.
struct Loops {
  float (*chains)();
  uint64_t (*words)(const uint8_t *, int64_t);
  int lanes; ///< f32 lanes of a vector
};

float chains16() { return runChains<Floats<16>>(); }
uint64_t words16(const uint8_t *data, int64_t bytes) { return sumWords<Words<16>>(data, bytes); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] float chains32() { return runChains<Floats<32>>(); }
[[gnu::target("avx2")]] uint64_t words32(const uint8_t *data, int64_t bytes) {
  return sumWords<Words<32>>(data, bytes);
}
[[gnu::target("avx512f")]] float chains64() { return runChains<Floats<64>>(); }
[[gnu::target("avx512f")]] uint64_t words64(const uint8_t *data, int64_t bytes) {
  return sumWords<Words<64>>(data, bytes);
}

Loops chooseLoops() {
  if (__builtin_cpu_supports("avx512f"))
    return {chains64, words64, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {chains32, words32, 8};
  return {chains16, words16, 4};
}
#else
Loops chooseLoops() { return {chains16, words16, 4}; }
#endif

/// Keeps results alive that nothing reads.
volatile float floatSink;
volatile uint64_t wordSink;

} // namespace

double measurePeakFlops(int threads, double seconds) {
  Loops loops = chooseLoops();
  double best = 0;
  for (int window = 0; window < kWindows; ++window) {
    double rate = sumOverThreads(threads, [&](int) {
      floatSink = loops.chains();
      int64_t calls = 0;
      Clock::time_point start = Clock::now();
      for (; secondsSince(start) < seconds / kWindows; ++calls)
        floatSink = loops.chains();
      return 2.0 * loops.lanes * kChains * kSteps * calls / secondsSince(start);
    });
    best = std::max(best, rate);
  }
  return best;
}

double measureReadBandwidth(int threads, double seconds) {
  Loops loops = chooseLoops();
  int64_t cache = std::max<int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), 0);
  int64_t bytes = std::clamp<int64_t>(4 * cache, int64_t(256) << 20, int64_t(1) << 30);
  int64_t share = bytes / threads / 4096 * 4096;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return 0;
  madvise(memory, bytes, MADV_HUGEPAGE);
  auto *data = static_cast<uint8_t *>(memory);
  std::fill(data, data + bytes, uint8_t(1));

  double best = 0;
  Clock::time_point start = Clock::now();
  do {
    Clock::time_point pass = Clock::now();
    sumOverThreads(threads, [&](int thread) {
      wordSink = loops.words(data + thread * share, share);
      return 0.0;
    });
    best = std::max(best, share * threads / secondsSince(pass));
  } while (secondsSince(start) < seconds);
  munmap(memory, bytes);
  return best;
}

} // namespace thresh
