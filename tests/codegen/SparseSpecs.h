//===- SparseSpecs.h - Specs of the sparse families ----------------------------===//
#ifndef THRESH_TESTS_CODEGEN_SPARSESPECS_H
#define THRESH_TESTS_CODEGEN_SPARSESPECS_H

#include "codegen/KernelSpec.h"

namespace thresh::codegen::test {

inline Parameter integerOf(int64_t value) { return {Parameter::Kind::Integer, value, 0, ""}; }
inline Parameter realOf(double value) { return {Parameter::Kind::Real, 0, value, ""}; }
inline Parameter textOf(const std::string &value) { return {Parameter::Kind::Text, 0, 0, value}; }

struct ChooseCase {
  int64_t n = 64;
  double quantile = 1.4;
  std::string activation = "identity";
  bool mask = false;
  double varianceFactor = 1;
  int64_t rows = 1; ///< more are not known to the kernel
};
/// Operands: scores, indices, values, counts.
KernelSpec chooseRowsSpec(const ChooseCase &c);

struct ActiveCase {
  std::string format = "f32";
  int64_t n = 64, k = 64, d = 96;
  bool gated = true;
  int64_t rows = 1; ///< of x; more are not known to the kernel
};
/// Operands: x, indices, values, counts, up (and scales), down (and scales), y; without a gate neither x nor up.
KernelSpec activeRowsSpec(const ActiveCase &c);

struct TopkAttentionCase {
  int64_t heads = 4, keyHeads = 2, partial = 32, rest = 32, valueWidth = 64; ///< rest 0: all dimensions choose
  DType cache = DType::F32;
  int64_t k = 16, window = 0;
  double scale = 0.125, softCap = 0;
  bool softplus = true; ///< with a scale of 0.125
};
/// Operands: query, query_rest, key, key_rest, value, position, statistics, y, counts, without the rests if there are
/// none; keys, their rest and values of I8 are followed by their scales.
KernelSpec topkAttentionSpec(const TopkAttentionCase &c);

} // namespace thresh::codegen::test

#endif // THRESH_TESTS_CODEGEN_SPARSESPECS_H
