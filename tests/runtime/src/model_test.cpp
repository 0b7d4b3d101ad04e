//===- model_test.cpp - opening libraries and finding weights -----------------===//
#include "tests/runtime/test_folder.h"
#include "thresh/thresh.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace {

namespace fs = std::filesystem;

struct Closer {
  void operator()(thresh_model *model) const { thresh_model_close(model); }
};
using Model = std::unique_ptr<thresh_model, Closer>;

const std::string mocks = MOCK_FOLDER;

struct Opened {
  Model model;
  thresh_code code;
  std::string message;
};

Opened openModel(const std::string &path, thresh_open_options options = {}) {
  thresh_model *model = nullptr;
  thresh_status status;
  thresh_code code = thresh_model_open(path.c_str(), &options, &model, &status);
  EXPECT_EQ(code, status.code);
  EXPECT_EQ(code == THRESH_OK, model != nullptr);
  EXPECT_EQ(code == THRESH_OK, status.message[0] == '\0');
  return {Model(model), code, status.message};
}

/// The weights file that mock_weights was "compiled" with, holding 10, 20, 30, 40.
std::string weightsFile() {
  std::string header = R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})";
  header.resize(4088, ' ');
  const float values[4] = {10, 20, 30, 40};
  return std::string("\xf8\x0f\0\0\0\0\0\0", 8) + header + std::string(reinterpret_cast<const char *>(values), 16);
}

/// sum[0, :] of main for zero inputs: the weights.
std::vector<float> runMain(thresh_model *model) {
  thresh_session *session = nullptr;
  EXPECT_EQ(thresh_session_create(model, &session, nullptr), THRESH_OK);
  const float zeros[4] = {};
  const thresh_input inputs[2] = {{nullptr, THRESH_F32, 2, {1, 4}, zeros, 16},
                                  {nullptr, THRESH_F32, 2, {1, 4}, zeros, 16}};
  thresh_output output = {};
  thresh_status status;
  EXPECT_EQ(thresh_session_run(session, 0, inputs, 2, &output, 1, &status), THRESH_OK) << status.message;
  std::vector<float> sum(static_cast<float *>(output.data), static_cast<float *>(output.data) + 4);
  thresh_session_free(session);
  return sum;
}

//===-------------------------------------------------------------------------===//
// Queries
//===-------------------------------------------------------------------------===//

TEST(Model, AnswersQueries) {
  Opened opened = openModel(mocks + "/mock.so");
  ASSERT_TRUE(opened.model);
  const thresh_model *model = opened.model.get();
  EXPECT_EQ(thresh_model_num_entries(model), 17);
  EXPECT_EQ(thresh_model_find_entry(model, "main"), 0);
  EXPECT_EQ(thresh_model_find_entry(model, "copy_bool"), 14);
  EXPECT_EQ(thresh_model_find_entry(model, "none"), -1);
  EXPECT_EQ(thresh_model_entry(model, 17), nullptr);
  EXPECT_EQ(thresh_model_entry(model, -1), nullptr);
  EXPECT_STREQ(thresh_model_metadata(model), "{\"made\": \"by hand\"}");
  EXPECT_STREQ(thresh_model_target(model), "mock-best");
  EXPECT_EQ(thresh_model_table(model)->num_variants, 3);
  const thresh_entry_info *entry = thresh_model_entry(model, 0);
  ASSERT_EQ(entry->num_inputs, 2);
  ASSERT_EQ(entry->num_outputs, 2);
  EXPECT_STREQ(entry->inputs[1].name, "y");
  EXPECT_EQ(entry->inputs[1].dtype, THRESH_F32);
  ASSERT_EQ(entry->inputs[1].rank, 2);
  EXPECT_EQ(entry->inputs[1].shape[0], -1);
  EXPECT_EQ(entry->inputs[1].shape[1], 4);
  EXPECT_STREQ(entry->inputs[1].dim_symbols[0], "batch");
}

TEST(Model, OpensWithoutOptionsAndStatus) {
  thresh_model *model = nullptr;
  EXPECT_EQ(thresh_model_open((mocks + "/mock.so").c_str(), nullptr, &model, nullptr), THRESH_OK);
  thresh_model_close(model);
  thresh_model_close(nullptr);
}

TEST(Model, OpensARelativePathWithoutFolder) {
  TestFolder folder;
  fs::path before = fs::current_path();
  fs::copy_file(mocks + "/mock.so", folder.path("here.so"));
  fs::current_path(folder.path(""));
  EXPECT_EQ(openModel("here.so").code, THRESH_OK);
  fs::current_path(before);
}

TEST(Model, RefusesNullArguments) {
  thresh_status status;
  EXPECT_EQ(thresh_model_open("x", nullptr, nullptr, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'model' expects a pointer, but got null");
  thresh_model *model;
  for (const char *path : {(const char *)nullptr, ""}) {
    EXPECT_EQ(thresh_model_open(path, nullptr, &model, &status), THRESH_INVALID_ARGUMENT);
    EXPECT_STREQ(status.message, "'path' expects a file, but got nothing");
  }
}

//===-------------------------------------------------------------------------===//
// Variants
//===-------------------------------------------------------------------------===//

TEST(Model, TakesTheVariantAskedFor) {
  thresh_open_options options = {};
  options.target = "mock-plain";
  EXPECT_STREQ(thresh_model_target(openModel(mocks + "/mock.so", options).model.get()), "mock-plain");
}

TEST(Model, RefusesVariants) {
  thresh_open_options options = {};
  options.target = "mock-none";
  Opened unknown = openModel(mocks + "/mock.so", options);
  EXPECT_EQ(unknown.code, THRESH_INVALID_ARGUMENT);
  EXPECT_EQ(unknown.message,
            "library '" + mocks +
                "/mock.so' has no variant 'mock-none'; it has 'mock-best', 'mock-future', 'mock-plain'");
  options.target = "mock-future";
  Opened future = openModel(mocks + "/mock.so", options);
  EXPECT_EQ(future.code, THRESH_UNSUPPORTED_CPU);
  EXPECT_EQ(future.message, "this CPU cannot run library '" + mocks + "/mock.so', compiled for mock-future");
  Opened all = openModel(mocks + "/mock_other_cpu.so");
  EXPECT_EQ(all.code, THRESH_UNSUPPORTED_CPU);
  EXPECT_EQ(all.message, "this CPU cannot run library '" + mocks + "/mock_other_cpu.so', compiled for 'mock-best'");
}

TEST(Model, OpensForItsSignatureOnly) {
  thresh_open_options options = {};
  options.signature_only = 1;
  for (const char *name : {"/mock_other_cpu.so", "/mock_weights.so"}) {
    Opened opened = openModel(mocks + name, options);
    ASSERT_EQ(opened.code, THRESH_OK) << opened.message;
    EXPECT_EQ(thresh_model_target(opened.model.get()), nullptr);
    thresh_session *session;
    thresh_status status;
    EXPECT_EQ(thresh_session_create(opened.model.get(), &session, &status), THRESH_INVALID_ARGUMENT);
    EXPECT_STREQ(status.message, "the model was opened for its signature only");
    EXPECT_EQ(session, nullptr);
  }
}

//===-------------------------------------------------------------------------===//
// Damaged libraries
//===-------------------------------------------------------------------------===//

TEST(Model, RefusesFilesThatAreNoLibraries) {
  TestFolder folder;
  std::string text = folder.write("text.so", "not a library"), empty = folder.write("empty.so", "");
  std::string missing = folder.path("missing.so"), directory = folder.path("");
  EXPECT_EQ(openModel(missing).message, "cannot open library '" + missing + "': No such file or directory");
  EXPECT_EQ(openModel(text).message, "'" + text + "' is not a 64-bit shared library");
  EXPECT_EQ(openModel(empty).message, "'" + empty + "' is not a 64-bit shared library");
  EXPECT_EQ(openModel(directory).message, "'" + directory + "' is not a regular file");
  std::string other = mocks + "/mock_other_version.so";
  EXPECT_EQ(openModel(other).message,
            "library '" + other + "' is of another compiler version: expects ABI version 5, but got 9");
  EXPECT_EQ(openModel("/proc/self/exe").code, THRESH_INVALID_LIBRARY);
  std::string longPath = "/" + std::string(5000, 'a');
  EXPECT_EQ(openModel(longPath).message, "path of the library is longer than 4095 bytes");
}

TEST(Model, RefusesALibraryOfAnotherMachine) {
  TestFolder folder;
  std::string bytes = TestFolder::read(mocks + "/mock.so");
  bytes[18] = 40; // e_machine: 32-bit ARM
  bytes[19] = 0;
  Opened opened = openModel(folder.write("arm.so", bytes));
  EXPECT_EQ(opened.code, THRESH_INVALID_LIBRARY);
  EXPECT_NE(opened.message.find("is for another machine: expects ELF machine"), std::string::npos) << opened.message;
}

TEST(Model, RefusesALibraryCutShort) {
  TestFolder folder;
  std::string bytes = TestFolder::read(mocks + "/mock.so");
  // A cut inside what is loaded is refused; behind it lie only section headers, and the library still works.
  int refused = 0;
  for (size_t size = 0; size < bytes.size(); size += 97) {
    Opened opened = openModel(folder.write("cut.so", bytes.substr(0, size)));
    refused += opened.code == THRESH_INVALID_LIBRARY;
    EXPECT_TRUE(opened.code == THRESH_OK || opened.code == THRESH_INVALID_LIBRARY);
  }
  EXPECT_GT(refused, 20);
  Opened half = openModel(folder.write("half.so", bytes.substr(0, 4200)));
  EXPECT_NE(half.message.find("is cut short: segment"), std::string::npos) << half.message;
}

//===-------------------------------------------------------------------------===//
// Weights
//===-------------------------------------------------------------------------===//

TEST(Weights, EmbeddedOnesAreUsed) {
  EXPECT_EQ(runMain(openModel(mocks + "/mock.so").model.get()), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(runMain(openModel(mocks + "/mock_embedded.so").model.get()), (std::vector<float>{1, 2, 3, 4}));
}

class WeightsFile : public testing::Test {
protected:
  void SetUp() override {
    library = folder.path("m.so");
    weights = folder.path("mock.weights.safetensors");
    fs::copy_file(mocks + "/mock_weights.so", library);
  }

  TestFolder folder;
  std::string library, weights;
};

TEST_F(WeightsFile, IsFoundBesideTheLibrary) {
  folder.write("mock.weights.safetensors", weightsFile());
  EXPECT_EQ(runMain(openModel(library).model.get()), (std::vector<float>{10, 20, 30, 40}));
}

TEST_F(WeightsFile, IsFoundWhereTheCallerSays) {
  std::string elsewhere = folder.write("elsewhere", weightsFile());
  thresh_open_options options = {};
  options.weights_path = elsewhere.c_str();
  EXPECT_EQ(runMain(openModel(library, options).model.get()), (std::vector<float>{10, 20, 30, 40}));
  EXPECT_EQ(openModel(mocks + "/mock_embedded.so", options).message,
            "library '" + mocks + "/mock_embedded.so' takes no weights file: its weights are embedded");
}

TEST_F(WeightsFile, IsMissing) {
  Opened opened = openModel(library);
  EXPECT_EQ(opened.code, THRESH_INVALID_LIBRARY);
  EXPECT_EQ(opened.message,
            "cannot open weights file '" + weights + "' of library '" + library + "': No such file or directory");
}

TEST_F(WeightsFile, IsNotAFile) {
  fs::create_directory(weights);
  EXPECT_EQ(openModel(library).message, "weights file '" + weights + "' is not a regular file");
}

TEST_F(WeightsFile, HasAnotherSize) {
  folder.write("mock.weights.safetensors", weightsFile().substr(0, 4111));
  EXPECT_EQ(openModel(library).message,
            "weights file '" + weights + "' is cut short: expects 4112 bytes, but got 4111");
  folder.write("mock.weights.safetensors", weightsFile() + "x");
  EXPECT_EQ(openModel(library).message, "weights file '" + weights + "' is too long: expects 4112 bytes, but got 4113");
  folder.write("mock.weights.safetensors", "");
  EXPECT_EQ(openModel(library).message, "weights file '" + weights + "' is cut short: expects 4112 bytes, but got 0");
}

TEST_F(WeightsFile, HasAnotherHeader) {
  std::string swapped = weightsFile();
  swapped[0] = '\xf0';
  folder.write("mock.weights.safetensors", swapped);
  EXPECT_EQ(openModel(library).message, "weights file '" + weights +
                                            "' is not the one that the library was compiled with: expects a header of "
                                            "4088 bytes, but got 4080");
  swapped = weightsFile();
  swapped[4095] = '\t';
  folder.write("mock.weights.safetensors", swapped);
  std::string start = "weights file '" + weights +
                      "' is not the one that the library was compiled with: expects id 684ce8b8f6679725, but got ";
  EXPECT_EQ(openModel(library).message.substr(0, start.size()), start);
}

} // namespace
