//===- Decoder.h - Decoder language models -----------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODER_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODER_H

#include "compiler/Frontend/Checkpoint/DecoderConfig.h"

namespace thresh {

/// Builds the entry points of a decoder over shared weights and key and value states, one sequence per session:
///   @prefill(input_ids [seq]) -> logits [1, vocabulary] of the last token
///   @decode(input_ids [1]) -> logits [1, vocabulary]
///   @score(input_ids [seq]) -> logits [seq, vocabulary]
/// Where layers are sparse @decode also says what its token used: active_neurons i64 [sparse feed-forward blocks] and
/// attended_tokens i64 [sparse attention layers, heads], each if there are such layers.
/// Each call appends its tokens to the session's.
llvm::Error buildDecoder(const DecoderFamily &family, const DecoderConfig &config, GraphBuilder &graph);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_DECODER_H
