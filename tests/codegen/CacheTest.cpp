//===- CacheTest.cpp - The kernel cache and the files that codegen writes ----===//

#include "codegen/Codegen.h"
#include "tests/codegen/Specs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

namespace thresh::codegen::test {
namespace {

class CacheTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "thresh-cache-XXXXXX").string();
    root = mkdtemp(pattern.data());
    fs::create_directories(root / "out");
    for (const char *name : {"first", "second"}) {
      specs.push_back(gatherSpec(name[0] == 'f' ? 8 : 16));
      specs.back().name = name;
      specs.back().target = "x86-64-v3";
    }
  }
  void TearDown() override { fs::remove_all(root); }

  BatchResult compile(const std::string &cache = "cache") {
    steps.clear();
    auto progress = [](void *user, int done, int total, const std::string &name) {
      static_cast<std::vector<std::string> *>(user)->push_back(std::to_string(done) + "/" + std::to_string(total) +
                                                               " " + name);
    };
    return compileKernels(specs, root / "out", cache.empty() ? "" : (root / cache).string(), 2, progress, &steps);
  }

  static std::string bytes(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  fs::path root;
  std::vector<KernelSpec> specs;
  std::vector<std::string> steps;
};

TEST_F(CacheTest, SecondCompileTakesEverythingFromTheCache) {
  BatchResult cold = compile();
  ASSERT_TRUE(cold.status.ok()) << cold.status.message;
  EXPECT_EQ(cold.compiled, 2);
  EXPECT_EQ(cold.fromCache, 0);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[1].substr(0, 3), "2/2");
  std::string object = bytes(root / "out/first.o");
  fs::remove(root / "out/first.o");
  BatchResult warm = compile();
  EXPECT_EQ(warm.compiled, 0);
  EXPECT_EQ(warm.fromCache, 2);
  EXPECT_EQ(bytes(root / "out/first.o"), object);
}

TEST_F(CacheTest, DamagedEntriesAreIgnored) {
  ASSERT_TRUE(compile().status.ok());
  for (const fs::directory_entry &entry : fs::directory_iterator(root / "cache")) {
    std::string text = bytes(entry.path());
    text[text.size() - 5] ^= 1;
    std::ofstream(entry.path(), std::ios::binary) << text;
  }
  EXPECT_EQ(compile().compiled, 2);
  EXPECT_EQ(compile().fromCache, 2);
  for (const fs::directory_entry &entry : fs::directory_iterator(root / "cache"))
    fs::resize_file(entry.path(), 10);
  EXPECT_EQ(compile().compiled, 2);
}

TEST_F(CacheTest, NoCacheAndUnwritableCache) {
  EXPECT_EQ(compile("").compiled, 2);
  EXPECT_EQ(compile("").compiled, 2);
  std::ofstream(root / "file") << "not a folder";
  BatchResult result = compile("file");
  EXPECT_TRUE(result.status.ok()) << result.status.message;
  EXPECT_EQ(result.compiled, 2);
}

TEST_F(CacheTest, AFailureNamesTheKernelAndLeavesNoObject) {
  specs[1].stages[0].body[0].integer = 9;
  BatchResult result = compile("");
  EXPECT_EQ(result.status.message, "kernel 'second': at /stages/0/body/0/integer: expects a loop in [0, 3), but got 9");
  EXPECT_FALSE(fs::exists(root / "out/second.o"));
  fs::remove_all(root / "out");
  specs.pop_back();
  EXPECT_FALSE(compile("").status.ok());
}

TEST_F(CacheTest, RuntimeIsCachedToo) {
  std::string object = (root / "runtime.o").string(), cache = (root / "cache").string();
  ASSERT_TRUE(compileRuntime("x86-64-v3", object, cache).ok());
  std::string text = bytes(object);
  fs::remove(object);
  ASSERT_TRUE(compileRuntime("x86-64-v3", object, cache).ok());
  EXPECT_EQ(bytes(object), text);
  EXPECT_EQ(compileRuntime("z80", object, cache).message, "expects a known target, but got 'z80'");
}

TEST_F(CacheTest, StatementAndAssembly) {
  KernelFiles files;
  files.object = (root / "k.o").string();
  files.stmt = (root / "k.stmt").string();
  files.stmtHtml = (root / "k.html").string();
  files.assembly = (root / "k.s").string();
  Status status = compileKernel(specs[0], files);
  ASSERT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(bytes(files.object).substr(0, 4), "\x7f"
                                              "ELF");
  EXPECT_NE(bytes(files.stmt).find("produce"), std::string::npos);
  EXPECT_NE(bytes(files.stmtHtml).find("<html"), std::string::npos);
  EXPECT_NE(bytes(files.assembly).find("first:"), std::string::npos);
}

TEST(Targets, TheHostRunsItsTarget) {
  EXPECT_EQ(findTarget("none"), nullptr);
  EXPECT_EQ(findTarget("x86-64-v3")->vectorBits, 256);
  for (const TargetInfo &info : targets())
    EXPECT_EQ(findTarget(info.name), &info);
}

} // namespace
} // namespace thresh::codegen::test
