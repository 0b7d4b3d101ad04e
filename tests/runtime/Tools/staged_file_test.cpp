//===- staged_file_test.cpp - files that appear whole or not at all -----------===//
#include "runtime/Tools/staged_file.h"
#include "tests/runtime/test_folder.h"

#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace {

class StagedFile : public testing::Test {
protected:
  void TearDown() override { thresh_staged_file_discard(&file); }

  void stage(const std::string &path, const char *text) {
    ASSERT_EQ(thresh_staged_file_begin(&file, path.c_str(), &status), THRESH_OK) << status.message;
    std::fputs(text, file.stream);
    ASSERT_EQ(thresh_staged_file_finish(&file, &status), THRESH_OK) << status.message;
  }

  TestFolder folder;
  thresh_staged_file file = {};
  thresh_status status;
};

TEST_F(StagedFile, AppearsOnCommit) {
  std::string path = folder.write("out", "before");
  stage(path, "after");
  EXPECT_EQ(TestFolder::read(path), "before");
  EXPECT_EQ(thresh_staged_file_commit(&file, &status), THRESH_OK);
  EXPECT_EQ(TestFolder::read(path), "after");
  EXPECT_EQ(folder.count(), 1);
}

TEST_F(StagedFile, HasThePermissionsOfANewFile) {
  stage(folder.path("out"), "x");
  ASSERT_EQ(thresh_staged_file_commit(&file, &status), THRESH_OK);
  folder.write("plain", "x");
  struct stat made, plain;
  ASSERT_EQ(stat(folder.path("out").c_str(), &made), 0);
  ASSERT_EQ(stat(folder.path("plain").c_str(), &plain), 0);
  EXPECT_EQ(made.st_mode, plain.st_mode);
}

TEST_F(StagedFile, LeavesNothingWhenDiscarded) {
  stage(folder.path("out"), "x");
  thresh_staged_file_discard(&file);
  EXPECT_EQ(folder.count(), 0);
  ASSERT_EQ(thresh_staged_file_begin(&file, folder.path("out").c_str(), &status), THRESH_OK);
  thresh_staged_file_discard(&file);
  EXPECT_EQ(folder.count(), 0);
}

TEST_F(StagedFile, RefusesPlacesThatAreNoFiles) {
  for (const std::string &path : {folder.path(""), std::string("/dev/null")}) {
    EXPECT_EQ(thresh_staged_file_begin(&file, path.c_str(), &status), THRESH_FILE_ERROR);
    EXPECT_EQ(status.message, "cannot write '" + path + "': not a regular file");
  }
  std::string path = folder.path("none/out");
  EXPECT_EQ(thresh_staged_file_begin(&file, path.c_str(), &status), THRESH_FILE_ERROR);
  EXPECT_EQ(status.message, "cannot write '" + path + "': No such file or directory");
}

TEST_F(StagedFile, ReportsAFullDisk) {
  ASSERT_EQ(thresh_staged_file_begin(&file, folder.path("out").c_str(), &status), THRESH_OK);
  ASSERT_NE(std::freopen("/dev/full", "wb", file.stream), nullptr);
  std::fputs("x", file.stream);
  EXPECT_EQ(thresh_staged_file_finish(&file, &status), THRESH_FILE_ERROR);
  EXPECT_EQ(status.message, "cannot write '" + folder.path("out") + "': No space left on device");
}

} // namespace
