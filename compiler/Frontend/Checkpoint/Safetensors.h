//===- Safetensors.h - The safetensors file format ---------------------------===//
//
// A file is: u64 little-endian N, N bytes of JSON, data. The JSON maps each tensor's name to its dtype,
// shape and byte range; the ranges cover the data without holes or overlap.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_SAFETENSORS_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_SAFETENSORS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thresh {

/// One tensor as a file stores it: row-major, little-endian.
struct StoredTensor {
  std::string file;
  std::string name;
  std::string dtype; ///< the format's name: "F32", "BF16", ...
  llvm::SmallVector<int64_t, 4> shape;
  int64_t offset = 0; ///< bytes from the start of the file; of any alignment
  int64_t bytes = 0;
};

/// Reads the header of `file` and checks it by the rules of the reference reader (safetensors 0.8). The
/// data itself is not touched. Tensors come in the order of their offsets.
llvm::Expected<std::vector<StoredTensor>> readSafetensorsHeader(llvm::StringRef file);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_SAFETENSORS_H
