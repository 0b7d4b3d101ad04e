//===- Fnv1a.h - The FNV-1a hash --------------------------------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_FNV1A_H
#define THRESH_COMPILER_WEIGHTS_FNV1A_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace thresh {

/// FNV-1a, 64 bits.
inline uint64_t hashFnv1a(llvm::StringRef bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_FNV1A_H
