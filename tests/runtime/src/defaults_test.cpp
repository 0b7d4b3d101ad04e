//===- defaults_test.cpp - inputs that the caller left out --------------------===//
extern "C" {
#include "runtime/src/defaults.h"
}

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace {

/// Bytes of one default element.
std::string element(thresh_dtype dtype, int64_t value) {
  const int64_t shape[1] = {2};
  const char *const dims[1] = {nullptr};
  const thresh_abi_tensor input = {"x", dtype, 1, shape, dims, 1, 0, value};
  const thresh_abi_entry entry = {"main", 1, 0, &input, nullptr};
  int32_t of[1][THRESH_MAX_RANK] = {{-1}};
  const thresh_symbols symbols = {0, of};
  thresh_default tensor = {};
  thresh_abi_view view;
  EXPECT_EQ(thresh_default_make(&entry, &symbols, 0, nullptr, &tensor, &view, nullptr), THRESH_OK);
  size_t size = thresh_dtype_size(dtype);
  const char *data = static_cast<const char *>(view.data);
  EXPECT_EQ(std::memcmp(data, data + size, size), 0);
  std::string bytes(data, size);
  thresh_buffer_free(&tensor.memory);
  return bytes;
}

template <typename T> std::string bytesOf(T value) { return {reinterpret_cast<char *>(&value), sizeof value}; }

TEST(Defaults, AreConvertedToTheDtype) {
  EXPECT_EQ(element(THRESH_F32, -3), bytesOf(-3.0f));
  EXPECT_EQ(element(THRESH_F64, 1), bytesOf(1.0));
  EXPECT_EQ(element(THRESH_F16, 1), bytesOf<uint16_t>(0x3c00));
  EXPECT_EQ(element(THRESH_F16, -65504), bytesOf<uint16_t>(0xfbff));
  EXPECT_EQ(element(THRESH_BF16, 1), bytesOf<uint16_t>(0x3f80));
  EXPECT_EQ(element(THRESH_BF16, 257), bytesOf<uint16_t>(0x4380));
  EXPECT_EQ(element(THRESH_BF16, 259), bytesOf<uint16_t>(0x4382));
  EXPECT_EQ(element(THRESH_I8, -1), bytesOf<int8_t>(-1));
  EXPECT_EQ(element(THRESH_U16, 65535), bytesOf<uint16_t>(65535));
  EXPECT_EQ(element(THRESH_I32, -7), bytesOf<int32_t>(-7));
  EXPECT_EQ(element(THRESH_I64, INT64_MIN), bytesOf<int64_t>(INT64_MIN));
  EXPECT_EQ(element(THRESH_BOOL, 1), bytesOf<uint8_t>(1));
}

} // namespace
