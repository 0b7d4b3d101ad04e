//===- Targets.cpp - The table of targets ------------------------------------===//

#include "codegen/Codegen.h"
#include "thresh/abi.h"

namespace thresh::codegen {

const std::vector<TargetInfo> &targets() {
  static const std::vector<TargetInfo> table = {
      {"x86-64", "x86_64-unknown-linux-gnu", "x86-64", "x86-64-linux", 0, 128},
      {"x86-64-v3", "x86_64-unknown-linux-gnu", "x86-64-v3", "x86-64-linux-sse41-avx-f16c-fma-avx2", THRESH_CPU_AVX2,
       256},
      {"x86-64-v4", "x86_64-unknown-linux-gnu", "x86-64-v4",
       "x86-64-linux-sse41-avx-f16c-fma-avx2-avx512-avx512_skylake", THRESH_CPU_AVX2 | THRESH_CPU_AVX512, 512},
      {"x86-64-v4-vnni", "x86_64-unknown-linux-gnu", "x86-64-v4",
       "x86-64-linux-sse41-avx-f16c-fma-avx2-avx512-avx512_skylake-avx512_cannonlake-avx512_zen4",
       THRESH_CPU_AVX2 | THRESH_CPU_AVX512 | THRESH_CPU_ZEN4, 512},
  };
  return table;
}

const TargetInfo *findTarget(const std::string &name) {
  for (const TargetInfo &info : targets())
    if (name == info.name)
      return &info;
  return nullptr;
}

const TargetInfo &hostTarget() {
  __builtin_cpu_init();
  unsigned long features = 0;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    features |= THRESH_CPU_AVX2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    features |= THRESH_CPU_AVX512;
  if (__builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi") &&
      __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq") &&
      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("gfni") && __builtin_cpu_supports("sse4a"))
    features |= THRESH_CPU_ZEN4;
  const TargetInfo *best = &targets().front();
  for (const TargetInfo &info : targets())
    if ((info.cpuFeatures & ~features) == 0)
      best = &info;
  return *best;
}

} // namespace thresh::codegen
