//===- Files.h - Scratch files and safetensors for tests ---------------------===//
#ifndef THRESH_TESTS_COMPILER_FRONTEND_CHECKPOINT_FILES_H
#define THRESH_TESTS_COMPILER_FRONTEND_CHECKPOINT_FILES_H

#include "nlohmann/json.hpp"
#include "gtest/gtest.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace thresh::test {

/// A folder of its own for each test, removed at the end.
class ScratchTest : public ::testing::Test {
protected:
  void SetUp() override {
    const auto *info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder = std::filesystem::temp_directory_path() /
             (std::string("thresh-") + info->test_suite_name() + "-" + info->name() + "-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string &name) const { return (folder / name).string(); }

  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return path(name);
  }

  static std::string read(const std::string &file) {
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    return bytes.str();
  }

  std::filesystem::path folder;
};

/// The bytes of a safetensors file with `header` as its JSON text.
inline std::string makeSafetensors(const std::string &header, const std::string &data) {
  uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

/// A tensor of a test file.
struct TestTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

/// The bytes of a well-formed safetensors file.
inline std::string makeSafetensors(const std::map<std::string, TestTensor> &tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::string data;
  for (const auto &[name, tensor] : tensors) {
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  return makeSafetensors(header.dump(), data);
}

/// The bytes of an array of values.
template <typename T> std::string bytesOf(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

} // namespace thresh::test

#endif // THRESH_TESTS_COMPILER_FRONTEND_CHECKPOINT_FILES_H
