//===- cpu.h - what the CPU and the operating system offer --------------------===//
#ifndef THRESH_RUNTIME_SRC_CPU_H
#define THRESH_RUNTIME_SRC_CPU_H

#include <stdint.h>

/// THRESH_CPU_* bits that this CPU has and whose registers the operating system saves.
uint64_t thresh_cpu_features(void);

/// Makes `features` usable by this process: AMX tiles must be asked for. Returns 0, or -1 when refused.
int thresh_cpu_enable(uint64_t features);

#endif // THRESH_RUNTIME_SRC_CPU_H
