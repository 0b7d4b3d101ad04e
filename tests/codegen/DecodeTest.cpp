//===- DecodeTest.cpp - What decoders ask of matmul and attention --------------===//

#include "tests/codegen/Specs.h"

#include <gtest/gtest.h>

namespace thresh::codegen::test {
namespace {

const DType kStored[] = {DType::F32, DType::F16, DType::BF16};

TEST(Matvec, OneRow) {
  std::vector<Trial> trials;
  int number = 0;
  for (Rhs rhs : {Rhs::Packed, Rhs::Transposed, Rhs::Plain})
    for (int64_t k : {5, 6, 64, 2084, 2304}) // 2084 / 4 is a prime, 2304 / 4 goes by blocks
      for (int64_t n : {7, 48, 100}) {
        MatmulCase c{rhs, Epilogue(number % 4), k, n};
        c.weights = kStored[number % 3];
        c.rows = number++ % 2 ? 1 : -1;
        Trial trial{matmulSpec(c), {matmulShapes(c, {1}, k, n)}, {1e-5, 1e-3}};
        if (c.rows < 0)
          trial.shapes.push_back(matmulShapes(c, {3}, k, n));
        trials.push_back(trial);
      }
  check(trials);
}

/// Weights that tile rows of a prefill in every dtype.
TEST(Matmul, HalfWeights) {
  std::vector<Trial> trials;
  for (DType weights : kStored)
    for (Rhs rhs : {Rhs::Packed, Rhs::Transposed}) {
      MatmulCase c{rhs, Epilogue::Bias, 64, 100};
      c.weights = weights;
      Trial trial{matmulSpec(c), {}, {1e-4, 2e-4}};
      for (int64_t rows : {2, 8, 19})
        trial.shapes.push_back(matmulShapes(c, {rows}, c.k, c.n));
      trials.push_back(trial);
    }
  check(trials);
}

Shapes attentionShapes(const CacheCase &c, int64_t queries, int64_t length) {
  std::vector<int64_t> cache = {length, c.heads, c.headSize}, rows = {queries, c.heads, c.group, c.headSize};
  if (c.cache == DType::I8)
    return {rows, cache, cache, {}, {length, c.heads}, {length, c.heads}, rows};
  return {rows, cache, cache, {}, rows};
}

/// The last query sits on the last key; the scales of a cache of integers are those of values up to 1.
void placeQueries(std::vector<Tensor> &operands) {
  for (size_t scales = 4; scales + 1 < operands.size(); ++scales)
    for (int64_t i = 0; i < operands[scales].shape[0] * operands[scales].shape[1]; ++i)
      operands[scales].set(i, {double(i * 37 % 11 + 1) / (11 * 127), 0});
  operands[3].set(0, {0, std::max<int64_t>(operands[1].shape[0] - operands[0].shape[0], 0)});
}

TEST(DecodeAttention, OneQuery) {
  std::vector<Trial> trials;
  const CacheCase cases[] = {
      {2, 1, 16},
      {2, 2, 64},
      {1, 8, 128},
      {4, 2, 256, 1, DType::F16, 100, 50},
      {3, 1, 64},
      {2, 2, 80, 1, DType::BF16, 7},
      {2, 8, 64, 1, DType::F16, 0, 30},
      {1, 1, 128, 1, DType::BF16, 0, 5},
      {2, 2, 16, 2, DType::F32, 9},
      {2, 2, 64, 1, DType::I8},
      {4, 2, 256, 1, DType::I8, 100, 50},
      {2, 1, 20, 1, DType::I8, 9},
  };
  for (const CacheCase &c : cases) {
    Trial trial{cacheAttentionSpec(c), {}, {2e-5, 2e-5}};
    for (int64_t length : {1, 2, 15, 16, 17, 100, 129, 1000})
      if (length >= c.queries && c.heads * c.group * c.headSize * length < 1000000)
        trial.shapes.push_back(attentionShapes(c, c.queries, length));
    trials.push_back(trial);
  }
  check(trials, placeQueries);
}

TEST(PrefillAttention, ManyQueries) {
  std::vector<Trial> trials;
  for (CacheCase c : {CacheCase{2, 1, 16, -1},
                      {2, 2, 64, -1, DType::F16, 20, 50},
                      {1, 8, 128, -1, DType::BF16},
                      {2, 2, 256, -1, DType::F16},
                      {3, 1, 80, -1, DType::F32, 9},
                      {2, 2, 64, -1, DType::I8, 20, 50}}) {
    Trial trial{cacheAttentionSpec(c), {}, {2e-5, 2e-5}};
    for (auto [queries, length] :
         {std::pair<int64_t, int64_t>{1, 1}, {1, 17}, {2, 16}, {7, 15}, {7, 100}, {40, 40}, {40, 100}})
      trial.shapes.push_back(attentionShapes(c, queries, length));
    trials.push_back(trial);
  }
  check(trials, placeQueries);
}

} // namespace
} // namespace thresh::codegen::test
