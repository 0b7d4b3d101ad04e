//===- DecoderFamilies.h - What decoder architectures differ in --------------===//
//
// One row of facts per `model_type`. Everything else about a checkpoint is in its config.json
// (DecoderConfig.h), and one builder (Decoder.h) makes the graph of all of them.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODERFAMILIES_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODERFAMILIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace thresh {

/// What config.json calls the sizes. An empty name: the family has no such field.
struct FieldNames {
  llvm::StringLiteral width, layers, heads, keyValueHeads, headDim, innerWidth, positions, activation, epsilon;
};

/// What the tensors are called, below the checkpoint's prefix; those of a layer below LAYER.N as well. An
/// empty name says that the family has no such tensor, and so where norms stand and what is stored fused.
struct TensorNames {
  llvm::ArrayRef<llvm::StringLiteral> prefixes; ///< the first under which the token embedding is found
  llvm::StringLiteral tokens, positions, layer;
  llvm::StringLiteral attentionNorm, attentionOutNorm;  ///< before attention, and on its result
  llvm::StringLiteral query, key, value, queryKeyValue; ///< three layers, or one of all rows
  llvm::StringLiteral queryNorm, keyNorm;               ///< over each head, before the rotation
  llvm::StringLiteral attentionOut;
  llvm::StringLiteral innerNorm, innerOutNorm; ///< before the feed-forward block, and on its result
  llvm::StringLiteral gate, up, gateUp;        ///< act(gate) * up, the same fused, or with `up` alone act(up)
  llvm::StringLiteral down;
  llvm::StringLiteral finalNorm;
};

/// Sizes that a nested text_config may leave out. 0: as the field's rule says.
struct DefaultSizes {
  int64_t vocabulary, width, innerWidth, layers, heads, keyValueHeads, headDim, positions;
};

enum class NormKind {
  Rms,        ///< x / rms(x) * w
  RmsOnePlus, ///< x / rms(x) * (1 + w)
  Layer,      ///< layer normalisation with scale and bias
};

/// Whether layers have a bias: `fallback`, unless config.json has a field `field` that says otherwise.
struct BiasRule {
  llvm::StringLiteral field;
  bool fallback;
};

/// Which layers attend to the last `sliding_window` tokens only; `layer_types` overrules all but AllLayers.
enum class WindowRule {
  None,
  AllLayers,      ///< if sliding_window is set
  FromLayer,      ///< layers from max_window_layers on, if use_sliding_window
  EveryOther,     ///< layers 0, 2, 4, ...
  AllButEveryNth, ///< all but each sliding_window_pattern-th
};

enum class PositionKind {
  Rotary,
  RotaryPerLayerType, ///< layers with a window rotate by a base of their own
  Learned,            ///< a table that is added to the token embeddings
};

struct PositionFacts {
  PositionKind kind;
  double base;       ///< rope_theta when config.json leaves it out
  double windowBase; ///< that of layers with a window (RotaryPerLayerType)
  int64_t firstRow;  ///< of a learned table: the row of position 0
};

struct DecoderFamily {
  llvm::StringLiteral modelType;
  const FieldNames &fields;
  const TensorNames &tensors;
  DefaultSizes sizes;
  NormKind norm;
  double epsilon;
  llvm::StringLiteral activation; ///< when config.json leaves it out
  BiasRule queryKeyValueBias, attentionOutBias, innerBias;
  PositionFacts positions;
  WindowRule windows;
  int64_t window;           ///< sliding_window when config.json leaves it out; 0: none
  int64_t queryScalar;      ///< default of query_pre_attn_scalar; 0: scores are scaled by the head's width
  double scoreCap;          ///< default of attn_logit_softcapping; 0: none
  double logitCap;          ///< default of final_logit_softcapping; 0: none
  bool hasCaps;             ///< config.json may set the caps
  bool scalesEmbedding;     ///< token embeddings are multiplied by sqrt(width)
  bool isTied;              ///< tie_word_embeddings when config.json leaves it out
  bool hasTransposedLinear; ///< linear weights are stored [in, out]
};

/// All families, by model_type in alphabetical order.
llvm::ArrayRef<DecoderFamily> decoderFamilies();

/// The family of `modelType`, or null.
const DecoderFamily *findDecoderFamily(llvm::StringRef modelType);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODERFAMILIES_H
