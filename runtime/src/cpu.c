//===- cpu.c - what the CPU and the operating system offer --------------------===//
#include "cpu.h"

#include "thresh/abi.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EAX, EBX, ECX, EDX };

/// Which cpuid bits and which saved register sets (XCR0) a feature needs. Leaf 7 has subleaf 0 and 1.
typedef struct feature_rule {
  uint64_t feature;
  uint32_t saved;
  struct {
    uint32_t leaf, subleaf, word, bits;
  } needs[5];
} feature_rule;

#define BIT(n) (1u << (n))

enum {
  SAVED_AVX = BIT(1) | BIT(2),
  SAVED_AVX512 = SAVED_AVX | BIT(5) | BIT(6) | BIT(7),
  SAVED_AMX = BIT(17) | BIT(18),
};

static const feature_rule rules[] = {
    {THRESH_CPU_AVX2,
     SAVED_AVX,
     {
         {1, 0, ECX, BIT(12) | BIT(22) | BIT(28) | BIT(29)}, // FMA, MOVBE, AVX, F16C
         {7, 0, EBX, BIT(3) | BIT(5) | BIT(8)},              // BMI1, AVX2, BMI2
         {0x80000001u, 0, ECX, BIT(5)},                      // LZCNT
     }},
    {THRESH_CPU_AVX512,
     SAVED_AVX512,
     {
         {1, 0, ECX, BIT(12) | BIT(22) | BIT(28) | BIT(29)},
         {7, 0, EBX, BIT(3) | BIT(5) | BIT(8)},
         {7, 0, EBX, BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31)}, // F, DQ, CD, BW, VL
         {0x80000001u, 0, ECX, BIT(5)},
     }},
    {THRESH_CPU_AVX512_VNNI, SAVED_AVX512, {{7, 0, ECX, BIT(11)}}},
    {THRESH_CPU_AVX512_BF16, SAVED_AVX512, {{7, 1, EAX, BIT(5)}}},
    {THRESH_CPU_AMX, SAVED_AVX512 | SAVED_AMX, {{7, 0, EDX, BIT(22) | BIT(24) | BIT(25)}}}, // BF16, TILE, INT8
    {THRESH_CPU_ZEN4,
     SAVED_AVX512,
     {
         {7, 0, EBX, BIT(21)}, // IFMA
         // VBMI, VBMI2, GFNI, VNNI, BITALG, VPOPCNTDQ
         {7, 0, ECX, BIT(1) | BIT(6) | BIT(8) | BIT(11) | BIT(12) | BIT(14)},
         {7, 1, EAX, BIT(5)},           // BF16
         {0x80000001u, 0, ECX, BIT(6)}, // SSE4A
     }},
};

/// The register sets that the operating system saves (XCR0), or 0 when it uses no XSAVE.
static uint32_t saved_registers(void) {
  uint32_t word[4] = {0};
  if (!__get_cpuid(1, &word[EAX], &word[EBX], &word[ECX], &word[EDX]) || !(word[ECX] & BIT(27)))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static int holds(const feature_rule *rule, uint32_t saved) {
  if ((saved & rule->saved) != rule->saved)
    return 0;
  for (int i = 0; rule->needs[i].bits; ++i) {
    uint32_t word[4] = {0};
    if (!__get_cpuid_count(rule->needs[i].leaf, rule->needs[i].subleaf, &word[EAX], &word[EBX], &word[ECX], &word[EDX]))
      return 0;
    if ((word[rule->needs[i].word] & rule->needs[i].bits) != rule->needs[i].bits)
      return 0;
  }
  return 1;
}

uint64_t thresh_cpu_features(void) {
  uint32_t saved = saved_registers();
  uint64_t features = 0;
  for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; ++i)
    if (holds(&rules[i], saved))
      features |= rules[i].feature;
  return features;
}

int thresh_cpu_enable(uint64_t features) {
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  if (!(features & THRESH_CPU_AMX))
    return 0;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 ? 0 : -1;
}

#else

uint64_t thresh_cpu_features(void) { return 0; }

int thresh_cpu_enable(uint64_t features) { return features ? -1 : 0; }

#endif
