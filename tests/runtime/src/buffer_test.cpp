//===- buffer_test.cpp - memory that grows and never shrinks ------------------===//
extern "C" {
#include "runtime/src/buffer.h"
}

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>

namespace {

TEST(Buffer, GrowsAndNeverShrinks) {
  thresh_buffer buffer = {};
  for (size_t bytes : {size_t(0), size_t(1), size_t(64), size_t(100), size_t(5) << 20}) {
    void *data = thresh_buffer_reserve(&buffer, bytes);
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(uintptr_t(data) % 64, 0u);
    EXPECT_GE(buffer.bytes, bytes);
    std::memset(data, 1, bytes);
  }
  void *largest = buffer.data;
  EXPECT_EQ(thresh_buffer_reserve(&buffer, 10), largest);
  EXPECT_EQ(thresh_buffer_reserve(&buffer, size_t(5) << 20), largest);
  thresh_buffer_free(&buffer);
  EXPECT_EQ(buffer.data, nullptr);
}

TEST(Buffer, IsEmptyWhenThereIsNoMemory) {
  thresh_buffer buffer = {};
  ASSERT_NE(thresh_buffer_reserve(&buffer, 8), nullptr);
  for (size_t bytes : {SIZE_MAX, SIZE_MAX / 2, size_t(1) << 60}) {
    EXPECT_EQ(thresh_buffer_reserve(&buffer, bytes), nullptr);
    EXPECT_EQ(buffer.data, nullptr);
    EXPECT_EQ(buffer.bytes, 0u);
  }
}

} // namespace
