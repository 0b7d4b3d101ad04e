//===- language.h - entry points that turn tokens into logits ------------------===//
#ifndef THRESH_RUNTIME_SRC_LANGUAGE_H
#define THRESH_RUNTIME_SRC_LANGUAGE_H

#include "thresh/thresh.h"

/// An entry point that adds tokens to a session and gives their logits.
typedef struct thresh_language_entry {
  int32_t index;
  const thresh_entry_info *info;
  int32_t output;     ///< the output `logits`
  int32_t vocabulary; ///< its last extent
  int one_token;      ///< it takes one token a run; else any number
  int all_rows;       ///< it gives logits of every token; else of the last
  int counts_neurons; ///< it has an output `active_neurons`
  int counts_tokens;  ///< it has an output `attended_tokens`
} thresh_language_entry;

/// Describes entry `index`. THRESH_INVALID_ARGUMENT, with the reason, when it is not of this kind.
thresh_code thresh_language_describe(const thresh_model *model, int32_t index, thresh_language_entry *entry,
                                     thresh_status *status);

/// Describes the entry `name`, which a language model needs.
thresh_code thresh_language_find(const thresh_model *model, const char *name, thresh_language_entry *entry,
                                 thresh_status *status);

/// Checks that `tokens` are in the vocabulary and fit into the session; `what` names them in messages.
thresh_code thresh_language_check(const thresh_session *session, const thresh_model *model, const char *what,
                                  const int64_t *tokens, int64_t count, int32_t vocabulary, thresh_status *status);

/// Runs `count` tokens, 1 when the entry takes but one. `output` says where the logits go, and then where they are.
/// What sparse layers used is added to `usage`, unless that is NULL.
thresh_code thresh_language_run(thresh_session *session, const thresh_language_entry *entry, const int64_t *tokens,
                                int64_t count, thresh_output *output, thresh_usage *usage, thresh_status *status);

#endif // THRESH_RUNTIME_SRC_LANGUAGE_H
