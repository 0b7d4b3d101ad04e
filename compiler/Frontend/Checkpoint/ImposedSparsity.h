//===- ImposedSparsity.h - Sparse layers on the tensors of a dense model -----===//
//
// What the sections `ffn_sparsity` and `attention_sparsity` of a description ask for
// (compiler/Frontend/Description/README.md). The model was not trained so: what comes of it is an approximation.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_IMPOSEDSPARSITY_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_IMPOSEDSPARSITY_H

#include "compiler/Frontend/Checkpoint/DecoderConfig.h"

namespace thresh {

constexpr llvm::StringLiteral kFeedForwardSection = "ffn_sparsity", kAttentionSection = "attention_sparsity";

/// The sections as they were found; nothing in them is checked.
struct SparsitySections {
  std::string file; ///< that holds them
  std::string json; ///< an object of those that are there; empty: none is
};

/// Makes layers of `config` sparse. The error names the JSON pointer at fault, and the family where that cannot be.
llvm::Error imposeSparsity(const SparsitySections &sections, const DecoderFamily &family, DecoderConfig &config);

/// An error if a section is there, for models that are no decoders.
llvm::Error refuseSparsity(const SparsitySections &sections, llvm::StringRef modelType);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_IMPOSEDSPARSITY_H
