//===- state.c - what a session keeps between runs ----------------------------===//
#include "state.h"

#include "buffer.h"
#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

thresh_code thresh_state_allocate(const thresh_abi_library *table, thresh_state *state, thresh_status *status) {
  size_t bytes = (size_t)table->state_bytes;
  if (!bytes)
    return THRESH_OK;
  size_t slack = bytes >= THRESH_HUGE_PAGE ? THRESH_HUGE_PAGE : 0;
  void *mapping = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory: the states of a session need %zu bytes",
                             bytes);
  state->mapping = mapping;
  state->mapping_bytes = bytes + slack;
  state->data = mapping;
  if (slack) {
    state->data += (THRESH_HUGE_PAGE - (uintptr_t)mapping % THRESH_HUGE_PAGE) % THRESH_HUGE_PAGE;
    madvise(state->data, bytes, MADV_HUGEPAGE);
  }
  return THRESH_OK;
}

void thresh_state_free(thresh_state *state) {
  if (state->mapping)
    munmap(state->mapping, state->mapping_bytes);
  *state = (thresh_state){0};
}

void thresh_state_advance(thresh_state *state, int64_t count) {
  state->position += count;
  if (state->position > state->written)
    state->written = state->position;
}

void thresh_state_fail(thresh_state *state, int64_t count) {
  if (state->position + count > state->written)
    state->written = state->position + count;
}

/// The first position other than 0 where all states hold what a token looks back on; `tightest` is the state that sets
/// it.
static int64_t first_resumable(const thresh_abi_library *table, int64_t written, const thresh_abi_state **tightest) {
  int64_t first = 0;
  for (int32_t i = 0; i < table->num_states; ++i) {
    const thresh_abi_state *ring = &table->states[i];
    int64_t lost = written - ring->shape[0], candidate = lost > 0 && ring->window > 1 ? lost + ring->window - 1 : 0;
    if (candidate > first) {
      first = candidate;
      *tightest = ring;
    }
  }
  return first;
}

thresh_code thresh_state_check_room(const thresh_abi_library *table, const thresh_state *state, const char *input,
                                    int64_t count, thresh_status *status) {
  if (count < 1)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' expects at least one token, but got none",
                             input);
  const thresh_abi_state *tightest = NULL;
  if (state->position && state->position < first_resumable(table, state->written, &tightest))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "a run that failed took tokens out of state '%s': rewind the session to 0",
                             tightest->name);
  int64_t room = table->context - state->position;
  if (count <= room)
    return THRESH_OK;
  return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                           "input '%s' expects at most %" PRId64 " tokens, but got %" PRId64
                           ": the session holds %" PRId64 " and the context is %" PRId64,
                           input, room, count, state->position, table->context);
}

thresh_code thresh_state_rewind(const thresh_abi_library *table, thresh_state *state, int64_t position,
                                thresh_status *status) {
  if (position < 0 || position > state->position)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'position' expects 0 to %" PRId64 ", but got %" PRId64,
                             state->position, position);
  const thresh_abi_state *tightest = NULL;
  int64_t first = first_resumable(table, state->written, &tightest);
  if (position && position < first) {
    char others[64] = ""; // none after a run that failed
    if (first <= state->position)
      snprintf(others, sizeof others, " or %" PRId64 " to %" PRId64, first, state->position);
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "'position' expects 0%s, but got %" PRId64 ": state '%s' holds %" PRId64
                             " tokens only and a token looks back on %" PRId64,
                             others, position, tightest->name, tightest->shape[0], tightest->window);
  }
  state->position = position;
  if (!position)
    state->written = 0;
  return THRESH_OK;
}

void thresh_state_copy(const thresh_abi_library *table, const thresh_state *from, thresh_state *to) {
  to->position = from->position;
  to->written = from->written;
  for (int32_t i = 0; i < table->num_states; ++i) {
    const thresh_abi_state *state = &table->states[i];
    int64_t rows = from->position < state->shape[0] ? from->position : state->shape[0];
    memcpy(to->data + state->offset, from->data + state->offset,
           (size_t)rows * (state->bytes / (uint64_t)state->shape[0]));
  }
}
