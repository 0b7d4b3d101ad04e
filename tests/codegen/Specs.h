//===- Specs.h - KernelSpecs of the families, for tests and measurements -----===//
#ifndef THRESH_TESTS_CODEGEN_SPECS_H
#define THRESH_TESTS_CODEGEN_SPECS_H

#include "tests/codegen/Runner.h"

namespace thresh::codegen::test {

/// out[b, s, c] = softmax over c of x[b, s, c]; `columns` -1: dynamic.
KernelSpec softmaxSpec(int64_t columns);

/// out = (h - mean) / sqrt(var + eps) * gamma + beta over the last dimension, h = x + r, [b, s, columns].
/// With `keepsSum` h is a second output.
KernelSpec layerNormSpec(int64_t columns, bool keepsSum = false);

/// Reduces the axes of a tensor of the given shape with `op` (Add, Max, ...) from `init`.
KernelSpec reduceSpec(DType dtype, Op op, double init, std::vector<int64_t> shape, const std::vector<bool> &reduced);

/// The largest element along the last axis of x[rows, columns], and its first index (I64).
KernelSpec argMaxSpec(int64_t columns);

enum class Rhs { Packed, Plain, Transposed };
enum class Epilogue { None, Bias, BiasGelu, BiasResidual };

struct MatmulCase {
  Rhs rhs = Rhs::Packed;
  Epilogue epilogue = Epilogue::None;
  int64_t k = 64, n = 48; ///< -1: dynamic
  int leading = 1;        ///< dimensions of the lhs before k, all dynamic: 1 or 2
  bool batched = false;   ///< a batch dimension that lhs, rhs (Plain or Transposed) and out share
  DType dtype = DType::F32;
  DType weights = DType::F32; ///< of the rhs in memory where `dtype` is F32
  int64_t rows = -1;          ///< the last dimension before k
};
/// out[.., n] = sum over k of lhs[.., k] * rhs[k, n] (+ bias[n], gelu, + residual[.., n]).
KernelSpec matmulSpec(const MatmulCase &options);
/// Shapes of its operands: `rows` are the dimensions of the lhs before k.
Shapes matmulShapes(const MatmulCase &c, std::vector<int64_t> rows, int64_t k, int64_t n);

/// out[b, i, h, d] = softmax over j of (q[b, i, h, :] . k[b, j, h, :] * scale + mask[b, j]) times v[b, j, h, d].
KernelSpec attentionSpec(int64_t heads, int64_t headSize, bool masked);

struct CacheCase {
  int64_t heads = 2, group = 2, headSize = 64; ///< key and value heads, query heads for each, elements of a head
  int64_t queries = 1;                         ///< -1: dynamic
  DType cache = DType::F32;
  int64_t window = 0; ///< keys that a query sees; 0: all up to its own position
  double softCap = 0; ///< scores become cap * tanh(score / cap); 0: none
};
/// Attention on a cache, as a decoder has it: out[i, h, g, :] from q[i, h, g, :], keys and values [length, h, :] and
/// the position of query 0. A cache of I8 is multiplied by the two operands behind the position, scales [length, h].
KernelSpec cacheAttentionSpec(const CacheCase &options);

/// Rows of table[vocabulary, columns] picked by ids[b, s], plus position[s, columns].
KernelSpec gatherSpec(int64_t columns);

} // namespace thresh::codegen::test

#endif // THRESH_TESTS_CODEGEN_SPECS_H
