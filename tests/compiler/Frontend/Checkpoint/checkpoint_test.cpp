//===- checkpoint_test.cpp - Importing checkpoint folders ---------------------===//
#include "dialects/Thresh/IR/ThreshDialect.h"
#include "tests/compiler/Frontend/Checkpoint/ImportFixture.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace thresh;
using namespace thresh::test;

namespace {

/// A BERT of one layer, width 4, two heads; tests change it before `import`.
class CheckpointTest : public ImportTest {
protected:
  CheckpointTest() {
    config = {{"model_type", "bert"},         {"vocab_size", 7},          {"hidden_size", 4},
              {"num_hidden_layers", 1},       {"num_attention_heads", 2}, {"intermediate_size", 6},
              {"max_position_embeddings", 5}, {"type_vocab_size", 2},     {"hidden_act", "gelu"},
              {"layer_norm_eps", 1e-12}};
    add("embeddings.word_embeddings.weight", {7, 4});
    add("embeddings.token_type_embeddings.weight", {2, 4});
    add("embeddings.position_embeddings.weight", {5, 4});
    addNorm("embeddings.LayerNorm");
    for (const char *role : {"self.query", "self.key", "self.value", "output.dense"})
      addLinear(std::string("encoder.layer.0.attention.") + role, 4, 4);
    addNorm("encoder.layer.0.attention.output.LayerNorm");
    addLinear("encoder.layer.0.intermediate.dense", 6, 4);
    addLinear("encoder.layer.0.output.dense", 4, 6);
    addNorm("encoder.layer.0.output.LayerNorm");
  }

  void addLinear(const std::string &name, int64_t out, int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void addNorm(const std::string &name) {
    add(name + ".weight", {4});
    add(name + ".bias", {4});
  }
};

TEST_F(CheckpointTest, DeclaresItsSignature) {
  OwningOpRef<ModuleOp> module = import();
  ASSERT_TRUE(module) << message;
  auto entry = module->lookupSymbol<func::FuncOp>("main");
  ASSERT_TRUE(entry);
  ASSERT_EQ(entry.getNumArguments(), 3u);
  const char *names[] = {"input_ids", "attention_mask", "token_type_ids"};
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(entry.getArgAttrOfType<StringAttr>(i, "thresh.name"), names[i]);
    EXPECT_EQ(entry.getArgumentTypes()[i],
              RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, IntegerType::get(&context, 64)));
  }
  EXPECT_FALSE(entry.getArgAttr(0, "thresh.default"));
  EXPECT_EQ(entry.getArgAttrOfType<IntegerAttr>(1, "thresh.default").getInt(), 1);
  EXPECT_EQ(entry.getArgAttrOfType<IntegerAttr>(2, "thresh.default").getInt(), 0);
  EXPECT_EQ(entry.getResultAttrOfType<StringAttr>(0, "thresh.name"), "last_hidden_state");
  EXPECT_EQ(entry.getResultAttrOfType<ArrayAttr>(0, "thresh.dims"),
            Builder(&context).getStrArrayAttr({"batch", "seq", ""}));
}

TEST_F(CheckpointTest, ComputesInF32WhateverIsStored) {
  add("encoder.layer.0.output.dense.weight", {4, 6}, "BF16");
  OwningOpRef<ModuleOp> module = import();
  ASSERT_TRUE(module) << message;
  auto parameter = module->lookupSymbol<ParameterOp>("encoder.layer.0.output.dense.weight");
  ASSERT_TRUE(parameter);
  EXPECT_EQ(parameter.getType(), RankedTensorType::get({4, 6}, Float32Type::get(&context)));
  EXPECT_EQ(parameter.getSource().getType(), RankedTensorType::get({4, 6}, BFloat16Type::get(&context)));
  EXPECT_EQ(parameter.getSource().getLength(), 48);
}

TEST_F(CheckpointTest, FixesDimensions) {
  options.fixedDims["batch"] = 2;
  OwningOpRef<ModuleOp> module = import();
  ASSERT_TRUE(module) << message;
  auto entry = module->lookupSymbol<func::FuncOp>("main");
  EXPECT_EQ(entry.getResultTypes()[0], RankedTensorType::get({2, ShapedType::kDynamic, 4}, Float32Type::get(&context)));
  EXPECT_EQ(entry.getArgAttrOfType<ArrayAttr>(0, "thresh.dims"), Builder(&context).getStrArrayAttr({"", "seq"}));
}

TEST_F(CheckpointTest, RejectsUnknownFixedDimensions) {
  options.fixedDims["sequence"] = 2;
  EXPECT_EQ(problem(), "dimension \"sequence\": expects one of batch, seq");
  options.fixedDims.clear();
  options.fixedDims["seq"] = 6;
  EXPECT_EQ(problem(), "dimension \"seq\": expects an extent of at most 5 (max_position_embeddings), but got 6");
  options.fixedDims["seq"] = -1;
  EXPECT_EQ(problem(), "dimension \"seq\": expects an extent of at least 0, but got -1");
}

TEST_F(CheckpointTest, TakesNamesWithPrefixAndOldNormNames) {
  std::map<std::string, TestTensor> renamed;
  for (const auto &[name, tensor] : tensors) {
    std::string newName = "bert." + name;
    if (name.find("LayerNorm.weight") != std::string::npos)
      newName = newName.substr(0, newName.size() - 6) + "gamma";
    if (name.find("LayerNorm.bias") != std::string::npos)
      newName = newName.substr(0, newName.size() - 4) + "beta";
    renamed[newName] = tensor;
  }
  tensors = renamed;
  EXPECT_EQ(problem(), "");
}

TEST_F(CheckpointTest, TakesTheUsualValuesOfAbsentFields) {
  for (const char *key : {"type_vocab_size", "hidden_act", "layer_norm_eps"})
    config.erase(key);
  config["position_embedding_type"] = nullptr;
  EXPECT_EQ(problem(), "");
}

TEST_F(CheckpointTest, KnowsActivations) {
  for (const char *name : {"gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "relu2", "sigmoid", "silu",
                           "swish", "tanh", "linear"}) {
    config["hidden_act"] = name;
    EXPECT_EQ(problem(), "") << name;
  }
  config["hidden_act"] = "gelu";
  OwningOpRef<ModuleOp> module = import();
  int erfs = 0;
  module->walk([&](math::ErfOp) { ++erfs; });
  EXPECT_EQ(erfs, 1);
}

TEST_F(CheckpointTest, RejectsBadConfigs) {
  nlohmann::json good = config;
  auto with = [&](const char *key, nlohmann::json value) {
    config = good;
    config[key] = std::move(value);
    return problem();
  };
  EXPECT_EQ(with("model_type", "roberta").substr(0, inConfig("/model_type: expects one of bert, ").size()),
            inConfig("/model_type: expects one of bert, "));
  EXPECT_EQ(with("model_type", 5), inConfig("/model_type: expects a string, but got 5"));
  EXPECT_EQ(with("model_type", nullptr), inConfig("/model_type: expects a string, but the field is missing"));
  EXPECT_EQ(with("hidden_size", "4"), inConfig("/hidden_size: expects an integer from 1 to 2147483647, but got \"4\""));
  EXPECT_EQ(with("hidden_size", 4.5), inConfig("/hidden_size: expects an integer from 1 to 2147483647, but got 4.5"));
  EXPECT_EQ(with("hidden_size", uint64_t(1) << 63),
            inConfig("/hidden_size: expects an integer from 1 to 2147483647, but got 9223372036854775808"));
  EXPECT_EQ(with("num_attention_heads", 0),
            inConfig("/num_attention_heads: expects an integer from 1 to 2147483647, but got 0"));
  EXPECT_EQ(with("num_attention_heads", 3),
            inConfig("/num_attention_heads: expects a divisor of hidden_size 4, but got 3"));
  EXPECT_EQ(with("num_hidden_layers", -1),
            inConfig("/num_hidden_layers: expects an integer from 0 to 2147483647, but got -1"));
  EXPECT_EQ(with("layer_norm_eps", 0), inConfig("/layer_norm_eps: expects a number greater than 0, but got 0"));
  EXPECT_EQ(with("layer_norm_eps", "1"), inConfig("/layer_norm_eps: expects a number greater than 0, but got \"1\""));
  EXPECT_EQ(with("is_decoder", true), inConfig("/is_decoder: expects false: only the encoder is supported"));
  EXPECT_EQ(with("is_decoder", 1), inConfig("/is_decoder: expects true or false, but got 1"));
  EXPECT_EQ(with("position_embedding_type", "relative_key"),
            inConfig("/position_embedding_type: expects \"absolute\", but got \"relative_key\""));
  EXPECT_EQ(with("hidden_act", "gelu2").substr(0, inConfig("/hidden_act: expects one of gelu, ").size()),
            inConfig("/hidden_act: expects one of gelu, "));
  config = good;
  config.erase("vocab_size");
  EXPECT_EQ(problem(), inConfig("/vocab_size: expects an integer from 1 to 2147483647, but the field is missing"));
}

TEST_F(CheckpointTest, RejectsBadTensors) {
  std::map<std::string, TestTensor> good = tensors;
  const std::string key = "encoder.layer.0.attention.self.key.weight";
  std::string place = path("model.safetensors") + ": tensor \"" + key + "\": ";
  add(key, {4, 5});
  EXPECT_EQ(problem(), place + "expects shape [4, 4], but got [4, 5]");
  add(key, {4, 4}, "I16");
  EXPECT_EQ(problem(), place + "expects dtype F32, F16 or BF16, but got I16");
  tensors.erase(key);
  EXPECT_EQ(problem(), path("model.safetensors") + ": expects a tensor \"" + key + "\" of shape [4, 4]");
  tensors = good;
  config["num_hidden_layers"] = 2147483647;
  EXPECT_EQ(problem(), path("model.safetensors") +
                           ": expects a tensor \"encoder.layer.1.attention.self.query.weight\" of shape [4, 4]");
}

TEST_F(CheckpointTest, RejectsRepeatedFields) {
  std::string file = write("config.json", R"({"model_type":"bert","model_type":"bert"})");
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_FALSE(importCheckpoint(folder.string(), context, options));
  EXPECT_EQ(message, file + ": expects each name once, but got \"model_type\" twice in an object");
}

TEST_F(CheckpointTest, RejectsFoldersWithoutConfig) {
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_FALSE(importCheckpoint(folder.string(), context, options));
  EXPECT_EQ(message, inConfig("cannot be read: No such file or directory"));
}

} // namespace
