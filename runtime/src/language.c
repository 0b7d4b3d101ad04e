//===- language.c - entry points that turn tokens into logits ------------------===//
#include "language.h"

#include "status.h"

#include <inttypes.h>
#include <string.h>

/// Finds the output `logits` of the entry. Returns what is wrong with it, or NULL.
static const char *find_logits(thresh_language_entry *entry) {
  for (int32_t i = 0; i < entry->info->num_outputs; ++i) {
    const thresh_tensor_info *output = &entry->info->outputs[i];
    if (strcmp(output->name, "logits"))
      continue;
    if (output->dtype != THRESH_F32 || output->rank < 1)
      return "its output 'logits' is not of f32";
    int64_t vocabulary = output->shape[output->rank - 1];
    if (vocabulary < 1 || vocabulary > INT32_MAX)
      return "the last extent of its output 'logits' is not the size of a vocabulary";
    entry->output = i;
    entry->vocabulary = (int32_t)vocabulary;
    for (int32_t d = 0; d < output->rank - 1; ++d)
      entry->all_rows |= output->shape[d] < 0;
    return NULL;
  }
  return "it has no output 'logits'";
}

/// Whether the entry has an output `name` that counts.
static int has_counts(const thresh_language_entry *entry, const char *name) {
  for (int32_t i = 0; i < entry->info->num_outputs; ++i)
    if (!strcmp(entry->info->outputs[i].name, name))
      return entry->info->outputs[i].dtype == THRESH_I64;
  return 0;
}

/// What keeps the entry from being run on tokens alone, or NULL.
static const char *inputs_fault(thresh_language_entry *entry) {
  if (entry->info->token_input < 0)
    return "it takes no tokens";
  for (int32_t i = 0; i < entry->info->num_inputs; ++i)
    if (i != entry->info->token_input && !entry->info->inputs[i].optional)
      return "it has inputs other than tokens";
  const thresh_tensor_info *tokens = &entry->info->inputs[entry->info->token_input];
  if (tokens->dtype != THRESH_I64)
    return "its tokens are not of i64";
  for (int32_t d = 0; d < tokens->rank; ++d)
    if (tokens->shape[d] >= 0 && tokens->shape[d] != 1)
      return "it takes neither one token nor any number";
  entry->one_token = tokens->shape[tokens->rank - 1] == 1;
  return NULL;
}

thresh_code thresh_language_describe(const thresh_model *model, int32_t index, thresh_language_entry *entry,
                                     thresh_status *status) {
  *entry = (thresh_language_entry){.index = index, .info = thresh_model_entry(model, index)};
  if (!entry->info)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'entry' expects a number below %d, but got %d",
                             thresh_model_num_entries(model), index);
  const char *fault = inputs_fault(entry);
  fault = fault ? fault : find_logits(entry);
  if (fault)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "entry '%s' does not turn tokens into logits: %s",
                             entry->info->name, fault);
  entry->counts_neurons = has_counts(entry, "active_neurons");
  entry->counts_tokens = has_counts(entry, "attended_tokens");
  return THRESH_OK;
}

thresh_code thresh_language_find(const thresh_model *model, const char *name, thresh_language_entry *entry,
                                 thresh_status *status) {
  int32_t index = thresh_model_find_entry(model, name);
  if (index < 0)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "the library is no language model: it has no entry '%s'",
                             name);
  return thresh_language_describe(model, index, entry, status);
}

thresh_code thresh_language_check(const thresh_session *session, const thresh_model *model, const char *what,
                                  const int64_t *tokens, int64_t count, int32_t vocabulary, thresh_status *status) {
  if (count < 1 || !tokens)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects at least one token, but got none", what);
  int64_t held = thresh_session_position(session), context = thresh_model_context(model);
  if (count > context - held)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "%s expects at most %" PRId64 " tokens, but got %" PRId64 ": the session holds %" PRId64
                             " and the context is %" PRId64,
                             what, context - held, count, held, context);
  for (int64_t i = 0; i < count; ++i)
    if (tokens[i] < 0 || tokens[i] >= vocabulary)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "%s expects tokens of 0 to %d, but got %" PRId64 " at position %" PRId64, what,
                               vocabulary - 1, tokens[i], i);
  return THRESH_OK;
}

thresh_code thresh_language_run(thresh_session *session, const thresh_language_entry *entry, const int64_t *tokens,
                                int64_t count, thresh_output *output, thresh_usage *usage, thresh_status *status) {
  const thresh_tensor_info *info = &entry->info->inputs[entry->info->token_input];
  thresh_input input = {.name = info->name,
                        .dtype = THRESH_I64,
                        .rank = info->rank,
                        .data = tokens,
                        .bytes = (size_t)count * sizeof *tokens};
  for (int32_t d = 0; d < info->rank; ++d)
    input.shape[d] = d == info->rank - 1 ? count : 1;
  output->name = "logits";
  thresh_output outputs[3] = {*output};
  thresh_spread *spreads[3] = {NULL};
  int32_t num_outputs = 1;
  if (usage && entry->counts_neurons)
    spreads[num_outputs] = &usage->active_neurons, outputs[num_outputs++].name = "active_neurons";
  if (usage && entry->counts_tokens)
    spreads[num_outputs] = &usage->attended_tokens, outputs[num_outputs++].name = "attended_tokens";
  thresh_code code = thresh_session_run(session, entry->index, &input, 1, outputs, num_outputs, status);
  *output = outputs[0];
  for (int32_t i = 1; code == THRESH_OK && i < num_outputs; ++i)
    thresh_spread_add(spreads[i], outputs[i].data, outputs[i].bytes / sizeof(int64_t));
  size_t rows = entry->all_rows ? (size_t)count : 1, expected = rows * (size_t)entry->vocabulary * sizeof(float);
  if (code == THRESH_OK && output->bytes != expected)
    return thresh_status_set(status, THRESH_EXECUTION_FAILED,
                             "entry '%s' expects to make %zu bytes of logits, but made %zu", entry->info->name,
                             expected, output->bytes);
  return code;
}
