//===- cpu_test.cpp - what the CPU offers -------------------------------------===//
extern "C" {
#include "runtime/src/cpu.h"
}
#include "thresh/abi.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace {

/// The flags that the kernel found, from /proc/cpuinfo.
std::set<std::string> kernelFlags() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);)
    if (line.rfind("flags", 0) == 0) {
      std::istringstream words(line.substr(line.find(':') + 1));
      return {std::istream_iterator<std::string>(words), {}};
    }
  return {};
}

TEST(Cpu, AgreesWithTheKernel) {
  std::set<std::string> flags = kernelFlags();
  if (flags.empty())
    GTEST_SKIP() << "no flags in /proc/cpuinfo";
  const std::set<std::string> v3 = {"avx2", "fma", "f16c", "bmi1", "bmi2", "movbe", "abm"};
  std::set<std::string> v4 = v3;
  v4.insert({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  const std::pair<uint64_t, std::set<std::string>> expected[] = {
      {THRESH_CPU_AVX2, v3},
      {THRESH_CPU_AVX512, v4},
      {THRESH_CPU_AVX512_VNNI, {"avx512_vnni"}},
      {THRESH_CPU_AVX512_BF16, {"avx512_bf16"}},
      {THRESH_CPU_AMX, {"amx_tile", "amx_int8", "amx_bf16"}},
      {THRESH_CPU_ZEN4,
       {"avx512ifma", "avx512vbmi", "avx512_vbmi2", "avx512_vnni", "avx512_bitalg", "avx512_vpopcntdq", "avx512_bf16",
        "gfni", "sse4a"}},
  };
  for (const auto &[feature, names] : expected) {
    bool all = true;
    for (const std::string &name : names)
      all = all && flags.count(name);
    EXPECT_EQ((thresh_cpu_features() & feature) != 0, all) << *names.begin();
  }
}

TEST(Cpu, NeedsNothingForNoFeatures) { EXPECT_EQ(thresh_cpu_enable(0), 0); }

} // namespace
