//===- state.h - what a session keeps between runs ----------------------------===//
#ifndef THRESH_RUNTIME_SRC_STATE_H
#define THRESH_RUNTIME_SRC_STATE_H

#include "thresh/thresh.h"

/// The states of one session. Zero-initialise; end with thresh_state_free.
typedef struct thresh_state {
  uint8_t *data; ///< 64-byte aligned; NULL when the library declares no states
  void *mapping; ///< the memory that holds them
  size_t mapping_bytes;
  int64_t position; ///< tokens that the states hold
  int64_t written;  ///< tokens that they held at most since they were empty: a ring has lost all but the last of these
} thresh_state;

/// Makes the memory for the states of `table`, all zero: pages come to be when they are first written.
thresh_code thresh_state_allocate(const thresh_abi_library *table, thresh_state *state, thresh_status *status);

void thresh_state_free(thresh_state *state);

/// Checks that `count` more tokens fit, at least 1. `input` names the tokens in messages.
thresh_code thresh_state_check_room(const thresh_abi_library *table, const thresh_state *state, const char *input,
                                    int64_t count, thresh_status *status);

/// Counts `count` tokens that a run appended.
void thresh_state_advance(thresh_state *state, int64_t count);

/// Steps back to `position`, where every state still holds the rows that the next token looks back on.
thresh_code thresh_state_rewind(const thresh_abi_library *table, thresh_state *state, int64_t position,
                                thresh_status *status);

/// Makes `to`, freshly allocated, hold the tokens of `from`.
void thresh_state_copy(const thresh_abi_library *table, const thresh_state *from, thresh_state *to);

#endif // THRESH_RUNTIME_SRC_STATE_H
