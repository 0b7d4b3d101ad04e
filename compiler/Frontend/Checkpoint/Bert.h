//===- Bert.h - The BERT encoder ---------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_BERT_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_BERT_H

#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"

namespace thresh {

/// Builds @main(input_ids, attention_mask, token_type_ids) -> last_hidden_state of `model_type` "bert": the
/// encoder without pooler or heads, in f32.
llvm::Error buildBert(GraphBuilder &graph, JsonFields &config);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_BERT_H
