//===- Machine.cpp - What a machine can do, to set kernels beside ------------===//

#include "codegen/Tools/Machine.h"

#include <cstdint>
#include <immintrin.h>

namespace thresh::codegen::bench {
namespace {

typedef float Vector512 __attribute__((vector_size(64)));
typedef float Vector256 __attribute__((vector_size(32)));

/// Independent f32 multiply-adds, enough chains to hide the latency.
template <typename Vector> inline __attribute__((always_inline)) float multiplyAdds(int64_t rounds) {
  Vector sums[12] = {}, factor = {}, addend = {};
  factor += 0.999f;
  addend += 1e-3f;
  for (int i = 0; i < 12; ++i)
    sums[i] += float(i); // equal chains would be merged
  for (int64_t r = 0; r < rounds; ++r)
    for (Vector &sum : sums)
      sum = sum * factor + addend;
  float total = 0;
  for (const Vector &sum : sums)
    total += sum[0];
  return total;
}
__attribute__((target("avx512f"), noipa)) float multiplyAdds512(int64_t rounds) {
  return multiplyAdds<Vector512>(rounds);
}
__attribute__((target("avx2,fma"), noipa)) float multiplyAdds256(int64_t rounds) {
  return multiplyAdds<Vector256>(rounds);
}

/// The same of sums of four products of u8 and i8.
__attribute__((target("avx512f,avx512vnni"), noipa)) int dotProducts512(int64_t rounds) {
  __m512i sums[12], codes = _mm512_set1_epi32(int(rounds)), values = _mm512_set1_epi32(int(rounds + 1));
  for (int i = 0; i < 12; ++i)
    sums[i] = _mm512_set1_epi32(i);
  for (int64_t r = 0; r < rounds; ++r)
    for (__m512i &sum : sums)
      sum = _mm512_dpbusd_epi32(sum, codes, values);
  for (int i = 1; i < 12; ++i)
    sums[0] = _mm512_xor_si512(sums[0], sums[i]);
  return _mm_cvtsi128_si32(_mm512_castsi512_si128(sums[0]));
}

/// Operations per second of `threads` threads that run 12 chains of `loop`: the sum of each thread's best.
template <typename Loop> double peakRate(int threads, int operationsPerStep, Loop loop) {
  constexpr int64_t kRounds = 100'000;
  std::vector<double> best(threads);
  onThreads(threads, [&](int t) {
    static thread_local volatile double sink;
    double seconds = secondsPerCall([&] { sink = double(loop(kRounds)); });
    best[t] = double(kRounds) * 12 * operationsPerStep / seconds;
  });
  double total = 0;
  for (double rate : best)
    total += rate;
  return total;
}

} // namespace

double peakFlops(int threads, int vectorBits) {
  return peakRate(threads, vectorBits / 32 * 2, vectorBits == 512 ? multiplyAdds512 : multiplyAdds256);
}

double peakDotOperations(int threads) { return peakRate(threads, 16 * 4 * 2, dotProducts512); }

} // namespace thresh::codegen::bench
