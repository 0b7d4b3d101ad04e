//===- decoder_test.cpp - Importing decoder checkpoints -----------------------===//
#include "dialects/Thresh/IR/ThreshDialect.h"
#include "tests/compiler/Frontend/Checkpoint/ImportFixture.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace thresh;
using namespace thresh::test;

namespace {

/// A Llama of one layer, width 8, four heads of which two hold keys; tests change it before `import`.
class DecoderTest : public ImportTest {
protected:
  DecoderTest() {
    config = {{"model_type", "llama"},       {"vocab_size", 7},          {"hidden_size", 8},
              {"num_hidden_layers", 1},      {"num_attention_heads", 4}, {"num_key_value_heads", 2},
              {"intermediate_size", 6},      {"rms_norm_eps", 1e-6},     {"max_position_embeddings", 5},
              {"tie_word_embeddings", false}};
    add("model.embed_tokens.weight", {7, 8});
    add("lm_head.weight", {7, 8});
    for (const char *norm : {"model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm"})
      add(std::string(norm) + ".weight", {8});
    const std::string layer = "model.layers.0.";
    add(layer + "self_attn.q_proj.weight", {8, 8});
    add(layer + "self_attn.k_proj.weight", {4, 8});
    add(layer + "self_attn.v_proj.weight", {4, 8});
    add(layer + "self_attn.o_proj.weight", {8, 8});
    add(layer + "mlp.gate_proj.weight", {6, 8});
    add(layer + "mlp.up_proj.weight", {6, 8});
    add(layer + "mlp.down_proj.weight", {8, 6});
  }

  /// The error after the fields of `changes` are set (null ones to null); the config is then as before.
  std::string problemWith(const nlohmann::json &changes) {
    nlohmann::json good = config;
    config.update(changes);
    std::string found = problem();
    config = good;
    return found;
  }
};

TEST_F(DecoderTest, DeclaresEntryPointsAndStates) {
  OwningOpRef<ModuleOp> module = import();
  ASSERT_TRUE(module) << message;
  struct Entry {
    const char *name;
    int64_t tokens, rows;
  };
  constexpr int64_t kAny = ShapedType::kDynamic;
  for (const Entry &expected : {Entry{"prefill", kAny, 1}, Entry{"decode", 1, 1}, Entry{"score", kAny, kAny}}) {
    auto entry = module->lookupSymbol<func::FuncOp>(expected.name);
    ASSERT_TRUE(entry) << expected.name;
    EXPECT_EQ(entry.getArgumentTypes()[0], RankedTensorType::get({expected.tokens}, IntegerType::get(&context, 64)));
    EXPECT_EQ(entry.getResultTypes()[0], RankedTensorType::get({expected.rows, 7}, Float32Type::get(&context)));
    EXPECT_EQ(entry.getArgAttrOfType<StringAttr>(0, "thresh.name"), "input_ids");
    EXPECT_TRUE(entry.getArgAttr(0, "thresh.tokens"));
    EXPECT_EQ(entry.getResultAttrOfType<StringAttr>(0, "thresh.name"), "logits");
  }
  for (const char *name : {"key_0", "value_0"}) {
    auto state = module->lookupSymbol<StateOp>(name);
    ASSERT_TRUE(state) << name;
    EXPECT_EQ(state.getType(), RankedTensorType::get({5, 2, 2}, Float32Type::get(&context)));
  }
  EXPECT_EQ((*module)->getAttrOfType<IntegerAttr>("thresh.context").getInt(), 5);
  EXPECT_EQ(llvm::range_size(module->getOps<ParameterOp>()), 12u);
}

TEST_F(DecoderTest, FixesDimensions) {
  options.fixedDims["seq"] = 3;
  OwningOpRef<ModuleOp> module = import();
  ASSERT_TRUE(module) << message;
  auto entry = module->lookupSymbol<func::FuncOp>("score");
  EXPECT_EQ(entry.getResultTypes()[0], RankedTensorType::get({3, 7}, Float32Type::get(&context)));
  options.fixedDims["batch"] = 1;
  EXPECT_EQ(problem(), "dimension \"batch\": expects one of seq");
}

TEST_F(DecoderTest, TakesAContextPastTheModel) {
  options.context = 100;
  OwningOpRef<ModuleOp> module = import();
  ASSERT_TRUE(module) << message;
  EXPECT_EQ(module->lookupSymbol<StateOp>("key_0").getType(),
            RankedTensorType::get({100, 2, 2}, Float32Type::get(&context)));
}

TEST_F(DecoderTest, KeepsWindowsInRings) {
  config["model_type"] = "mistral";
  config["sliding_window"] = 3;
  struct Case {
    int64_t context, rows;
    std::optional<int64_t> window;
  };
  for (const Case &expected :
       {Case{66, 66, std::nullopt}, Case{67, 67, std::nullopt}, Case{68, 67, 3}, Case{900, 67, 3}}) {
    options.context = expected.context;
    OwningOpRef<ModuleOp> module = import();
    ASSERT_TRUE(module) << message;
    for (const char *name : {"key_0", "value_0"}) {
      auto state = module->lookupSymbol<StateOp>(name);
      EXPECT_EQ(cast<RankedTensorType>(state.getType()).getDimSize(0), expected.rows) << expected.context;
      EXPECT_EQ(state.getWindow(), expected.window) << expected.context;
    }
    auto copies = [&](const char *entry) {
      int count = 0;
      module->lookupSymbol<func::FuncOp>(entry).walk([&](RecallStateOp) { ++count; });
      return count;
    };
    EXPECT_EQ(copies("prefill"), expected.window ? 2 : 0);
    EXPECT_EQ(copies("decode"), 0) << "one token reads the ring in place";
  }
}

TEST_F(DecoderTest, LimitsTheContextToLearnedPositions) {
  config = {{"model_type", "gpt2"}, {"vocab_size", 7}, {"n_embd", 8},
            {"n_layer", 1},         {"n_head", 2},     {"n_positions", 5}};
  options.context = 6;
  EXPECT_EQ(problem(), inConfig("/n_positions: expects at least the context of 6 tokens, but got 5"));
}

TEST_F(DecoderTest, ListsKnownModelTypes) {
  const std::string known =
      "expects one of bert, gemma2, gemma3_text, gpt2, llama, mistral, opt, phi3, qwen2, qwen3, spark_gemma2, but got ";
  EXPECT_EQ(problemWith({{"model_type", "mamba"}}), inConfig("/model_type: " + known + "\"mamba\""));
  nlohmann::json text = {{"model_type", "t5"}};
  EXPECT_EQ(problemWith({{"model_type", "llava"}, {"text_config", text}}),
            inConfig("/text_config/model_type: " + known + "\"t5\""));
  EXPECT_EQ(problemWith({{"model_type", "llava"}, {"text_config", 3}}),
            inConfig("/text_config: expects an object, but got 3"));
}

TEST_F(DecoderTest, NamesFieldsOfNestedConfigs) {
  nlohmann::json text = config;
  text["num_attention_heads"] = "4";
  config = {{"model_type", "llava"}, {"text_config", text}};
  EXPECT_EQ(problem(), inConfig("/text_config/num_attention_heads: expects an integer from 1 to 65536, but got \"4\""));
}

TEST_F(DecoderTest, RejectsBadSizes) {
  EXPECT_EQ(problemWith({{"vocab_size", nullptr}}),
            inConfig("/vocab_size: expects an integer from 1 to 2147483647, but the field is missing"));
  EXPECT_EQ(problemWith({{"num_key_value_heads", 3}}),
            inConfig("/num_key_value_heads: expects a divisor of num_attention_heads 4, but got 3"));
  EXPECT_EQ(problemWith({{"num_attention_heads", 6}}),
            inConfig("/num_attention_heads: expects a divisor of hidden_size 8, but got 6"));
  EXPECT_EQ(problemWith({{"num_hidden_layers", 5000}}),
            inConfig("/num_hidden_layers: expects an integer from 1 to 4096, but got 5000"));
  EXPECT_EQ(problemWith({{"head_dim", 3}}),
            inConfig("/head_dim: expects an even number of rotated elements of a head, but got 3"));
  EXPECT_EQ(problemWith({{"partial_rotary_factor", 1.5}}), inConfig("/partial_rotary_factor: expects at most 1"));
  EXPECT_EQ(problemWith({{"head_dim", 4}, {"partial_rotary_factor", 0.25}}),
            inConfig("/partial_rotary_factor: expects an even number of rotated elements of a head, but got 1"));
}

TEST_F(DecoderTest, RejectsSessionsThatFitNowhere) {
  options.context = int64_t(1) << 30;
  EXPECT_EQ(
      problemWith({{"num_hidden_layers", 4096}, {"head_dim", 1024}}),
      inConfig("/num_hidden_layers: expects keys and values of a session that fit into memory, but 1073741824 tokens "
               "take 67108864 bytes each"));
}

TEST_F(DecoderTest, RejectsWhatItDoesNotCompute) {
  EXPECT_EQ(problemWith({{"is_encoder_decoder", true}}),
            inConfig("/is_encoder_decoder: expects false: only causal decoders are supported"));
  EXPECT_EQ(problemWith({{"quantization_config", nlohmann::json::object()}}),
            inConfig("/quantization_config: expects weights as F32, F16 or BF16 and no such field"));
  EXPECT_EQ(problemWith({{"hidden_act", "maxout"}}).substr(0, inConfig("/hidden_act: expects one of gelu, ").size()),
            inConfig("/hidden_act: expects one of gelu, "));
}

TEST_F(DecoderTest, RejectsBadRotations) {
  auto scaling = [&](nlohmann::json value) { return problemWith({{"rope_scaling", std::move(value)}}); };
  EXPECT_EQ(
      scaling({{"type", "ntk"}}),
      inConfig(
          "/rope_scaling/type: expects one of default, dynamic, linear, llama3, longrope, su, yarn, but got \"ntk\""));
  EXPECT_EQ(scaling({{"rope_type", "linear"}}),
            inConfig("/rope_scaling/factor: expects a number greater than 0, but the field is missing"));
  EXPECT_EQ(scaling({{"rope_type", "linear"}, {"factor", -2}}),
            inConfig("/rope_scaling/factor: expects a number greater than 0, but got -2"));
  EXPECT_EQ(
      scaling({{"rope_type", "dynamic"}, {"factor", 2}}),
      inConfig("/rope_scaling/rope_type: expects at least 4 rotated elements of a head for \"dynamic\", but got 2"));
  EXPECT_EQ(scaling({{"rope_type", "llama3"}, {"factor", 2}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}),
            inConfig("/rope_scaling/high_freq_factor: expects more than low_freq_factor, but got no more"));
  EXPECT_EQ(scaling({{"rope_type", "longrope"}, {"short_factor", {1.0}}, {"long_factor", {1.0, 2.0}}}),
            inConfig("/rope_scaling/long_factor: expects an array of 1 numbers greater than 0, but got [1.0,2.0]"));
  EXPECT_EQ(scaling({{"rope_type", "linear"}, {"factor", 1e-300}}),
            inConfig("/rope_scaling/rope_type: expects fields that give finite angles, but these do not"));
  EXPECT_EQ(
      scaling(
          {{"type", "su"}, {"short_factor", {1.0}}, {"long_factor", {1.0}}, {"original_max_position_embeddings", 1}}),
      inConfig("/rope_scaling/type: expects fields that give finite angles, but these do not"));
  EXPECT_EQ(scaling("linear"), inConfig("/rope_scaling: expects an object, but got \"linear\""));
}

TEST_F(DecoderTest, RejectsContradictions) {
  nlohmann::json rope = {{"rope_type", "default"}, {"rope_theta", 100.0}};
  EXPECT_EQ(problemWith({{"rope_parameters", rope}, {"rope_theta", 100.0}}), "");
  EXPECT_EQ(problemWith({{"rope_parameters", rope}, {"rope_theta", 1000.0}}),
            inConfig("/rope_parameters/rope_theta: expects the value of rope_theta beside it, but the two differ"));
  EXPECT_EQ(problemWith({{"rope_parameters", rope}, {"rope_scaling", rope}}),
            inConfig("/rope_scaling: expects no rope_parameters beside it"));
  nlohmann::json sliding = {{"model_type", "qwen3"}, {"head_dim", 2}, {"layer_types", {"sliding_attention"}}};
  EXPECT_EQ(problemWith(sliding),
            inConfig("/use_sliding_window: expects a window, as layers of type \"sliding_attention\" are asked for"));
  sliding["use_sliding_window"] = true;
  sliding["sliding_window"] = nullptr;
  EXPECT_EQ(problemWith(sliding),
            inConfig("/sliding_window: expects a window, as layers of type \"sliding_attention\" are asked for"));
  sliding["layer_types"] = {"full_attention", "full_attention"};
  EXPECT_EQ(problemWith(sliding),
            inConfig("/layer_types: expects an array of 1 of sliding_attention, full_attention, but got "
                     "[\"full_attention\",\"full_attention\"]"));
  sliding["layer_types"] = {"chunked_attention"};
  EXPECT_EQ(problemWith(sliding),
            inConfig("/layer_types: expects an array of 1 of sliding_attention, full_attention, but got "
                     "[\"chunked_attention\"]"));
}

TEST_F(DecoderTest, RejectsBadTensors) {
  const std::string file = path("model.safetensors") + ": ";
  add("model.layers.0.self_attn.k_proj.weight", {8, 8});
  EXPECT_EQ(problem(),
            file + "tensor \"model.layers.0.self_attn.k_proj.weight\": expects shape [4, 8], but got [8, 8]");
  tensors.erase("model.layers.0.self_attn.k_proj.weight");
  EXPECT_EQ(problem(), file + "expects a tensor \"model.layers.0.self_attn.k_proj.weight\" of shape [4, 8]");
  add("model.layers.0.self_attn.k_proj.weight", {4, 8});
  tensors.erase("lm_head.weight");
  EXPECT_EQ(problem(), file + "expects a tensor \"lm_head.weight\" of shape [7, 8]");
  EXPECT_EQ(problemWith({{"tie_word_embeddings", true}}), "");
}

TEST_F(DecoderTest, KeepsContextForDecoders) {
  config["model_type"] = "bert";
  options.context = 5;
  EXPECT_EQ(problem(), "a context length is for decoders, but the model is \"bert\"");
}

TEST_F(DecoderTest, NeedsNoWeightsWithASeed) {
  write("config.json", config.dump());
  options.randomSeed = 5;
  OwningOpRef<ModuleOp> module = importCheckpoint(folder.string(), context, options);
  ASSERT_TRUE(module);
  EXPECT_EQ(std::distance(module->getOps<ParameterOp>().begin(), module->getOps<ParameterOp>().end()),
            int64_t(tensors.size()));
  for (auto &[name, tensor] : tensors) {
    auto parameter = module->lookupSymbol<ParameterOp>(name);
    ASSERT_TRUE(parameter) << name;
    SourceAttr source = parameter.getSource();
    EXPECT_EQ(source.getSeed(), 5);
    EXPECT_EQ(source.getFile(), "");
    EXPECT_EQ(source.getTensor(), name);
    EXPECT_EQ(source.getType(), RankedTensorType::get(tensor.shape, Float32Type::get(&context)));
    EXPECT_EQ(source.getLength(), int64_t(tensor.bytes.size()));
  }
}

TEST_F(DecoderTest, TakesNoiseInsteadOfWeights) {
  options.randomSeed = 0;
  tensors.erase("lm_head.weight");
  tensors["model.norm.weight"].shape = {3};
  EXPECT_EQ(problem(), "");
  options.randomSeed.reset();
  EXPECT_NE(problem(), "");
}

} // namespace
