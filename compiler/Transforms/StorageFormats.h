//===- StorageFormats.h - How weights and caches are stored -------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_STORAGEFORMATS_H
#define THRESH_COMPILER_TRANSFORMS_STORAGEFORMATS_H

#include "llvm/ADT/StringRef.h"

#include <optional>

namespace thresh {

/// How the matrices of a model are stored.
enum class WeightFormat {
  None, ///< as the graph has them
  F16,
  BF16,
  Q8, ///< 8 bits, and an f16 scale per group of 32
  Q4  ///< 4 bits, and an f16 scale per group of 32
};

/// How the states of a session (key and value caches) are stored.
enum class CacheFormat {
  F32,
  F16,
  BF16,
  Q8 ///< 8 bits, and an f32 scale per row: a key or value of one head
};

/// What the command line and descriptions call the formats; nothing for another name.
std::optional<WeightFormat> parseWeightFormat(llvm::StringRef name);
std::optional<CacheFormat> parseCacheFormat(llvm::StringRef name);

/// The names, for messages: "none, f16, ...".
std::string weightFormatNames();
std::string cacheFormatNames();

} // namespace thresh

#endif // THRESH_COMPILER_TRANSFORMS_STORAGEFORMATS_H
