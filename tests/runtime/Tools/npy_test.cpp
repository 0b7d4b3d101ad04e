//===- npy_test.cpp - NumPy's files, sound and hostile ------------------------===//
#include "runtime/Tools/npy.h"
#include "tests/runtime/test_folder.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace {

/// A file of the given version around a header and data.
std::string npy(int version, std::string header, const std::string &data) {
  std::string bytes = "\x93NUMPY";
  bytes += char(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += char(header.size() >> 8 * i);
  return bytes + header + data;
}

std::string header(const std::string &descr, const std::string &order, const std::string &shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

class Npy : public testing::Test {
protected:
  void TearDown() override { free(array.data); }

  thresh_code read(const std::string &bytes) {
    free(array.data);
    path = folder.write("x.npy", bytes);
    return thresh_npy_read(path.c_str(), &array, &status);
  }

  /// What is wrong with the file, without the part that names it.
  std::string fault(const std::string &bytes) {
    EXPECT_EQ(read(bytes), THRESH_FILE_ERROR);
    EXPECT_EQ(array.data, nullptr);
    std::string message = status.message, start = "damaged .npy file '" + path + "': ";
    EXPECT_EQ(message.substr(0, start.size()), start);
    return message.size() > start.size() ? message.substr(start.size()) : message;
  }

  std::string faultOfHeader(const std::string &text) { return fault(npy(1, text, "1234")); }

  TestFolder folder;
  std::string path;
  thresh_npy_array array = {};
  thresh_status status;
};

TEST_F(Npy, ReadsEveryVersion) {
  for (int version : {1, 2, 3}) {
    ASSERT_EQ(read(npy(version, header("<i2", "False", "(2, 3)"), "aabbccddeeff")), THRESH_OK) << status.message;
    EXPECT_EQ(array.dtype, THRESH_I16);
    ASSERT_EQ(array.rank, 2);
    EXPECT_EQ(array.shape[0], 2);
    EXPECT_EQ(array.shape[1], 3);
    ASSERT_EQ(array.bytes, 12u);
    EXPECT_EQ(std::memcmp(array.data, "aabbccddeeff", 12), 0);
    EXPECT_EQ(uintptr_t(array.data) % 64, 0u);
  }
}

TEST_F(Npy, ReadsAnyLayoutOfTheHeader) {
  for (const char *text : {"{\"shape\":(4,),\"descr\":\"|u1\",\"fortran_order\":False}",
                           " { 'fortran_order' : False , 'shape' : ( 4 , ) , 'descr' : '|u1' , } \n",
                           "{'descr':'|u1','fortran_order':False,'shape':(2,2)}"})
    EXPECT_EQ(read(npy(1, text, "1234")), THRESH_OK) << text << ": " << status.message;
}

TEST_F(Npy, ReadsScalarsAndEmptyArrays) {
  ASSERT_EQ(read(npy(1, header("<f4", "False", "()"), "1234")), THRESH_OK) << status.message;
  EXPECT_EQ(array.rank, 0);
  ASSERT_EQ(read(npy(1, header("<f4", "False", "(3, 0)"), "")), THRESH_OK) << status.message;
  EXPECT_EQ(array.bytes, 0u);
  EXPECT_NE(array.data, nullptr);
}

TEST_F(Npy, WritesWhatItReads) {
  for (int dtype = 0; dtype <= THRESH_BOOL; ++dtype)
    for (int rank : {0, 1, 3, 8}) {
      alignas(64) char data[256 * 8];
      for (size_t i = 0; i < sizeof data; ++i)
        data[i] = char(i * 7);
      thresh_npy_array out = {thresh_dtype(dtype), rank, {2, 2, 2, 2, 2, 2, 2, 2}, data, 0};
      out.bytes = (size_t(1) << rank) * thresh_dtype_size(out.dtype);
      thresh_staged_file file = {};
      path = folder.path("x.npy");
      ASSERT_EQ(thresh_npy_stage(path.c_str(), &out, &file, &status), THRESH_OK) << status.message;
      ASSERT_EQ(thresh_staged_file_commit(&file, &status), THRESH_OK) << status.message;
      thresh_staged_file_discard(&file);
      std::string bytes = TestFolder::read(path);
      EXPECT_EQ((bytes.size() - out.bytes) % 64, 0u);
      ASSERT_EQ(read(bytes), THRESH_OK) << status.message;
      EXPECT_EQ(array.dtype, out.dtype);
      EXPECT_EQ(array.rank, rank);
      ASSERT_EQ(array.bytes, out.bytes);
      EXPECT_EQ(std::memcmp(array.data, data, out.bytes), 0);
    }
}

TEST_F(Npy, RefusesOtherFiles) {
  path = folder.path("none");
  EXPECT_EQ(thresh_npy_read(path.c_str(), &array, &status), THRESH_FILE_ERROR);
  EXPECT_EQ(status.message, "cannot read '" + path + "': No such file or directory");
  path = folder.path("");
  EXPECT_EQ(thresh_npy_read(path.c_str(), &array, &status), THRESH_FILE_ERROR);
  EXPECT_EQ(status.message, "cannot read '" + path + "': not a regular file");
  for (const char *bytes : {"", "\x93NUM", "\x93NUMPY", "PK\3\4 and so on"}) {
    EXPECT_EQ(read(bytes), THRESH_FILE_ERROR);
    EXPECT_EQ(status.message, "'" + path + "' is not a .npy file");
  }
}

TEST_F(Npy, RefusesOtherLayouts) {
  EXPECT_EQ(fault(npy(4, header("<f4", "False", "(1,)"), "1234")), "expects version 1, 2 or 3, but got 4");
  EXPECT_EQ(faultOfHeader(header("<f4", "True", "(1,)")), "the header expects C order, but got Fortran order");
  EXPECT_EQ(faultOfHeader(header(">f4", "False", "(1,)")), "the header expects little-endian data, but got big-endian");
  EXPECT_EQ(faultOfHeader(header("<c8", "False", "(1,)")), "the header has an unsupported dtype");
  EXPECT_EQ(faultOfHeader(header("|O", "False", "(1,)")), "the header has an unsupported dtype");
  EXPECT_EQ(faultOfHeader("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
            "the header expects a plain dtype, but got a structured one");
}

TEST_F(Npy, RefusesDamagedHeaders) {
  const char *keys = "the header expects the keys 'descr', 'fortran_order' and 'shape', once each";
  EXPECT_EQ(faultOfHeader(""), "the header expects a dict");
  EXPECT_EQ(faultOfHeader("{}"), keys);
  EXPECT_EQ(faultOfHeader("{'descr': '<f4', 'fortran_order': False}"), keys);
  EXPECT_EQ(faultOfHeader("{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}"), keys);
  EXPECT_EQ(faultOfHeader("{'other': '<f4'}"), keys);
  EXPECT_EQ(faultOfHeader("{descr: 1}"), "the header expects a quoted string");
  EXPECT_EQ(faultOfHeader("{'descr"), "the header has a string without end");
  EXPECT_EQ(faultOfHeader("{'descr' '<f4'}"), "the header expects ':' after a key");
  EXPECT_EQ(faultOfHeader("{'descr': '<f4' 'shape': ()}"), "the header expects ',' or '}' after a value");
  EXPECT_EQ(faultOfHeader(header("<f4", "Maybe", "(1,)")), "the header expects True or False for 'fortran_order'");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "1")), "the header expects a tuple for 'shape'");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "(1 2)")), "the header has a tuple without end");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "(-1,)")), "the header expects extents of 0 or more");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "(9223372036854775808,)")), "the header has an extent above 2^63");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "(1,1,1,1,1,1,1,1,1)")), "the header expects a rank of at most 8");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "(1,)") + "x"), "the header expects nothing after the dict");
  EXPECT_EQ(faultOfHeader(header("<f4", "False", "(4294967296, 4294967296)")), "the shape is larger than any memory");
}

TEST_F(Npy, RefusesWrongSizes) {
  EXPECT_EQ(fault(npy(1, header("<f4", "False", "(2,)"), "1234")), "expects 8 bytes of data, but got 4");
  EXPECT_EQ(fault(npy(1, header("<f4", "False", "(2,)"), "123456789")), "expects 8 bytes of data, but got 9");
  EXPECT_EQ(fault(npy(1, header("<f8", "False", "(1000000000000,)"), "1234")),
            "expects 8000000000000 bytes of data, but got 4");
  EXPECT_EQ(fault(npy(2, header("<f4", "False", "(1,)"), "").substr(0, 10)), "cut short in the header's length");
  EXPECT_EQ(fault(npy(1, header("<f4", "False", "(1,)"), "").substr(0, 30)), "cut short in the header");
  EXPECT_EQ(fault(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12)),
            "expects a header of at most 65536 bytes, but got 4294967295");
}

TEST_F(Npy, SurvivesDamage) {
  const std::string whole = npy(1, header("<f4", "False", "(2, 2)"), "0123456789abcdef");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(read(whole.substr(0, length)), THRESH_FILE_ERROR) << length;
  std::mt19937 random(7);
  int sound = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = whole;
    for (int i = 0, count = 1 + int(random() % 4); i < count; ++i)
      bytes[random() % bytes.size()] = random() % 2 ? char(random()) : "(){}',:0123456789<>|=fiub"[random() % 25];
    if (read(bytes) == THRESH_OK) {
      ++sound;
      ASSERT_EQ(array.bytes, 16u);
    } else {
      ASSERT_NE(status.message[0], '\0');
    }
  }
  EXPECT_GT(sound, 0) << "damage to the data alone is not seen";
}

} // namespace
