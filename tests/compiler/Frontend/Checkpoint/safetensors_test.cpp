//===- safetensors_test.cpp - What a safetensors header may say ---------------===//
#include "compiler/Frontend/Checkpoint/Safetensors.h"

#include "compiler/Frontend/Checkpoint/CheckpointTensors.h"
#include "tests/compiler/Frontend/Checkpoint/Files.h"

using namespace thresh;
using namespace thresh::test;

namespace {

class SafetensorsTest : public ScratchTest {
protected:
  /// The error for a file of these bytes without the file's name, or "" when it is accepted.
  std::string problem(const std::string &bytes) {
    std::string file = write("model.safetensors", bytes);
    auto tensors = readSafetensorsHeader(file);
    if (tensors)
      return "";
    std::string message = llvm::toString(tensors.takeError());
    std::string prefix = file + ": ";
    EXPECT_EQ(message.substr(0, prefix.size()), prefix);
    return message.substr(prefix.size());
  }

  std::string headerProblem(const std::string &header, const std::string &data = "") {
    return problem(makeSafetensors(header, data));
  }
};

TEST_F(SafetensorsTest, ReadsTensorsInTheOrderOfTheirOffsets) {
  std::string header =
      R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}})";
  std::string file = write("x.safetensors", makeSafetensors(header, std::string(10, 'x')));
  auto tensors = readSafetensorsHeader(file);
  ASSERT_TRUE(bool(tensors));
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ((*tensors)[0].name, "a");
  EXPECT_EQ((*tensors)[0].dtype, "BF16");
  EXPECT_TRUE((*tensors)[0].shape.empty());
  EXPECT_EQ((*tensors)[0].offset, int64_t(8 + header.size()));
  EXPECT_EQ((*tensors)[1].name, "b");
  EXPECT_EQ((*tensors)[1].offset, int64_t(8 + header.size() + 2));
  EXPECT_EQ((*tensors)[1].bytes, 8);
  EXPECT_EQ((*tensors)[1].file, file);
}

TEST_F(SafetensorsTest, AcceptsWhatTheReferenceReaderAccepts) {
  EXPECT_EQ(headerProblem("{}"), "");
  EXPECT_EQ(headerProblem("   {}   "), "");
  EXPECT_EQ(headerProblem(R"({"__metadata__":{"format":"pt"}})"), "");
  EXPECT_EQ(headerProblem(R"({"__metadata__":null})"), "");
  EXPECT_EQ(headerProblem(R"({"empty":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}})"), "");
  EXPECT_EQ(
      headerProblem(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"z":{"dtype":"F32","shape":[0],"data_offsets":[1,1]}})",
          "x"),
      "");
  EXPECT_EQ(
      headerProblem(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
          "x"),
      "");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", "x"), "");
}

TEST_F(SafetensorsTest, RejectsBrokenFiles) {
  EXPECT_EQ(problem("1234567"), "expects at least 8 bytes, but got 7");
  EXPECT_EQ(problem(std::string("\x05\0\0\0\0\0\0\0{}", 10)), "expects a header of 5 bytes, but the file ends after 2");
  EXPECT_EQ(problem(std::string(8, '\xff')),
            "expects a header of at most 100000000 bytes, but got 18446744073709551615");
  EXPECT_EQ(problem(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8)),
            "expects a header of at most 100000000 bytes, but got 100000001");
  EXPECT_EQ(headerProblem(""), "expects a JSON object");
  EXPECT_EQ(headerProblem("[]"), "expects a JSON object");
  EXPECT_EQ(headerProblem("\xef\xbb\xbf{}"), "expects a JSON object");
  EXPECT_EQ(headerProblem("{} {}"), "expects JSON, but it breaks at byte 4");
  EXPECT_EQ(headerProblem(R"({"a":)"), "expects JSON, but it breaks at byte 6");
  EXPECT_EQ(headerProblem("{\"\xff\":1}"), "expects JSON, but it breaks at byte 3");
  EXPECT_EQ(headerProblem(std::string("{}\0\0", 4)), "expects JSON, but byte 2 is NUL");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", "x"),
            "expects each name once, but got \"dtype\" twice in an object");
  EXPECT_EQ(headerProblem("{\"a\":" + std::string(100000, '[')), "expects JSON at most 64 levels deep");
  EXPECT_EQ(llvm::toString(readSafetensorsHeader(path("absent")).takeError()),
            path("absent") + ": cannot be read: No such file or directory");
  EXPECT_EQ(llvm::toString(readSafetensorsHeader(folder.string()).takeError()),
            folder.string() + ": expects a regular file");
}

TEST_F(SafetensorsTest, RejectsBadEntries) {
  EXPECT_EQ(headerProblem(R"({"__metadata__":[]})"), "/__metadata__: expects an object of strings, but got []");
  EXPECT_EQ(headerProblem(R"({"__metadata__":{"a/b":1}})"), "/__metadata__/a~1b: expects a string, but got 1");
  EXPECT_EQ(headerProblem(R"({"a":3})"), "/a: expects an object with dtype, shape and data_offsets, but got 3");
  EXPECT_EQ(headerProblem(R"({"a":{"shape":[],"data_offsets":[0,0]}})"), "/a: expects a field \"dtype\"");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":"F33","shape":[],"data_offsets":[0,0]}})"),
            "/a/dtype: expects a safetensors dtype such as \"F32\", but got \"F33\"");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":7,"shape":[],"data_offsets":[0,0]}})"),
            "/a/dtype: expects a safetensors dtype such as \"F32\", but got 7");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}})", "1234"),
            "/a/shape: expects an array of extents, but got 4");
  auto entryProblem = [&](const std::string &shape, const std::string &range) {
    return headerProblem(R"({"a":{"dtype":"U8","shape":)" + shape + R"(,"data_offsets":)" + range + "}}", "x");
  };
  for (const char *extent : {"-1", "1.0", "\"1\"", "9223372036854775808", "1e+30"})
    EXPECT_EQ(entryProblem(std::string("[1,") + extent + "]", "[0,1]"),
              std::string("/a/shape/1: expects an extent from 0 to 2^63 - 1, but got ") + extent);
  for (const char *range : {"[0]", "[0,1,2]", "[0,-1]", "[0,1.5]", "{}", "null"})
    EXPECT_EQ(entryProblem("[1]", range), std::string("/a/data_offsets: expects two offsets, but got ") + range);
}

TEST_F(SafetensorsTest, RejectsBadRanges) {
  auto tensor = [](const std::string &name, const std::string &shape, uint64_t begin, uint64_t end) {
    return "\"" + name + R"(":{"dtype":"U8","shape":)" + shape + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
           std::to_string(end) + "]}";
  };
  EXPECT_EQ(headerProblem("{" + tensor("a", "[1]", 1, 2) + "}", "xx"),
            "/a/data_offsets: expects to begin at 0 where the tensor before it ends, but got 1 (hole)");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[2]", 0, 2) + "," + tensor("b", "[2]", 1, 3) + "}", "xxx"),
            "/b/data_offsets: expects to begin at 2 where the tensor before it ends, but got 1 (overlap)");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[2]", 0, 2) + "," + tensor("b", "[2]", 0, 2) + "}", "xx"),
            "/b/data_offsets: expects to begin at 2 where the tensor before it ends, but got 0 (overlap)");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[1]", 0, 1) + "," + tensor("a", "[1]", 1, 2) + "}", "xx"),
            "/a/data_offsets: expects to begin at 0 where the tensor before it ends, but got 1 (hole)");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[2]", 0, 2) + "," + tensor("b", "[1]", 2, 1) + "}", "xx"),
            "/b/data_offsets: expects begin <= end, but got 2 > 1");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[3]", 0, 2) + "}", "xx"),
            "/a/data_offsets: expects 3 bytes by dtype and shape, but got 2");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[4]", 0, 4) + "}", "xx"),
            "/a/data_offsets: expects to end within the 2 bytes of data, but got 4");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[2]", 0, 2) + "}", "xxx"),
            "expects the tensors to cover the file, but 1 bytes follow the last one");
  EXPECT_EQ(headerProblem("{" + tensor("a", "[4294967296,4294967296,0]", 0, 0) + "}"),
            "/a/shape: expects a tensor of less than 2^64 bits");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,0]}})"),
            "/a/shape: expects a tensor of less than 2^64 bits");
  EXPECT_EQ(headerProblem(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", "xx"),
            "/a/shape: expects a whole number of bytes, but got 12 bits");
}

class CheckpointTensorsTest : public ScratchTest {
protected:
  std::string problem() {
    auto tensors = CheckpointTensors::open(folder.string());
    return tensors ? "" : llvm::toString(tensors.takeError());
  }
};

TEST_F(CheckpointTensorsTest, FindsTensorsInShards) {
  write("model-1.safetensors", makeSafetensors({{"a", {"U8", {1}, "x"}}, {"unlisted", {"U8", {1}, "y"}}}));
  write("model-2.safetensors", makeSafetensors({{"b", {"U8", {2}, "yz"}}}));
  write("model.safetensors.index.json",
        R"({"metadata":{"total_size":3},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  auto tensors = CheckpointTensors::open(folder.string());
  ASSERT_TRUE(bool(tensors));
  ASSERT_TRUE(tensors->find("a"));
  ASSERT_TRUE(tensors->find("b"));
  EXPECT_EQ(tensors->find("a")->file, path("model-1.safetensors"));
  EXPECT_EQ(tensors->find("b")->file, path("model-2.safetensors"));
  EXPECT_FALSE(tensors->find("unlisted"));
}

TEST_F(CheckpointTensorsTest, PrefersTheSingleFile) {
  write("model.safetensors", makeSafetensors({{"a", {"U8", {1}, "x"}}}));
  write("model.safetensors.index.json", "broken");
  EXPECT_EQ(problem(), "");
}

TEST_F(CheckpointTensorsTest, RejectsBadFolders) {
  std::string index = path("model.safetensors.index.json");
  EXPECT_EQ(problem(), folder.string() + ": expects a file model.safetensors or model.safetensors.index.json");
  write("model.safetensors.index.json", "{}");
  EXPECT_EQ(problem(), index + ": /weight_map: expects an object of file names");
  write("model.safetensors.index.json", R"({"weight_map":{"a":1}})");
  EXPECT_EQ(problem(), index + ": /weight_map/a: expects the name of a file in the checkpoint's folder, but got 1");
  for (const char *name : {"/etc/passwd", "../x", "sub/../../x", ""}) {
    write("model.safetensors.index.json", std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    EXPECT_EQ(problem(), index + ": /weight_map/a: expects the name of a file in the checkpoint's folder, but got \"" +
                             name + "\"");
  }
  write("model.safetensors.index.json", R"({"weight_map":{"a":"s.safetensors"}})");
  EXPECT_EQ(problem(), path("s.safetensors") + ": cannot be read: No such file or directory");
  write("s.safetensors", makeSafetensors({{"b", {"U8", {1}, "x"}}}));
  EXPECT_EQ(problem(), index + ": /weight_map/a: expects the tensor in s.safetensors, but it is not there");
}

} // namespace
