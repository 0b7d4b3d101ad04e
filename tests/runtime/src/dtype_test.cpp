//===- dtype_test.cpp - element types, version, message text ------------------===//
#include "thresh/thresh.h"

extern "C" {
#include "runtime/src/status.h"
}

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

TEST(Dtype, HasNameAndSize) {
  const std::vector<std::pair<std::string, size_t>> expected = {
      {"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"i8", 1},  {"u8", 1},  {"i16", 2},
      {"u16", 2}, {"i32", 4}, {"u32", 4}, {"i64", 8},  {"u64", 8}, {"bool", 1}};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(thresh_dtype_name(thresh_dtype(i)), expected[i].first);
    EXPECT_EQ(thresh_dtype_size(thresh_dtype(i)), expected[i].second);
  }
}

TEST(Dtype, UnknownNumbersAreNone) {
  for (int number : {13, 255}) {
    EXPECT_STREQ(thresh_dtype_name(thresh_dtype(number)), "unknown");
    EXPECT_EQ(thresh_dtype_size(thresh_dtype(number)), 0u);
  }
}

TEST(Version, IsThatOfTheProject) { EXPECT_STREQ(thresh_version(), "0.1.0"); }

TEST(TensorBytes, MultipliesAndRefusesOverflow) {
  size_t bytes = 1;
  const int64_t some[] = {3, 5}, huge[] = {int64_t(1) << 40, int64_t(1) << 40, 0}, negative[] = {-1};
  EXPECT_EQ(thresh_tensor_bytes(THRESH_F32, some, 2, &bytes), 0);
  EXPECT_EQ(bytes, 60u);
  EXPECT_EQ(thresh_tensor_bytes(THRESH_I8, nullptr, 0, &bytes), 0);
  EXPECT_EQ(bytes, 1u);
  EXPECT_EQ(thresh_tensor_bytes(THRESH_F32, huge, 3, &bytes), -1);
  EXPECT_EQ(thresh_tensor_bytes(THRESH_F32, huge + 1, 2, &bytes), 0);
  EXPECT_EQ(bytes, 0u);
  EXPECT_EQ(thresh_tensor_bytes(THRESH_F32, negative, 1, &bytes), -1);
}

TEST(Text, IsCutAtItsEnd) {
  thresh_text text = {};
  for (int i = 0; i < 1000; ++i)
    thresh_text_append(&text, "%d ", 7);
  EXPECT_EQ(std::string(text.chars).size(), sizeof text.chars - 1);
  EXPECT_EQ(text.length, sizeof text.chars - 1);
}

TEST(Status, MayBeNullAndIsCutAtItsEnd) {
  EXPECT_EQ(thresh_status_set(nullptr, THRESH_FILE_ERROR, "x"), THRESH_FILE_ERROR);
  thresh_status status;
  thresh_status_set(&status, THRESH_FILE_ERROR, "%s", std::string(5000, 'a').c_str());
  EXPECT_EQ(std::string(status.message), std::string(THRESH_MESSAGE_SIZE - 1, 'a'));
}

} // namespace
