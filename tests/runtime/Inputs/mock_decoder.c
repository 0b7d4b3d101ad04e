//===- mock_decoder.c - a compiled language model written by hand --------------===//
//
// Its state holds the tokens. The logits after a token depend on all tokens up to it, and no two are equal:
//   h[i] = sum over j <= i of (j + 1) * (token[j] + 1)
//   logits[i][v] = ((7 * v + h[i]) mod 16) / 4
// Entries: prefill (tokens [n] -> logits [1, 16]), decode (tokens [1] -> logits [1, 16]), score (tokens [n] ->
// logits [n, 16]), peek (-> position). The context is 32. The build sets, where it wants other than the default:
//   MOCK_ENTRIES     how many of decode, prefill, score, in this order (default 3); 0: peek alone
//   MOCK_ROWS        rows of the state (default 32)
//   MOCK_WINDOW      how many tokens h reaches back on (default MOCK_ROWS)
//   MOCK_GENERATION  1: with generation defaults: stop tokens 3 and 5, sampling at 0.5
//   MOCK_FAIL        runs that write the state at this position fail after that (default: none)
//   MOCK_NAN         from this position on a logit is NaN (default: never)
//   MOCK_WEIGHT_BYTES  what decode says that it reads (default 1000000)
//   MOCK_SPARSE      1: decode says that it chose: at position p active_neurons [2] are 100 + p and 60, attended_tokens
//                    [1, 2] are p + 1 and 1; it scans 2 bytes of each row and reads 3 rows whole, of 4000000 bytes of
//                    weights those above; and the library is approximate
//
//===-------------------------------------------------------------------------===//
#include "thresh/abi.h"

#include <math.h>
#include <stddef.h>

#ifndef MOCK_NAN
#define MOCK_NAN CONTEXT
#endif
#ifndef MOCK_FAIL
#define MOCK_FAIL CONTEXT
#endif
#ifndef MOCK_ENTRIES
#define MOCK_ENTRIES 3
#endif
#ifndef MOCK_ROWS
#define MOCK_ROWS CONTEXT
#endif
#ifndef MOCK_WINDOW
#define MOCK_WINDOW MOCK_ROWS
#endif
#ifndef MOCK_WEIGHT_BYTES
#define MOCK_WEIGHT_BYTES 1000000
#endif
#ifndef MOCK_SPARSE
#define MOCK_SPARSE 0
#endif
#ifndef MOCK_GENERATION
#define MOCK_GENERATION 0
#endif

enum { VOCABULARY = 16, CONTEXT = 32, STATE_OFFSET = 64 };

/// Writes the logits after the token at `position`.
static void write_logits(const int64_t *state, int64_t position, float *logits) {
  int64_t first = position < MOCK_WINDOW ? 0 : position - MOCK_WINDOW + 1, h = 0;
  for (int64_t j = first; j <= position; ++j)
    h += (j + 1) * (state[j % MOCK_ROWS] + 1);
  for (int v = 0; v < VOCABULARY; ++v)
    logits[v] = position >= MOCK_NAN && v == 9 ? NAN : (float)((7 * v + h) % VOCABULARY) / 4;
}

/// Appends the tokens; writes the logits of all, or of the last.
static int32_t run(const thresh_abi_call *call, int all) {
  const int64_t *tokens = call->inputs[0].data;
  int64_t count = call->inputs[0].shape[0], *state = (int64_t *)(call->state + STATE_OFFSET);
  for (int64_t i = 0; i < count; ++i) {
    if (tokens[i] < 0 || tokens[i] >= VOCABULARY) {
      call->fail(call->context, "token %lld is out of range 0 to %lld", tokens[i], VOCABULARY - 1);
      return 1;
    }
  }
  float *logits = call->output(call->context, 0, (const int64_t[]){all ? count : 1, VOCABULARY});
  if (!logits)
    return 1;
  for (int64_t i = 0; i < count; ++i) {
    state[(call->position + i) % MOCK_ROWS] = tokens[i];
    if (all || i == count - 1)
      write_logits(state, call->position + i, logits + (all ? i * VOCABULARY : 0));
  }
  return call->position + count > MOCK_FAIL;
}

static int32_t run_last(const thresh_abi_call *call) { return run(call, 0); }

static int32_t run_decode(const thresh_abi_call *call) {
  if (!MOCK_SPARSE)
    return run(call, 0);
  int64_t *neurons = call->output(call->context, 1, (const int64_t[]){2});
  int64_t *attended = call->output(call->context, 2, (const int64_t[]){1, 2});
  if (!neurons || !attended)
    return 1;
  neurons[0] = 100 + call->position;
  neurons[1] = 60;
  attended[0] = call->position + 1;
  attended[1] = 1;
  return run(call, 0);
}

static int32_t run_score(const thresh_abi_call *call) { return run(call, 1); }

static int32_t run_peek(const thresh_abi_call *call) {
  int64_t *position = call->output(call->context, 0, NULL);
  if (!position)
    return 1;
  *position = call->position;
  return (uintptr_t)call->state % 64 ? 1 : 0;
}

#define TOKENS(shape, dims)                                                                                            \
  {                                                                                                                    \
    { "tokens", THRESH_I64, 1, shape, dims, 0, 0, 0 }                                                                  \
  }
#define LOGITS(shape, dims)                                                                                            \
  {                                                                                                                    \
    { "logits", THRESH_F32, 2, shape, dims, 0, 0, 0 }                                                                  \
  }
static const char *const dynamic_dims[] = {"seq", NULL}, *const static_dims[] = {NULL, NULL};
static const int64_t state_shape[] = {MOCK_ROWS};
#if MOCK_ENTRIES > 0
static const int64_t one_shape[] = {1}, last_shape[] = {1, VOCABULARY};
static const thresh_abi_tensor one_token[] = TOKENS(one_shape, static_dims);
static const thresh_abi_tensor last_logits[] = LOGITS(last_shape, static_dims);
static const int64_t neurons_shape[] = {2}, attended_shape[] = {1, 2};
static const thresh_abi_tensor decode_outputs[] = {
    {"logits", THRESH_F32, 2, last_shape, static_dims, 0, 0, 0},
    {"active_neurons", THRESH_I64, 1, neurons_shape, static_dims, 0, 0, 0},
    {"attended_tokens", THRESH_I64, 2, attended_shape, static_dims, 0, 0, 0}};
static const thresh_abi_state_reads decode_reads[] = {{MOCK_ROWS, 2, 3}};
#endif
#if MOCK_ENTRIES > 1
static const int64_t any_shape[] = {-1};
static const thresh_abi_tensor any_tokens[] = TOKENS(any_shape, dynamic_dims);
#endif
#if MOCK_ENTRIES > 2
static const int64_t all_shape[] = {-1, VOCABULARY};
static const thresh_abi_tensor all_logits[] = LOGITS(all_shape, dynamic_dims);
#endif
static const thresh_abi_tensor positions[] = {{"position", THRESH_I64, 0, NULL, NULL, 0, 0, 0}};

static const thresh_abi_entry entries[] = {
#if MOCK_ENTRIES > 0
    {"decode", 1, MOCK_SPARSE ? 3 : 1, one_token, decode_outputs, 0, 0, MOCK_WEIGHT_BYTES,
     MOCK_SPARSE ? 4000000 : MOCK_WEIGHT_BYTES, MOCK_SPARSE ? decode_reads : NULL},
#endif
#if MOCK_ENTRIES > 1
    {"prefill", 1, 1, any_tokens, last_logits, 0, 0, 0, 0, NULL},
#endif
#if MOCK_ENTRIES > 2
    {"score", 1, 1, any_tokens, all_logits, 0, 0, 0, 0, NULL},
#endif
    {"peek", 0, 1, NULL, positions, -1, 0, 0, 0, NULL},
};

static const thresh_abi_function functions[] = {
#if MOCK_ENTRIES > 0
    run_decode,
#endif
#if MOCK_ENTRIES > 1
    run_last,
#endif
#if MOCK_ENTRIES > 2
    run_score,
#endif
    run_peek,
};

static const thresh_abi_variant variants[] = {{"mock", 0, functions}};
static const thresh_abi_state states[] = {
    {"history", THRESH_I64, 1, state_shape, STATE_OFFSET, MOCK_ROWS * sizeof(int64_t), MOCK_WINDOW}};

#if MOCK_GENERATION
static const int64_t stop_tokens[] = {3, 5};
static const thresh_abi_generation generation = {stop_tokens, 2, 1, 1, 0.5f, 1, 1, 0};
#endif

__attribute__((visibility("default"))) const thresh_abi_library thresh_library = {
    .abi_version = THRESH_ABI_VERSION,
    .num_entries = sizeof entries / sizeof entries[0],
    .entries = entries,
    .num_variants = 1,
    .variants = variants,
    .states = states,
    .num_states = 1,
    .flags = MOCK_SPARSE ? THRESH_LIBRARY_APPROXIMATE : 0,
    .state_bytes = STATE_OFFSET + MOCK_ROWS * sizeof(int64_t),
    .context = CONTEXT,
#if MOCK_GENERATION
    .generation = &generation,
#endif
};
