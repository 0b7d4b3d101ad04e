//===- generate.c - texts of language models, token by token -------------------===//
#include "language.h"
#include "sampler.h"
#include "session.h"
#include "status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct thresh_generation {
  thresh_session *session;
  int64_t context;
  thresh_language_entry prefill; ///< what the prompt runs through
  thresh_language_entry decode;
  thresh_sampler sampler;
  int64_t *prompt;
  int64_t num_prompt;
  int64_t *stop_tokens;
  int32_t num_stop_tokens;
  int64_t max_new_tokens;
  int64_t last; ///< the token handed out last, which has not run
  thresh_generation_stats stats;
};

//===-------------------------------------------------------------------------===//
// What the model says
//===-------------------------------------------------------------------------===//

int64_t thresh_model_vocabulary(const thresh_model *model) {
  thresh_language_entry decode;
  return thresh_language_find(model, "decode", &decode, NULL) == THRESH_OK ? decode.vocabulary : 0;
}

thresh_generation_options thresh_model_generation_options(const thresh_model *model) {
  thresh_generation_options options = {.max_new_tokens = 256, .temperature = 1, .top_p = 1, .repetition_penalty = 1};
  const thresh_abi_generation *wanted = thresh_model_table(model)->generation;
  if (!wanted)
    return options;
  options.stop_tokens = wanted->stop_tokens;
  options.num_stop_tokens = wanted->num_stop_tokens;
  options.do_sample = wanted->do_sample;
  options.temperature = wanted->temperature;
  options.top_p = wanted->top_p < 1 ? wanted->top_p : 1;
  options.repetition_penalty = wanted->repetition_penalty;
  options.top_k = wanted->top_k;
  return options;
}

//===-------------------------------------------------------------------------===//
// Lifetime
//===-------------------------------------------------------------------------===//

static thresh_code check_numbers(const thresh_generation_options *options, thresh_status *status) {
  if (options->max_new_tokens < 0)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'max_new_tokens' expects 0 or more, but got %" PRId64,
                             options->max_new_tokens);
  if (options->num_stop_tokens < 0 || (options->num_stop_tokens && !options->stop_tokens))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'stop_tokens' expects an array of its count");
  return THRESH_OK;
}

/// Finds the entries, and checks that they agree.
static thresh_code find_entries(thresh_generation *generation, const thresh_model *model, thresh_status *status) {
  thresh_code code = thresh_language_find(model, "decode", &generation->decode, status);
  generation->prefill = generation->decode;
  if (code == THRESH_OK && thresh_model_find_entry(model, "prefill") >= 0)
    code = thresh_language_find(model, "prefill", &generation->prefill, status);
  if (code == THRESH_OK && generation->prefill.vocabulary != generation->decode.vocabulary)
    code = thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "entries 'prefill' and 'decode' expect one vocabulary, but got %d and %d",
                             generation->prefill.vocabulary, generation->decode.vocabulary);
  return code;
}

/// A copy for the caller to free; never NULL but when there is no memory.
static int64_t *copy_tokens(const int64_t *tokens, int64_t count) {
  int64_t *copy = malloc(((size_t)count + 1) * sizeof *copy);
  if (copy && count)
    memcpy(copy, tokens, (size_t)count * sizeof *copy);
  return copy;
}

static thresh_code set_up(thresh_generation *generation, const int64_t *prompt, int64_t num_prompt,
                          const thresh_generation_options *options, thresh_status *status) {
  const thresh_model *model = thresh_session_model(generation->session);
  thresh_code code = check_numbers(options, status);
  if (code == THRESH_OK)
    code = find_entries(generation, model, status);
  int32_t vocabulary = generation->decode.vocabulary;
  if (code == THRESH_OK)
    code = thresh_language_check(generation->session, model, "the prompt", prompt, num_prompt, vocabulary, status);
  if (code == THRESH_OK)
    code = thresh_sampler_init(&generation->sampler, vocabulary, options, status);
  if (code != THRESH_OK)
    return code;
  for (int64_t i = 0; i < num_prompt; ++i)
    thresh_sampler_see(&generation->sampler, prompt[i]);
  generation->context = thresh_model_context(model);
  generation->max_new_tokens = options->max_new_tokens;
  generation->num_prompt = num_prompt;
  generation->num_stop_tokens = options->num_stop_tokens;
  generation->prompt = copy_tokens(prompt, num_prompt);
  generation->stop_tokens = copy_tokens(options->stop_tokens, options->num_stop_tokens);
  generation->stats.stop = options->max_new_tokens ? THRESH_STOP_NONE : THRESH_STOP_LENGTH;
  return generation->prompt && generation->stop_tokens
             ? THRESH_OK
             : thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a prompt of %" PRId64 " tokens",
                                 num_prompt);
}

thresh_code thresh_generation_create(thresh_session *session, const int64_t *prompt, int64_t num_prompt,
                                     const thresh_generation_options *options, thresh_generation **generation,
                                     thresh_status *status) {
  if (!generation)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'generation' expects a pointer, but got null");
  *generation = NULL;
  if (!session)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'session' expects a session, but got null");
  if (!options)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'options' expects options, but got null");
  thresh_generation *created = calloc(1, sizeof *created);
  if (!created)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a generation");
  created->session = session;
  thresh_code code = set_up(created, prompt, num_prompt, options, status);
  if (code != THRESH_OK) {
    thresh_generation_free(created);
    return code;
  }
  *generation = created;
  return thresh_status_ok(status);
}

void thresh_generation_free(thresh_generation *generation) {
  if (!generation)
    return;
  thresh_sampler_free(&generation->sampler);
  free(generation->prompt);
  free(generation->stop_tokens);
  free(generation);
}

//===-------------------------------------------------------------------------===//
// Tokens
//===-------------------------------------------------------------------------===//

static double now_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/// The logits of the last token that a run of `entry` left in `output`.
static const float *last_row(const thresh_language_entry *entry, const thresh_output *output) {
  return (const float *)output->data + output->bytes / sizeof(float) - entry->vocabulary;
}

/// Runs the prompt.
static thresh_code run_prompt(thresh_generation *generation, thresh_output *output, thresh_status *status) {
  const thresh_language_entry *entry = &generation->prefill;
  thresh_code code = THRESH_OK;
  int64_t *done = &generation->stats.prompt_tokens;
  while (code == THRESH_OK && *done < generation->num_prompt) {
    int64_t count = entry->one_token ? 1 : generation->num_prompt - *done;
    code = thresh_language_run(generation->session, entry, generation->prompt + *done, count, output, NULL, status);
    *done += code == THRESH_OK ? count : 0;
  }
  return code;
}

/// Runs the model up to the logits of the next token.
static thresh_code advance(thresh_generation *generation, const float **logits, thresh_status *status) {
  thresh_output output = {0};
  thresh_code code;
  const thresh_language_entry *entry = generation->stats.generated_tokens ? &generation->decode : &generation->prefill;
  if (generation->stats.generated_tokens) {
    code = thresh_language_run(generation->session, entry, &generation->last, 1, &output, &generation->stats.usage,
                               status);
    generation->stats.decoded_tokens += code == THRESH_OK;
  } else {
    code = run_prompt(generation, &output, status);
  }
  *logits = code == THRESH_OK ? last_row(entry, &output) : NULL;
  return code;
}

static int is_stop_token(const thresh_generation *generation, int64_t token) {
  for (int32_t i = 0; i < generation->num_stop_tokens; ++i)
    if (generation->stop_tokens[i] == token)
      return 1;
  return 0;
}

/// Why no token follows those handed out.
static thresh_stop why_stop(const thresh_generation *generation) {
  int64_t generated = generation->stats.generated_tokens;
  if (generated && is_stop_token(generation, generation->last))
    return THRESH_STOP_TOKEN;
  if (generated >= generation->max_new_tokens)
    return THRESH_STOP_LENGTH;
  if (generated && thresh_session_position(generation->session) >= generation->context)
    return THRESH_STOP_CONTEXT;
  return THRESH_STOP_NONE;
}

thresh_code thresh_generation_next(thresh_generation *generation, int64_t *token, thresh_status *status) {
  if (!token)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'token' expects a pointer, but got null");
  *token = -1;
  if (!generation)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'generation' expects a generation, but got null");
  if (generation->stats.stop != THRESH_STOP_NONE)
    return thresh_status_ok(status);
  double start = now_seconds();
  const float *logits;
  int first = generation->stats.generated_tokens == 0;
  generation->stats.stop = THRESH_STOP_FAILURE; // unless a token comes of it
  thresh_code code = advance(generation, &logits, status);
  if (code != THRESH_OK)
    return code;
  int64_t chosen = thresh_sampler_choose(&generation->sampler, logits);
  *(first ? &generation->stats.prompt_seconds : &generation->stats.decode_seconds) += now_seconds() - start;
  if (chosen < 0)
    return thresh_status_set(status, THRESH_EXECUTION_FAILED, "the logits after token %" PRId64 " hold NaN",
                             thresh_session_position(generation->session) - 1);
  *token = generation->last = chosen;
  ++generation->stats.generated_tokens;
  generation->stats.stop = why_stop(generation);
  return thresh_status_ok(status);
}

thresh_generation_stats thresh_generation_get_stats(const thresh_generation *generation) { return generation->stats; }

//===-------------------------------------------------------------------------===//
// Scoring
//===-------------------------------------------------------------------------===//

thresh_code thresh_session_score(thresh_session *session, int32_t entry, const int64_t *tokens, int64_t num_tokens,
                                 float *logits, thresh_status *status) {
  if (!session || !logits)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'%s' expects a pointer, but got null",
                             session ? "logits" : "session");
  const thresh_model *model = thresh_session_model(session);
  thresh_language_entry found;
  thresh_code code =
      entry >= 0 ? thresh_language_describe(model, entry, &found, status)
                 : thresh_language_find(model, thresh_model_find_entry(model, "score") >= 0 ? "score" : "decode",
                                        &found, status);
  if (code == THRESH_OK)
    code = thresh_language_check(session, model, "the text", tokens, num_tokens, found.vocabulary, status);
  for (int64_t done = 0; code == THRESH_OK && done < num_tokens;) {
    int64_t count = found.all_rows && !found.one_token ? num_tokens - done : 1;
    size_t row = (size_t)found.vocabulary;
    thresh_output output = {.buffer = logits + (size_t)done * row,
                            .buffer_bytes = (size_t)(num_tokens - done) * row * sizeof(float)};
    code = thresh_language_run(session, &found, tokens + done, count, &output, /*usage=*/NULL, status);
    done += count;
  }
  return code == THRESH_OK ? thresh_status_ok(status) : code;
}
