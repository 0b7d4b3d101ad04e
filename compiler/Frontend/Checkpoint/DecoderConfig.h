//===- DecoderConfig.h - A decoder as its config.json describes it -----------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODERCONFIG_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODERCONFIG_H

#include "compiler/Frontend/Checkpoint/DecoderFamilies.h"
#include "compiler/Frontend/Checkpoint/Rope.h"
#include "compiler/Frontend/Checkpoint/SparseLayers.h"

namespace thresh {

struct DecoderLayer {
  int64_t window = 0;  ///< tokens that attention sees, the current one included; 0: all
  size_t rope = 0;     ///< index into `ropes`, if the family rotates
  size_t restRope = 0; ///< of a sparse attention: the rope of the dimensions that do not choose
  LayerSparsity attention, feedForward;
  double scoreScale; ///< multiplies attention scores
};

/// Everything that the builder needs and the family does not say.
struct DecoderConfig {
  int64_t vocabulary, width, innerWidth, heads, keyValueHeads, headDim;
  int64_t embeddingWidth; ///< of the token embeddings and the head; projections lead to and from `width` if it differs
  int64_t positions;      ///< max_position_embeddings
  int64_t context;        ///< most tokens that a session holds
  std::string activation;
  double epsilon;
  bool hasQueryKeyValueBias, hasAttentionOutBias, hasInnerBias;
  bool isTied;           ///< the head is the token embedding
  bool normsAfterBlocks; ///< the norms of a layer follow the residual additions instead of leading the blocks
  bool hasFinalNorm;
  double scoreCap, logitCap; ///< 0: none
  std::vector<DecoderLayer> layers;
  std::vector<Rope> ropes; ///< the distinct ones
};

/// Where config.json describes the decoder: the file's root, or the text_config that a multimodal wrapper nests.
struct DecoderFields {
  JsonFields &fields;
  bool isNested; ///< sizes may be left out: transformers drops what equals a family's default
};

/// `context` is what the user asked for, if anything. The error names the field at fault.
llvm::Expected<DecoderConfig> readDecoderConfig(const DecoderFamily &family, DecoderFields source,
                                                std::optional<int64_t> context);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODERCONFIG_H
