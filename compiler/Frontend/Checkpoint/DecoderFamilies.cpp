//===- DecoderFamilies.cpp - What decoder architectures differ in ------------===//
#include "compiler/Frontend/Checkpoint/DecoderFamilies.h"

#include "llvm/ADT/STLExtras.h"

namespace thresh {

//===----------------------------------------------------------------------===//
// Names of fields
//===----------------------------------------------------------------------===//

// The tables below are laid out by what belongs together.
// clang-format off

// {width, layers, heads, keyValueHeads, headDim, innerWidth, positions, activation, epsilon}

static constexpr FieldNames kLlamaFields = {
    "hidden_size", "num_hidden_layers", "num_attention_heads",     "num_key_value_heads", "head_dim",
    "intermediate_size", "max_position_embeddings", "hidden_act", "rms_norm_eps"};

static constexpr FieldNames kGemmaFields = {
    "hidden_size", "num_hidden_layers", "num_attention_heads",     "num_key_value_heads", "head_dim",
    "intermediate_size", "max_position_embeddings", "hidden_activation", "rms_norm_eps"};

static constexpr FieldNames kGpt2Fields = {
    "n_embd", "n_layer", "n_head", "", "", "n_inner", "n_positions", "activation_function", "layer_norm_epsilon"};

static constexpr FieldNames kOptFields = {
    "hidden_size", "num_hidden_layers", "num_attention_heads", "", "", "ffn_dim", "max_position_embeddings",
    "activation_function", ""};

//===----------------------------------------------------------------------===//
// Names of tensors
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral kLlamaPrefixes[] = {"model.", "model.language_model.", "language_model.model.", ""};
static constexpr llvm::StringLiteral kGpt2Prefixes[] = {"transformer.", ""};
static constexpr llvm::StringLiteral kOptPrefixes[] = {"model.decoder.", "decoder."};

// {prefixes, tokens, positions, layer, attentionNorm, attentionOutNorm,
//  query, key, value, queryKeyValue, queryNorm, keyNorm, attentionOut,
//  innerNorm, innerOutNorm, gate, up, gateUp, down, finalNorm}

static constexpr TensorNames kLlamaTensors = {
    kLlamaPrefixes, "embed_tokens", "", "layers", "input_layernorm", "",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "", "", "self_attn.o_proj",
    "post_attention_layernorm", "", "mlp.gate_proj", "mlp.up_proj", "", "mlp.down_proj", "norm"};

static constexpr TensorNames kQwen3Tensors = {
    kLlamaPrefixes, "embed_tokens", "", "layers", "input_layernorm", "",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "self_attn.q_norm", "self_attn.k_norm", "self_attn.o_proj",
    "post_attention_layernorm", "", "mlp.gate_proj", "mlp.up_proj", "", "mlp.down_proj", "norm"};

static constexpr TensorNames kGemma2Tensors = {
    kLlamaPrefixes, "embed_tokens", "", "layers", "input_layernorm", "post_attention_layernorm",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "", "", "self_attn.o_proj",
    "pre_feedforward_layernorm", "post_feedforward_layernorm", "mlp.gate_proj", "mlp.up_proj", "", "mlp.down_proj", "norm"};

static constexpr TensorNames kGemma3Tensors = {
    kLlamaPrefixes, "embed_tokens", "", "layers", "input_layernorm", "post_attention_layernorm",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "self_attn.q_norm", "self_attn.k_norm", "self_attn.o_proj",
    "pre_feedforward_layernorm", "post_feedforward_layernorm", "mlp.gate_proj", "mlp.up_proj", "", "mlp.down_proj", "norm"};

static constexpr TensorNames kPhi3Tensors = {
    kLlamaPrefixes, "embed_tokens", "", "layers", "input_layernorm", "",
    "", "", "", "self_attn.qkv_proj", "", "", "self_attn.o_proj",
    "post_attention_layernorm", "", "", "", "mlp.gate_up_proj", "mlp.down_proj", "norm"};

static constexpr TensorNames kGpt2Tensors = {
    kGpt2Prefixes, "wte", "wpe", "h", "ln_1", "",
    "", "", "", "attn.c_attn", "", "", "attn.c_proj",
    "ln_2", "", "", "mlp.c_fc", "", "mlp.c_proj", "ln_f"};

static constexpr TensorNames kOptTensors = {
    kOptPrefixes, "embed_tokens", "embed_positions", "layers", "self_attn_layer_norm", "",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "", "", "self_attn.out_proj",
    "final_layer_norm", "", "", "fc1", "", "fc2", "final_layer_norm"};

//===----------------------------------------------------------------------===//
// The families
//===----------------------------------------------------------------------===//

static constexpr BiasRule kNoBias = {"", false};
static constexpr BiasRule kBias = {"", true};
static constexpr BiasRule kAttentionBias = {"attention_bias", false};
static constexpr BiasRule kMlpBias = {"mlp_bias", false};
static constexpr BiasRule kEnableBias = {"enable_bias", true};

static constexpr PositionFacts kRotary = {PositionKind::Rotary, 10000, 0, 0};

static const DecoderFamily kFamilies[] = {
    {"gemma2", kGemmaFields, kGemma2Tensors,
     /*sizes=*/{256000, 2304, 9216, 26, 8, 4, 256, 8192},
     NormKind::RmsOnePlus, /*epsilon=*/1e-6, "gelu_pytorch_tanh",
     kAttentionBias, kAttentionBias, kNoBias,
     kRotary, WindowRule::EveryOther, /*window=*/4096,
     /*queryScalar=*/256, /*scoreCap=*/50, /*logitCap=*/30, /*hasCaps=*/true,
     /*scalesEmbedding=*/true, /*isTied=*/true, /*hasTransposedLinear=*/false},
    {"gemma3_text", kGemmaFields, kGemma3Tensors,
     /*sizes=*/{262208, 2304, 9216, 26, 8, 4, 256, 131072},
     NormKind::RmsOnePlus, /*epsilon=*/1e-6, "gelu_pytorch_tanh",
     kAttentionBias, kAttentionBias, kNoBias,
     {PositionKind::RotaryPerLayerType, 1e6, 10000, 0}, WindowRule::AllButEveryNth, /*window=*/4096,
     /*queryScalar=*/256, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/true,
     /*scalesEmbedding=*/true, /*isTied=*/true, /*hasTransposedLinear=*/false},
    {"gpt2", kGpt2Fields, kGpt2Tensors,
     /*sizes=*/{50257, 768, 0, 12, 12, 0, 0, 1024},
     NormKind::Layer, /*epsilon=*/1e-5, "gelu_new",
     kBias, kBias, kBias,
     {PositionKind::Learned, 0, 0, /*firstRow=*/0}, WindowRule::None, /*window=*/0,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/true, /*hasTransposedLinear=*/true},
    {"llama", kLlamaFields, kLlamaTensors,
     /*sizes=*/{32000, 4096, 11008, 32, 32, 0, 0, 2048},
     NormKind::Rms, /*epsilon=*/1e-6, "silu",
     kAttentionBias, kAttentionBias, kMlpBias,
     kRotary, WindowRule::None, /*window=*/0,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/false, /*hasTransposedLinear=*/false},
    {"mistral", kLlamaFields, kLlamaTensors,
     /*sizes=*/{32000, 4096, 14336, 32, 32, 8, 0, 131072},
     NormKind::Rms, /*epsilon=*/1e-6, "silu",
     kNoBias, kNoBias, kNoBias,
     kRotary, WindowRule::AllLayers, /*window=*/4096,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/false, /*hasTransposedLinear=*/false},
    {"opt", kOptFields, kOptTensors,
     /*sizes=*/{50272, 768, 3072, 12, 12, 0, 0, 2048},
     NormKind::Layer, /*epsilon=*/1e-5, "relu",
     kEnableBias, kEnableBias, kEnableBias,
     {PositionKind::Learned, 0, 0, /*firstRow=*/2}, WindowRule::None, /*window=*/0,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/true, /*hasTransposedLinear=*/false},
    {"phi3", kLlamaFields, kPhi3Tensors,
     /*sizes=*/{32064, 3072, 8192, 32, 32, 0, 0, 4096},
     NormKind::Rms, /*epsilon=*/1e-5, "silu",
     kNoBias, kNoBias, kNoBias,
     kRotary, WindowRule::AllLayers, /*window=*/0,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/false, /*hasTransposedLinear=*/false},
    {"qwen2", kLlamaFields, kLlamaTensors,
     /*sizes=*/{151936, 4096, 22016, 32, 32, 32, 0, 32768},
     NormKind::Rms, /*epsilon=*/1e-6, "silu",
     kBias, kNoBias, kNoBias,
     kRotary, WindowRule::FromLayer, /*window=*/4096,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/false, /*hasTransposedLinear=*/false},
    {"qwen3", kLlamaFields, kQwen3Tensors,
     /*sizes=*/{151936, 4096, 22016, 32, 32, 32, 128, 32768},
     NormKind::Rms, /*epsilon=*/1e-6, "silu",
     kAttentionBias, kAttentionBias, kNoBias,
     kRotary, WindowRule::FromLayer, /*window=*/4096,
     /*queryScalar=*/0, /*scoreCap=*/0, /*logitCap=*/0, /*hasCaps=*/false,
     /*scalesEmbedding=*/false, /*isTied=*/false, /*hasTransposedLinear=*/false},
    {"spark_gemma2", kGemmaFields, kGemma2Tensors,
     /*sizes=*/{256000, 2304, 13824, 26, 8, 4, 256, 8192},
     NormKind::RmsOnePlus, /*epsilon=*/1e-6, "gelu_pytorch_tanh",
     kAttentionBias, kAttentionBias, kNoBias,
     kRotary, WindowRule::EveryOther, /*window=*/4096,
     /*queryScalar=*/256, /*scoreCap=*/50, /*logitCap=*/30, /*hasCaps=*/true,
     /*scalesEmbedding=*/true, /*isTied=*/true, /*hasTransposedLinear=*/false, /*isSpark=*/true},
};

// clang-format on

llvm::ArrayRef<DecoderFamily> decoderFamilies() { return kFamilies; }

const DecoderFamily *findDecoderFamily(llvm::StringRef modelType) {
  const auto *it = llvm::find_if(kFamilies, [&](const DecoderFamily &family) { return family.modelType == modelType; });
  return it == std::end(kFamilies) ? nullptr : it;
}

} // namespace thresh
