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

} // namespace
} // namespace thresh::codegen::test
