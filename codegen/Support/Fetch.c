//===- Fetch.c - What kernels call ---------------------------------------------===//
//
// Compiled with the code generator, which holds the object code and hands it out for linking (writeKernelSupport).
//
//===-----------------------------------------------------------------------===//
#include <stdint.h>

enum { CACHE_LINE = 64 };

/// Fetches `bytes` bytes that begin `offset` bytes behind `base` into the cache of level 2, whether they can be read or
/// not; 0. Far more lines can be on their way there than to level 1, where Halide's prefetch() puts them.
__attribute__((visibility("hidden"))) int32_t thresh_fetch(const void *base, int64_t offset, int32_t bytes) {
  const char *first = (const char *)base + offset;
  for (int32_t i = 0; i < bytes; i += CACHE_LINE)
    __builtin_prefetch(first + i, /*rw=*/0, /*locality=*/2);
  return 0;
}
