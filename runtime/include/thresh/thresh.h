//===- thresh.h - run libraries that the thresh compiler made -----------------===//
//
// The whole C API of the runtime: open a compiled library, ask for its signature, make a session, run it.
//
//   thresh_status status;
//   thresh_model *model;
//   if (thresh_model_open("model.so", NULL, &model, &status) != THRESH_OK) { puts(status.message); exit(1); }
//
// Errors. A function that can fail returns a thresh_code and takes a `thresh_status *` last, owned by the
// caller, which may be NULL. It is always written: THRESH_OK and an empty message on success. Messages name
// the input, file or field at fault and need no prefix. Nothing prints, exits or throws.
//
// Threads. Every function may be called from any thread. A model is read-only once open and may be shared. A
// session serves one call at a time; several sessions of one model may run at once. All of them share one
// pool of worker threads, created at the first parallel loop.
//
// Ownership. Strings and infos that a model hands out live as long as the model. Memory that a caller passes
// in is only used during the call.
//
//===-------------------------------------------------------------------------===//
#ifndef THRESH_THRESH_H
#define THRESH_THRESH_H

#include <stddef.h>
#include <stdint.h>

#include "thresh/abi.h"

#if defined(__GNUC__)
#define THRESH_API __attribute__((visibility("default")))
#else
#define THRESH_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// The highest rank of an input or output.
#define THRESH_MAX_RANK 8

/// Bytes of a status message, the terminating NUL included; longer messages are cut.
#define THRESH_MESSAGE_SIZE 1024

//===-------------------------------------------------------------------------===//
// Status
//===-------------------------------------------------------------------------===//

/// What went wrong, by who can mend it. The numbers are part of the API.
typedef enum thresh_code {
  THRESH_OK = 0,
  THRESH_INVALID_ARGUMENT = 1, ///< the caller: a name, dtype, rank, shape, pointer or count
  THRESH_INVALID_LIBRARY = 2,  ///< the compiled library or its weights file is missing, damaged or not a match
  THRESH_UNSUPPORTED_CPU = 3,  ///< no variant in the library runs on this CPU
  THRESH_OUT_OF_MEMORY = 4,
  THRESH_EXECUTION_FAILED = 5, ///< the compiled code gave up, e.g. on an index out of range
  THRESH_FILE_ERROR = 6        ///< a data file could not be read or written
} thresh_code;

/// The outcome of a call.
typedef struct thresh_status {
  thresh_code code;
  char message[THRESH_MESSAGE_SIZE]; ///< lower case, one line, NUL-terminated; empty on success
} thresh_status;

//===-------------------------------------------------------------------------===//
// Process-wide
//===-------------------------------------------------------------------------===//

/// Version of this runtime, e.g. "0.1.0". Static memory. Never fails.
THRESH_API const char *thresh_version(void);

/// Bytes of one element; 0 for a number that is no thresh_dtype.
THRESH_API size_t thresh_dtype_size(thresh_dtype dtype);

/// "f32", "i64", "bool", ...; "unknown" for a number that is no thresh_dtype. Static memory.
THRESH_API const char *thresh_dtype_name(thresh_dtype dtype);

/// Sets how many threads a parallel loop uses, the calling thread included, for every session of the process.
/// 1 runs everything on the calling thread. Counts above 256 and below 1 are THRESH_INVALID_ARGUMENT. May be
/// called at any time; loops already under way keep their count. The default is the number of CPUs that the
/// process may run on. With THRESH_PIN=1 in the environment the thread that runs the first loop and every worker
/// keep to one of these CPUs each.
THRESH_API thresh_code thresh_set_num_threads(int32_t count, thresh_status *status);

/// The thread count in force. Never fails.
THRESH_API int32_t thresh_num_threads(void);

//===-------------------------------------------------------------------------===//
// Model: an open library
//===-------------------------------------------------------------------------===//

typedef struct thresh_model thresh_model;

/// How to open a library. Zero-initialise, then set what differs.
typedef struct thresh_open_options {
  const char *weights_path; ///< weights file to map; NULL: the name in the library, in the library's folder
  const char *target;       ///< variant to run, e.g. "x86-64-v3"; NULL: the best that this CPU can run
  int32_t signature_only;   ///< nonzero: no weights and no variant, only queries; sessions are refused
} thresh_open_options;

/// Opens the library at `path`, checks its table, chooses the code for this CPU and maps the weights. `options`
/// may be NULL. On success `*model` is owned by the caller, who ends it with thresh_model_close; on failure it
/// is NULL. Opening runs no code of the library but the one that installs the thread pool.
THRESH_API thresh_code thresh_model_open(const char *path, const thresh_open_options *options, thresh_model **model,
                                         thresh_status *status);

/// Gives the model back; NULL is fine. Sessions still open keep the library loaded until they are freed, but the
/// handle itself must not be used again.
THRESH_API void thresh_model_close(thresh_model *model);

/// One declared input or output: name, dtype, rank, extents (-1 where dynamic), dimension names; for an input whether
/// it is optional and what then fills it.
typedef thresh_abi_tensor thresh_tensor_info;

/// One entry point: its name, inputs and outputs, and which input holds the tokens that a run adds to a session's
/// states (-1: none); their number is the last extent of that input.
typedef thresh_abi_entry thresh_entry_info;

/// Number of entry points, at least 1. Entry points are numbered from 0.
THRESH_API int32_t thresh_model_num_entries(const thresh_model *model);

/// Entry point `index`, or NULL when there is no such. Owned by the model.
THRESH_API const thresh_entry_info *thresh_model_entry(const thresh_model *model, int32_t index);

/// Index of the entry point `name`, or -1.
THRESH_API int32_t thresh_model_find_entry(const thresh_model *model, const char *name);

/// What the compiler wrote about the library, as JSON; "{}" when it wrote nothing. Owned by the model.
THRESH_API const char *thresh_model_metadata(const thresh_model *model);

/// Target name of the variant in use, e.g. "x86-64-v4"; NULL when opened with signature_only. Owned by the model.
THRESH_API const char *thresh_model_target(const thresh_model *model);

/// Most tokens that a session of `model` can hold; 0 when its entries keep nothing between runs. Never fails.
THRESH_API int64_t thresh_model_context(const thresh_model *model);

/// Bytes of the model's packed weights; 0 when it has none. Never fails.
THRESH_API uint64_t thresh_model_weights_bytes(const thresh_model *model);

/// Bytes that a run of entry point `entry` on one token reads when the session holds `position` tokens: weights, of
/// those looked up by token one row, and the rows of the states that the token attends to. Where sparse kernels choose
/// rows by what is in them, as many count as are expected. 0 when the library does not say what the entry reads, and
/// for numbers out of range. Never fails.
THRESH_API uint64_t thresh_model_touched_bytes(const thresh_model *model, int32_t entry, int64_t position);

/// Those that it would read if it chose nothing: thresh_model_touched_bytes of the model with dense layers.
THRESH_API uint64_t thresh_model_dense_bytes(const thresh_model *model, int32_t entry, int64_t position);

/// Nonzero when layers of the model are sparse that its makers trained dense, so that its answers approximate theirs.
/// Never fails.
THRESH_API int32_t thresh_model_is_approximate(const thresh_model *model);

/// The checked table itself, for tools that print variants and weights. Owned by the model.
THRESH_API const thresh_abi_library *thresh_model_table(const thresh_model *model);

//===-------------------------------------------------------------------------===//
// Session: the memory of one run at a time
//===-------------------------------------------------------------------------===//

typedef struct thresh_session thresh_session;

/// Makes a session: an arena and the outputs it owns, empty until the first run, growing to the largest run and
/// never shrinking, so that a run of a size already seen allocates nothing; and the states that the library
/// declares (key and value caches), allocated here, zero at first. On success `*session` is owned by the caller,
/// who ends it with thresh_session_free; on failure it is NULL.
THRESH_API thresh_code thresh_session_create(thresh_model *model, thresh_session **session, thresh_status *status);

/// Frees the session and every output it owns; NULL is fine. It must not be running.
THRESH_API void thresh_session_free(thresh_session *session);

/// One input of a run: dense, row-major. Zero-initialise, then set every field.
typedef struct thresh_input {
  const char *name; ///< which input; NULL: the one at this position of the declaration
  thresh_dtype dtype;
  int32_t rank;
  int64_t shape[THRESH_MAX_RANK]; ///< the first `rank` extents
  const void *data;               ///< aligned to its element size; may be NULL when an extent is 0
  size_t bytes;                   ///< size of the memory at `data`: at least what the shape needs
} thresh_input;

/// One output of a run. The caller sets the first three fields, which the run leaves alone, and reads the others.
typedef struct thresh_output {
  const char *name;    ///< in: which output; NULL: the one at this position of the declaration
  void *buffer;        ///< in: the caller's memory, 64-byte aligned for speed; NULL: memory of the session
  size_t buffer_bytes; ///< in: size of the memory at `buffer`
  thresh_dtype dtype;
  int32_t rank;
  int64_t shape[THRESH_MAX_RANK];
  void *data;   ///< `buffer`, or memory of the session that lives until its next run of this entry or its end
  size_t bytes; ///< bytes that the shape takes
} thresh_output;

/// Runs entry point `entry` (0 is the first; thresh_model_find_entry finds one by name).
///
/// Inputs: every declared input once, by name or position; optional ones may be left out, and the session then holds a
/// tensor of the default value. Dtypes, ranks, static extents and equal dimension names are checked before any code
/// runs. Outputs: any subset of the declared ones, each once; the others are
/// computed and dropped. `outputs` may be NULL when `num_outputs` is 0. Memory of outputs must overlap neither
/// the inputs nor other outputs, with one exception: where the metadata names an input as an output's "alias" (a cache
/// and that cache with new rows), the output's buffer may be that input's data, and only the new rows are written. A
/// run that would give such an output other extents than the input has fails before it writes.
///
/// Fails with THRESH_INVALID_ARGUMENT (inputs or a buffer that is too small), THRESH_OUT_OF_MEMORY or
/// THRESH_EXECUTION_FAILED; the contents of outputs are then undefined and the session stays usable. A second
/// thread that enters a running session gets THRESH_INVALID_ARGUMENT.
///
/// An entry with a token input (thresh_entry_info) continues the session: its tokens follow those of the runs before,
/// which the states hold. On success the position advances by their number; on failure it stays, as if the run had
/// not been. No tokens, and more than the context has left, are THRESH_INVALID_ARGUMENT.
THRESH_API thresh_code thresh_session_run(thresh_session *session, int32_t entry, const thresh_input *inputs,
                                          int32_t num_inputs, thresh_output *outputs, int32_t num_outputs,
                                          thresh_status *status);

/// Hears of each kernel that a run has finished; `launch` counts those of the entry point from 0, in the order in
/// which the metadata lists its launches. Called by the thread that runs the session.
typedef void (*thresh_launch_listener)(void *context, int32_t launch);

/// Makes `listener` hear of the kernels of every later run, with `context` passed on; NULL ends it. A profiler takes
/// the time between two calls; nobody listening costs a comparison a kernel. THRESH_INVALID_ARGUMENT while the session
/// runs.
THRESH_API thresh_code thresh_session_listen(thresh_session *session, thresh_launch_listener listener, void *context,
                                             thresh_status *status);

/// Tokens that the session's states hold: 0 at first, and always for a library without a context. Must not be called
/// while another thread runs, rewinds or forks the session. Never fails.
THRESH_API int64_t thresh_session_position(const thresh_session *session);

/// Forgets the tokens from `position` (0 to the current one) on: the next run continues there. Costs nothing. A layer
/// with a sliding window keeps the last tokens only, a few more than its window: a step back beyond these, other than
/// to 0, is THRESH_INVALID_ARGUMENT, and the message says how far one can go. So is a session that is running.
THRESH_API thresh_code thresh_session_rewind(thresh_session *session, int64_t position, thresh_status *status);

/// Makes a second session that holds the same tokens and from then on goes its own way; only the rows of these tokens
/// are copied. On success `*fork` is owned by the caller like any session; on failure it is NULL. The session forked
/// must not be running (THRESH_INVALID_ARGUMENT); the two may then run at once.
THRESH_API thresh_code thresh_session_fork(thresh_session *session, thresh_session **fork, thresh_status *status);

//===-------------------------------------------------------------------------===//
// Generation: texts of language models, token by token
//===-------------------------------------------------------------------------===//
//
// A language model is a library with an entry `decode` that takes one token and gives its `logits` (f32, last extent
// the vocabulary). Where it also has `prefill` (many tokens, logits of the last), prompts run through that at once.
//
//   thresh_generation_options options = thresh_model_generation_options(model);
//   options.max_new_tokens = 64;
//   if (thresh_generation_create(session, prompt, 3, &options, &generation, &status)) ...
//   while (thresh_generation_next(generation, &token, &status) == THRESH_OK && token >= 0)
//     printf("%lld ", (long long)token);
//   thresh_generation_free(generation);

/// Tokens of the model's vocabulary; 0 when the model is no language model. Never fails.
THRESH_API int64_t thresh_model_vocabulary(const thresh_model *model);

/// How to choose tokens. Start from thresh_model_generation_options.
///
/// Of the logits, those of tokens that the prompt or the generated text has are divided by repetition_penalty where
/// positive, else multiplied by it. Then either the largest wins, the lower token on ties; or the top_k largest are
/// kept, of these the fewest whose probability reaches top_p, and one of them is drawn by its probability at the
/// temperature. The same seed draws the same tokens from the same logits: the numbers are splitmix64's.
typedef struct thresh_generation_options {
  int64_t max_new_tokens;     ///< 0 or more
  const int64_t *stop_tokens; ///< num_stop_tokens of them; each ends the text, as its last token
  int32_t num_stop_tokens;
  int32_t do_sample;        ///< nonzero: draw; 0: take the largest logit
  float temperature;        ///< above 0; 1 leaves the logits as they are
  float top_p;              ///< above 0, at most 1; 1: keep all
  float repetition_penalty; ///< above 0; 1: none
  int32_t top_k;            ///< 0: keep all
  uint64_t seed;
} thresh_generation_options;

/// What the model's makers want, as far as the library says; else the largest logit, without stop tokens. At most 256
/// tokens; seed 0. Stop tokens are owned by the model. Never fails.
THRESH_API thresh_generation_options thresh_model_generation_options(const thresh_model *model);

/// A text in the making.
typedef struct thresh_generation thresh_generation;

/// Why a text has ended.
typedef enum thresh_stop {
  THRESH_STOP_NONE = 0,    ///< it goes on
  THRESH_STOP_LENGTH = 1,  ///< max_new_tokens
  THRESH_STOP_TOKEN = 2,   ///< a stop token
  THRESH_STOP_CONTEXT = 3, ///< the session holds as many tokens as the context
  THRESH_STOP_FAILURE = 4  ///< a call of thresh_generation_next failed
} thresh_stop;

/// Mean and standard deviation (of the whole, not of a sample) of `count` numbers.
typedef struct thresh_spread {
  int64_t count; ///< 0: there were none, and the other two are 0
  double mean;
  double deviation;
} thresh_spread;

/// Adds `num_values` numbers to those that `spread` is of. Zero-initialise it first. Never fails.
THRESH_API void thresh_spread_add(thresh_spread *spread, const int64_t *values, size_t num_values);

/// What the sparse layers of a model used, as the outputs of its entry `decode` tell: no numbers where it has no such
/// output.
typedef struct thresh_usage {
  thresh_spread active_neurons;  ///< `active_neurons`: of each token and sparse feed-forward block
  thresh_spread attended_tokens; ///< `attended_tokens`: of each token, sparse attention layer and head
} thresh_usage;

/// What a generation has done so far.
typedef struct thresh_generation_stats {
  int64_t prompt_tokens;    ///< tokens of the prompt that have run
  int64_t generated_tokens; ///< tokens handed out
  int64_t decoded_tokens;   ///< of these, how many have run through the model: all but the last
  double prompt_seconds;
  double decode_seconds; ///< runs and choices of the tokens after the first
  thresh_usage usage;    ///< of the decoded tokens
  thresh_stop stop;
} thresh_generation_stats;

/// Begins a text that continues `session` with `num_prompt` tokens, at least 1. Everything is checked here, nothing
/// runs yet: a prompt without tokens, past the context or outside the vocabulary, options out of range, and a library
/// that is no language model are THRESH_INVALID_ARGUMENT. Prompt and stop tokens are copied. On success `*generation`
/// is owned by the caller, who ends it with thresh_generation_free before the session; on failure it is NULL.
THRESH_API thresh_code thresh_generation_create(thresh_session *session, const int64_t *prompt, int64_t num_prompt,
                                                const thresh_generation_options *options,
                                                thresh_generation **generation, thresh_status *status);

/// Makes the next token; -1 when the text has ended. The first call runs the prompt. Allocates nothing but what the
/// session's runs do. The token handed out last has not run: the session holds the prompt and the tokens before it, so
/// a later prompt that goes on from there starts with it. Fails as thresh_session_run, and with
/// THRESH_EXECUTION_FAILED when logits are NaN: `*token` is then -1, the text has ended, and the tokens that ran stay
/// in the session. The session must not be used for other runs before the text has ended; stopping early is fine.
THRESH_API thresh_code thresh_generation_next(thresh_generation *generation, int64_t *token, thresh_status *status);

/// What `generation` has done so far. Never fails.
THRESH_API thresh_generation_stats thresh_generation_get_stats(const thresh_generation *generation);

/// Frees the generation, not the session; NULL is fine.
THRESH_API void thresh_generation_free(thresh_generation *generation);

/// Appends `num_tokens` tokens, at least 1, to the session and writes the logits after each: `logits` has room for
/// num_tokens rows of the vocabulary. `entry` is the entry point to run, on all tokens at once where it gives logits
/// of all, else one by one; -1 stands for `score`, or `decode` where there is none. Tokens are checked like those of a
/// prompt; fails as thresh_session_run, and the tokens that ran before stay in the session.
THRESH_API thresh_code thresh_session_score(thresh_session *session, int32_t entry, const int64_t *tokens,
                                            int64_t num_tokens, float *logits, thresh_status *status);

#ifdef __cplusplus
}
#endif

#endif // THRESH_THRESH_H
