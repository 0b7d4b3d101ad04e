//===- Noise.h - Random weights -------------------------------------------------===//
//
// Noise by counting: an element is a function of the seed, the tensor's name and the element's number alone. Integer
// arithmetic and one rounding make it the same on every machine.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_NOISE_H
#define THRESH_COMPILER_WEIGHTS_NOISE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace thresh {

/// The elements of one random tensor, in f32: of rank >= 2 near normal with deviation 1/sqrt(last extent),
/// so that a product with it keeps the size of its input; of rank 0 and 1 close to one.
class Noise {
public:
  Noise(int64_t seed, llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape);

  /// Elements number `first` to `first + count - 1`.
  void fill(int64_t first, int64_t count, float *target) const;

private:
  void fillBlock(uint64_t block, uint32_t first, int64_t count, float *target) const;

  uint64_t key;
  float mean;
  float step; ///< of the integers that are the raw noise
};

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_NOISE_H
