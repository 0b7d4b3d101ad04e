//===- Tensor.cpp - Tensors of any dtype for the kernel tests ----------===//

#include "tests/codegen/Tensor.h"
#include "codegen/Ops.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace thresh::codegen::test {
namespace {

/// A binary float format of 16 bits.
struct Format {
  int mantissa; ///< stored bits
  int bias;
};
Format formatOf(DType dtype) { return dtype == DType::F16 ? Format{10, 15} : Format{7, 127}; }

double decode(Format format, uint16_t bits) {
  int exponents = (1 << (15 - format.mantissa)) - 1;
  int exponent = (bits >> format.mantissa) & exponents;
  double fraction = bits & ((1 << format.mantissa) - 1);
  double size = exponent == exponents ? (fraction != 0 ? NAN : INFINITY)
                : exponent == 0
                    ? std::ldexp(fraction, 1 - format.bias - format.mantissa)
                    : std::ldexp(fraction + (1 << format.mantissa), exponent - format.bias - format.mantissa);
  return bits & 0x8000 ? -size : size;
}

uint16_t encode(Format format, double value) {
  int exponents = (1 << (15 - format.mantissa)) - 1;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value))
    return sign | (exponents << format.mantissa) | (1 << (format.mantissa - 1));
  double size = std::fabs(value);
  int exponent = size == 0 || std::isinf(size) ? 0 : std::ilogb(size);
  exponent = std::max(exponent, 1 - format.bias);
  double units = std::nearbyint(std::ldexp(size, format.mantissa - exponent));
  if (std::isinf(size) || std::ldexp(units, exponent - format.mantissa) >= std::ldexp(1.0, exponents - format.bias))
    return sign | (exponents << format.mantissa);
  int64_t whole = int64_t(units);
  if (whole >= (int64_t(2) << format.mantissa)) {
    whole >>= 1;
    ++exponent;
  }
  bool normal = whole >= (int64_t(1) << format.mantissa);
  int64_t biased = normal ? exponent + format.bias : 0;
  return sign | uint16_t(biased << format.mantissa) | uint16_t(whole & ((1 << format.mantissa) - 1));
}

template <typename T> void put(void *at, T value) { std::memcpy(at, &value, sizeof value); }
template <typename T> T take(const void *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

Value load(DType dtype, const void *at) {
  switch (dtype) {
  case DType::F32: return {take<float>(at), 0};
  case DType::F64: return {take<double>(at), 0};
  case DType::F16:
  case DType::BF16: return {decode(formatOf(dtype), take<uint16_t>(at)), 0};
  case DType::I8: return {0, take<int8_t>(at)};
  case DType::Bool:
  case DType::U8: return {0, take<uint8_t>(at)};
  case DType::I16: return {0, take<int16_t>(at)};
  case DType::U16: return {0, take<uint16_t>(at)};
  case DType::I32: return {0, take<int32_t>(at)};
  case DType::U32: return {0, take<uint32_t>(at)};
  case DType::I64:
  case DType::U64: return {0, take<int64_t>(at)};
  }
  return {};
}

void store(DType dtype, void *at, Value value) {
  switch (dtype) {
  case DType::F32: return put(at, float(value.real));
  case DType::F64: return put(at, value.real);
  case DType::F16:
  case DType::BF16: return put(at, encode(formatOf(dtype), value.real));
  case DType::Bool: return put(at, uint8_t(value.integer != 0));
  default: std::memcpy(at, &value.integer, dtypeBytes(dtype)); // little-endian: the low bytes
  }
}

} // namespace

Value rounded(DType dtype, Value value) {
  unsigned char bytes[8];
  store(dtype, bytes, value);
  return load(dtype, bytes);
}

Tensor::Tensor(DType dtype, std::vector<int64_t> shape) : dtype(dtype), shape(std::move(shape)) { allocate(size()); }

Tensor Tensor::apart(const Tensor &dense, int64_t stride) {
  Tensor result(dense.dtype, dense.shape);
  result.rowStride = stride;
  result.allocate((dense.shape[0] - 1) * stride + dense.shape[1]);
  for (int64_t i = 0; i < dense.size(); ++i)
    result.set(i, dense.get(i));
  return result;
}

/// The last element ends where the memory does.
void Tensor::allocate(int64_t elements) {
  size_t page = size_t(sysconf(_SC_PAGESIZE));
  size_t bytes = size_t(elements) * dtypeBytes(dtype);
  size_t length = (bytes + page - 1) / page * page;
  void *memory = mmap(nullptr, length + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error("mmap failed");
  mprotect(static_cast<char *>(memory) + length, page, PROT_NONE);
  pages = std::shared_ptr<void>(memory, [length, page](void *pages) { munmap(pages, length + page); });
  start = static_cast<unsigned char *>(memory) + length - bytes;
}

int64_t Tensor::size() const {
  int64_t elements = 1;
  for (int64_t extent : shape)
    elements *= extent;
  return elements;
}

void *Tensor::at(int64_t index) const {
  int64_t element = rowStride == 0 ? index : index / shape[1] * rowStride + index % shape[1];
  return start + element * dtypeBytes(dtype);
}

Value Tensor::get(int64_t index) const { return load(dtype, at(index)); }
void Tensor::set(int64_t index, Value value) { store(dtype, at(index), value); }

void fillRandom(Tensor &tensor, std::mt19937 &generator, double low, double high) {
  std::uniform_real_distribution<double> reals(low, high);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double real = reals(generator);
    int64_t integer = std::llround(isSigned(tensor.dtype) ? real : std::fabs(real));
    if (tensor.dtype == DType::Bool)
      integer = real > 0;
    tensor.set(i, {real, integer});
  }
}

} // namespace thresh::codegen::test
