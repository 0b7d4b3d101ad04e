//===- text_command.c - the texts of `thresh run` ------------------------------===//
#include "runtime/Tools/text_command.h"

#include "runtime/Tools/npy.h"
#include "runtime/src/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { DEFAULT_NEW_TOKENS = 64 };

//===-------------------------------------------------------------------------===//
// Figures
//===-------------------------------------------------------------------------===//

static double now_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void print_rate(const char *what, int64_t tokens, int64_t timed, double seconds) {
  fprintf(stderr, "%s %" PRId64 " tokens", what, tokens);
  if (timed && seconds > 0)
    fprintf(stderr, " at %.2f tokens/s", (double)timed / seconds);
}

static void print_spread(const char *what, const thresh_spread *spread, const char *of) {
  if (spread->count)
    fprintf(stderr, ", %s %.1f +- %.1f a %s", what, spread->mean, spread->deviation, of);
}

/// The end of the line of figures: what a token costs that `decode` takes at `position`, and the memory of it all.
static void print_memory(const thresh_model *model, int64_t position) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  int32_t entry = thresh_model_find_entry(model, "decode");
  uint64_t touched = thresh_model_touched_bytes(model, entry, position);
  uint64_t dense = thresh_model_dense_bytes(model, entry, position);
  if (touched)
    fprintf(stderr, ", %.1f MB touched per token", (double)touched / 1e6);
  if (dense > touched)
    fprintf(stderr, " (dense %.1f)", (double)dense / 1e6);
  fprintf(stderr, ", peak memory %.1f MB%s\n", (double)usage.ru_maxrss * 1024 / 1e6,
          thresh_model_is_approximate(model) ? ", approximate" : "");
}

//===-------------------------------------------------------------------------===//
// Logits
//===-------------------------------------------------------------------------===//

static thresh_code find_entry(const thresh_run_options *options, const thresh_model *model, int32_t *entry,
                              thresh_status *status) {
  *entry = options->entry ? thresh_model_find_entry(model, options->entry) : -1;
  if (options->entry && *entry < 0)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "the library has no entry '%s'", options->entry);
  return THRESH_OK;
}

/// Runs the tokens and writes their logits to a staged file. The session is empty again afterwards.
static thresh_code stage_logits(const thresh_run_options *options, thresh_model *model, thresh_session *session,
                                thresh_staged_file *file, thresh_status *status) {
  int64_t count = options->text.num_tokens, vocabulary = thresh_model_vocabulary(model), context;
  context = thresh_model_context(model);
  int32_t entry;
  thresh_code code = find_entry(options, model, &entry, status);
  if (code != THRESH_OK)
    return code;
  // A prompt past the context is refused before its logits get memory.
  size_t rows = (size_t)(count < context ? count : context);
  thresh_npy_array array = {.dtype = THRESH_F32,
                            .rank = 2,
                            .shape = {count, vocabulary},
                            .data = malloc((rows * (size_t)vocabulary + 1) * sizeof(float)),
                            .bytes = rows * (size_t)vocabulary * sizeof(float)};
  if (!array.data)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for the logits of %zu tokens", rows);
  double start = now_seconds();
  code = thresh_session_score(session, entry, options->text.tokens, count, array.data, status);
  if (code == THRESH_OK)
    print_rate("scored", count, count, now_seconds() - start);
  if (code == THRESH_OK)
    print_memory(model, count / 2);
  if (code == THRESH_OK)
    code = thresh_session_rewind(session, 0, status);
  if (code == THRESH_OK)
    code = thresh_npy_stage(options->text.logits, &array, file, status);
  free(array.data);
  return code;
}

//===-------------------------------------------------------------------------===//
// New tokens
//===-------------------------------------------------------------------------===//

/// The model's defaults under what the command line says.
static thresh_generation_options make_options(const thresh_text_options *text, const thresh_model *model) {
  thresh_generation_options options = thresh_model_generation_options(model);
  options.max_new_tokens = text->new_tokens >= 0 ? text->new_tokens : text->logits ? 0 : DEFAULT_NEW_TOKENS;
  if (text->temperature > 0 || text->top_p > 0 || text->top_k >= 0)
    options.do_sample = 1;
  if (text->greedy)
    options.do_sample = 0;
  if (text->temperature > 0)
    options.temperature = (float)text->temperature;
  if (text->top_p > 0)
    options.top_p = (float)text->top_p;
  if (text->top_k >= 0)
    options.top_k = text->top_k < INT32_MAX ? (int32_t)text->top_k : INT32_MAX;
  if (text->repetition_penalty > 0)
    options.repetition_penalty = (float)text->repetition_penalty;
  options.seed = (uint64_t)text->seed;
  return options;
}

static void print_figures(const thresh_generation *generation, const thresh_model *model) {
  static const char *const reasons[] = {[THRESH_STOP_LENGTH] = "the length asked for",
                                        [THRESH_STOP_TOKEN] = "a stop token",
                                        [THRESH_STOP_CONTEXT] = "the end of the context"};
  thresh_generation_stats stats = thresh_generation_get_stats(generation);
  print_rate("prompt", stats.prompt_tokens, stats.prompt_tokens, stats.prompt_seconds);
  print_rate(", generation", stats.generated_tokens, stats.decoded_tokens, stats.decode_seconds);
  fprintf(stderr, ", ended by %s", reasons[stats.stop]);
  print_spread("active neurons", &stats.usage.active_neurons, "layer");
  print_spread("attended tokens", &stats.usage.attended_tokens, "head");
  print_memory(model, stats.prompt_tokens + stats.decoded_tokens / 2);
}

static thresh_code print_tokens(thresh_generation *generation, thresh_status *status) {
  int64_t token;
  thresh_code code = thresh_generation_next(generation, &token, status);
  for (int any = 0; code == THRESH_OK && token >= 0; any = 1) {
    printf("%s%" PRId64, any ? "," : "", token);
    fflush(stdout);
    code = thresh_generation_next(generation, &token, status);
  }
  if (thresh_generation_get_stats(generation).generated_tokens)
    printf("\n");
  return code;
}

thresh_code thresh_text_run(const thresh_run_options *options, thresh_model *model, thresh_session *session,
                            thresh_status *status) {
  const thresh_generation_options choice = make_options(&options->text, model);
  thresh_staged_file file = {0};
  thresh_generation *generation = NULL;
  // Checks the tokens and the options before anything runs.
  thresh_code code =
      thresh_generation_create(session, options->text.tokens, options->text.num_tokens, &choice, &generation, status);
  if (code == THRESH_OK && options->text.logits)
    code = stage_logits(options, model, session, &file, status);
  if (code == THRESH_OK && choice.max_new_tokens)
    code = print_tokens(generation, status);
  if (code == THRESH_OK && file.temporary)
    code = thresh_staged_file_commit(&file, status);
  if (code == THRESH_OK && choice.max_new_tokens)
    print_figures(generation, model);
  thresh_staged_file_discard(&file);
  thresh_generation_free(generation);
  return code;
}
