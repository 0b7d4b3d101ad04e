//===- Tensor.h - Dense tensors of any dtype for the kernel tests ------------===//
#ifndef THRESH_TESTS_CODEGEN_TENSOR_H
#define THRESH_TESTS_CODEGEN_TENSOR_H

#include "codegen/KernelSpec.h"

#include <memory>
#include <random>
#include <vector>

namespace thresh::codegen::test {

/// One element: `real` for floats, `integer` otherwise (u64 by its bits, Bool 0 or 1).
struct Value {
  double real = 0;
  int64_t integer = 0;
};

/// The value that storing and loading as `dtype` leaves: rounded, wrapped.
Value rounded(DType dtype, Value value);

/// Row-major data that ends where an inaccessible page begins: a kernel that reads or writes past
/// the end crashes the test.
class Tensor {
public:
  Tensor(DType dtype, std::vector<int64_t> shape);
  /// The elements of a matrix with rows that lie `stride` elements apart.
  static Tensor apart(const Tensor &dense, int64_t stride);

  int64_t size() const;
  Value get(int64_t index) const;
  void set(int64_t index, Value value);
  void *data() const { return start; }
  /// Elements from one row of a matrix to the next; 0 if it is dense.
  int64_t stride() const { return rowStride; }

  DType dtype;
  std::vector<int64_t> shape;

private:
  void allocate(int64_t elements);
  void *at(int64_t index) const;

  int64_t rowStride = 0;
  std::shared_ptr<void> pages;
  unsigned char *start = nullptr;
};

/// Numbers of moderate size: floats in [low, high], integers in that range where the dtype allows.
void fillRandom(Tensor &tensor, std::mt19937 &generator, double low = -4, double high = 4);

} // namespace thresh::codegen::test

#endif // THRESH_TESTS_CODEGEN_TENSOR_H
