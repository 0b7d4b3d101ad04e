//===- description_test.cpp - Reading descriptions ----------------------------===//
#include "compiler/Frontend/Description/Description.h"

#include "tests/compiler/Frontend/Checkpoint/Files.h"

using namespace thresh;
using namespace thresh::test;

namespace {

class DescriptionTest : public ScratchTest {
protected:
  llvm::Expected<ModelDescription> readText(const std::string &text) {
    return readDescription(write("model.json", text));
  }

  /// The error that reading gives, without the file's name; "" if none.
  std::string problem(const std::string &text) {
    llvm::Expected<ModelDescription> description = readText(text);
    if (description)
      return "";
    std::string message = llvm::toString(description.takeError());
    std::string place = path("model.json") + ": ";
    EXPECT_EQ(message.substr(0, place.size()), place);
    return message.substr(place.size());
  }
};

TEST_F(DescriptionTest, ReadsEveryKey) {
  auto description =
      readText(R"({"version": 1, "model": "a/b", "model_config": {"hidden_act": "relu"}, "max_batch_size": 1,
    "ffn_sparsity": {"k": [1, 2]}, "attention_sparsity": {"index_topk": 4}, "context_window_size": 512, "dtype": "float32", "quantization": "q4", "kv_cache": "bf16",
    "targets": ["x86-64-v3", "host"]})");
  ASSERT_TRUE(bool(description)) << llvm::toString(description.takeError());
  EXPECT_EQ(description->checkpoint, path("a/b"));
  EXPECT_EQ(description->modelConfig, R"({"hidden_act":"relu"})");
  EXPECT_EQ(description->sparsity.file, path("model.json"));
  EXPECT_EQ(description->sparsity.json, R"({"attention_sparsity":{"index_topk":4},"ffn_sparsity":{"k":[1,2]}})");
  EXPECT_EQ(description->context, 512);
  EXPECT_EQ(description->weights, WeightFormat::Q4);
  EXPECT_EQ(description->cache, CacheFormat::BF16);
  EXPECT_EQ(description->targets, (std::vector<std::string>{"x86-64-v3", "host"}));
}

TEST_F(DescriptionTest, NeedsTheModelOnly) {
  auto description = readText(R"({"model": "/a/b"})");
  ASSERT_TRUE(bool(description)) << llvm::toString(description.takeError());
  EXPECT_EQ(description->checkpoint, "/a/b");
  EXPECT_EQ(description->modelConfig, "");
  EXPECT_EQ(description->sparsity.json, "");
  EXPECT_FALSE(description->context);
  EXPECT_FALSE(description->weights);
  EXPECT_FALSE(description->cache);
  EXPECT_TRUE(description->targets.empty());
}

TEST_F(DescriptionTest, RejectsUnknownKeys) {
  EXPECT_EQ(problem(R"({"model": "a", "contxt": 5})"), "/contxt: expects one of attention_sparsity, "
                                                       "context_window_size, dtype, ffn_sparsity, kv_cache, "
                                                       "max_batch_size, model, model_config, quantization, targets, "
                                                       "version as the key");
}

TEST_F(DescriptionTest, RejectsBadValues) {
  EXPECT_EQ(problem("{}"), "/model: expects a string, but the field is missing");
  EXPECT_EQ(problem(R"({"model": ""})"), "/model: expects the path of a checkpoint folder");
  EXPECT_EQ(problem(R"({"model": 3})"), "/model: expects a string, but got 3");
  EXPECT_EQ(problem(R"({"model": "a", "version": 2})"), "/version: expects an integer from 1 to 1, but got 2");
  EXPECT_EQ(problem(R"({"model": "a", "max_batch_size": 2})"),
            "/max_batch_size: expects an integer from 1 to 1, but got 2");
  EXPECT_EQ(problem(R"({"model": "a", "dtype": "float16"})"), "/dtype: expects \"float32\", but got \"float16\"");
  EXPECT_EQ(problem(R"({"model": "a", "quantization": "q2"})"),
            "/quantization: expects one of none, f16, bf16, q8, q4, but got \"q2\"");
  EXPECT_EQ(problem(R"({"model": "a", "kv_cache": 8})"), "/kv_cache: expects a string, but got 8");
  EXPECT_EQ(problem(R"({"model": "a", "kv_cache": "q4"})"),
            "/kv_cache: expects one of f32, f16, bf16, q8, but got \"q4\"");
  EXPECT_EQ(problem(R"({"model": "a", "context_window_size": 0})"),
            "/context_window_size: expects an integer from 1 to 1073741824, but got 0");
  EXPECT_EQ(problem(R"({"model": "a", "model_config": []})"), "/model_config: expects an object, but got []");
  EXPECT_EQ(problem(R"({"model": "a", "ffn_sparsity": 8})"), "/ffn_sparsity: expects an object, but got 8");
  EXPECT_EQ(problem(R"({"model": "a", "targets": []})"),
            "/targets: expects an array of one or more strings, but got []");
  EXPECT_EQ(problem(R"({"model": "a", "targets": ["host", 1]})"),
            "/targets: expects an array of one or more strings, but got [\"host\",1]");
  EXPECT_EQ(problem("[1]"), "expects a JSON object");
}

} // namespace
