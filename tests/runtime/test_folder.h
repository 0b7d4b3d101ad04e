//===- test_folder.h - a temporary folder and its files -----------------------===//
#ifndef THRESH_TESTS_RUNTIME_TEST_FOLDER_H
#define THRESH_TESTS_RUNTIME_TEST_FOLDER_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

/// A folder that is removed with what is in it.
class TestFolder {
public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "thresh-test-XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(folder); }
  TestFolder(const TestFolder &) = delete;
  TestFolder &operator=(const TestFolder &) = delete;

  /// Path of `name` in the folder.
  std::string path(const std::string &name) const { return (folder / name).string(); }

  /// Writes a file and returns its path. A file that is there goes first: some file systems flush on overwriting.
  std::string write(const std::string &name, const std::string &bytes) const {
    std::filesystem::remove(path(name));
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  static std::string read(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Number of files in the folder.
  long count() const {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  }

private:
  std::filesystem::path folder;
};

#endif // THRESH_TESTS_RUNTIME_TEST_FOLDER_H
