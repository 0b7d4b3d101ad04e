//===- session.c - runs of a model and their memory ---------------------------===//
#include "session.h"

#include "buffer.h"
#include "defaults.h"
#include "model.h"
#include "signature.h"
#include "state.h"
#include "status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct thresh_session {
  thresh_model *model;
  atomic_flag running;
  thresh_buffer arena;
  thresh_buffer **outputs;   ///< per entry, one for each declared output
  thresh_default **defaults; ///< per entry, one for each declared input
  thresh_state state;
  thresh_launch_listener listener; ///< NULL: nobody listens
  void *listener_context;
  // Room for one run of the largest entry.
  thresh_abi_view *views;
  thresh_binding *bindings;
  thresh_output **wanted;
};

/// The run under way, for the callbacks of the compiled code.
typedef struct run_state {
  thresh_session *session;
  const thresh_entry_info *entry;
  thresh_buffer *outputs;
  int arena_given;
  int32_t outputs_given;
  thresh_status *status;
  thresh_code code; ///< first failure that a callback recorded
} run_state;

//===-------------------------------------------------------------------------===//
// Lifetime
//===-------------------------------------------------------------------------===//

static int allocate(thresh_session *session) {
  const thresh_abi_library *table = session->model->table;
  size_t max_inputs = 1, max_outputs = 1, max_symbols = 1;
  session->outputs = calloc((size_t)table->num_entries, sizeof *session->outputs);
  session->defaults = calloc((size_t)table->num_entries, sizeof *session->defaults);
  if (!session->outputs || !session->defaults)
    return -1;
  for (int32_t i = 0; i < table->num_entries; ++i) {
    size_t inputs = (size_t)table->entries[i].num_inputs, outputs = (size_t)table->entries[i].num_outputs;
    size_t symbols = (size_t)session->model->symbols[i].count;
    max_inputs = inputs > max_inputs ? inputs : max_inputs;
    max_outputs = outputs > max_outputs ? outputs : max_outputs;
    max_symbols = symbols > max_symbols ? symbols : max_symbols;
    session->outputs[i] = calloc(outputs + 1, sizeof *session->outputs[i]);
    session->defaults[i] = calloc(inputs + 1, sizeof *session->defaults[i]);
    if (!session->outputs[i] || !session->defaults[i])
      return -1;
  }
  session->views = calloc(max_inputs, sizeof *session->views);
  session->bindings = calloc(max_symbols, sizeof *session->bindings);
  session->wanted = calloc(max_outputs, sizeof *session->wanted);
  return session->views && session->bindings && session->wanted ? 0 : -1;
}

thresh_code thresh_session_create(thresh_model *model, thresh_session **session, thresh_status *status) {
  if (!session)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'session' expects a pointer, but got null");
  *session = NULL;
  if (!model)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'model' expects an open model, but got null");
  if (!model->variant)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "the model was opened for its signature only");
  thresh_session *created = calloc(1, sizeof *created);
  if (!created)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a session");
  atomic_flag_clear(&created->running);
  created->model = model;
  thresh_model_retain(model);
  if (allocate(created)) {
    thresh_session_free(created);
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a session");
  }
  thresh_code code = thresh_state_allocate(model->table, &created->state, status);
  if (code != THRESH_OK) {
    thresh_session_free(created);
    return code;
  }
  *session = created;
  return thresh_status_ok(status);
}

void thresh_session_free(thresh_session *session) {
  if (!session)
    return;
  const thresh_abi_library *table = session->model->table;
  for (int32_t i = 0; session->outputs && i < table->num_entries; ++i) {
    for (int32_t j = 0; session->outputs[i] && j < table->entries[i].num_outputs; ++j)
      thresh_buffer_free(&session->outputs[i][j]);
    free(session->outputs[i]);
  }
  for (int32_t i = 0; session->defaults && i < table->num_entries; ++i) {
    for (int32_t j = 0; session->defaults[i] && j < table->entries[i].num_inputs; ++j)
      thresh_buffer_free(&session->defaults[i][j].memory);
    free(session->defaults[i]);
  }
  free(session->outputs);
  free(session->defaults);
  free(session->views);
  free(session->bindings);
  free(session->wanted);
  thresh_buffer_free(&session->arena);
  thresh_state_free(&session->state);
  thresh_model_close(session->model);
  free(session);
}

const thresh_model *thresh_session_model(const thresh_session *session) { return session->model; }

//===-------------------------------------------------------------------------===//
// Callbacks of the compiled code
//===-------------------------------------------------------------------------===//

/// Records the first failure of the run.
__attribute__((format(printf, 3, 4))) static void record(run_state *state, thresh_code code, const char *format, ...) {
  if (state->code != THRESH_OK)
    return;
  char reason[THRESH_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  state->code = thresh_status_set(state->status, code, "%s", reason);
}

static void *give_arena(void *context, int64_t bytes) {
  run_state *state = context;
  if (bytes < 0 || state->arena_given) {
    record(state, THRESH_EXECUTION_FAILED, "entry '%s' asked for scratch memory wrongly", state->entry->name);
    return NULL;
  }
  state->arena_given = 1;
  void *data = thresh_buffer_reserve(&state->session->arena, (size_t)bytes);
  if (!data)
    record(state, THRESH_OUT_OF_MEMORY, "out of memory: entry '%s' needs %" PRId64 " bytes of scratch memory",
           state->entry->name, bytes);
  return data;
}

/// Memory of `bytes` for declared output `index`: the caller's when it gave some, else the session's.
static void *output_memory(run_state *state, int32_t index, const int64_t *shape, size_t bytes) {
  const thresh_tensor_info *info = &state->entry->outputs[index];
  thresh_output *wanted = state->session->wanted[index];
  thresh_text text = {0};
  if (wanted && wanted->buffer) {
    if (wanted->buffer_bytes >= bytes)
      return wanted->buffer;
    thresh_text_append_shape(&text, shape, info->rank);
    record(state, THRESH_INVALID_ARGUMENT, "output '%s' of shape %s expects a buffer of %zu bytes, but got %zu",
           info->name, text.chars, bytes, wanted->buffer_bytes);
    return NULL;
  }
  void *data = thresh_buffer_reserve(&state->outputs[index], bytes);
  if (!data)
    record(state, THRESH_OUT_OF_MEMORY, "out of memory: output '%s' needs %zu bytes", info->name, bytes);
  return data;
}

static void *give_output(void *context, int32_t index, const int64_t *shape) {
  run_state *state = context;
  size_t bytes;
  if (index < 0 || index >= state->entry->num_outputs ||
      thresh_tensor_bytes((thresh_dtype)state->entry->outputs[index].dtype, shape, state->entry->outputs[index].rank,
                          &bytes)) {
    record(state, THRESH_EXECUTION_FAILED, "entry '%s' asked for memory of output %d wrongly", state->entry->name,
           index);
    return NULL;
  }
  void *data = output_memory(state, index, shape, bytes);
  if (!data)
    return NULL;
  ++state->outputs_given;
  const thresh_tensor_info *info = &state->entry->outputs[index];
  thresh_output *wanted = state->session->wanted[index];
  if (wanted) {
    wanted->dtype = (thresh_dtype)info->dtype;
    wanted->rank = info->rank;
    for (int32_t i = 0; i < info->rank; ++i)
      wanted->shape[i] = shape[i];
    wanted->data = data;
    wanted->bytes = bytes;
  }
  return data;
}

static void record_failure(void *context, const char *format, int64_t a, int64_t b) {
  run_state *state = context;
  char reason[THRESH_MESSAGE_SIZE];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
  snprintf(reason, sizeof reason, format, (long long)a, (long long)b);
#pragma GCC diagnostic pop
  record(state, THRESH_EXECUTION_FAILED, "entry '%s': %s", state->entry->name, reason);
}

static void report_launch(void *context, int32_t launch) {
  thresh_session *session = ((run_state *)context)->session;
  session->listener(session->listener_context, launch);
}

//===-------------------------------------------------------------------------===//
// Running
//===-------------------------------------------------------------------------===//

/// Takes the session for one call; 0 when another has it.
static int enter(thresh_session *session, thresh_status *status) {
  if (!atomic_flag_test_and_set_explicit(&session->running, memory_order_acquire))
    return 1;
  thresh_status_set(status, THRESH_INVALID_ARGUMENT, "the session is running in another thread");
  return 0;
}

static void leave(thresh_session *session) { atomic_flag_clear_explicit(&session->running, memory_order_release); }

/// Checks the inputs and makes those that were left out, so that the views are whole.
static thresh_code bind_inputs(thresh_session *session, int32_t entry, const thresh_input *inputs, int32_t num_inputs,
                               thresh_status *status) {
  const thresh_entry_info *info = &session->model->table->entries[entry];
  const thresh_symbols *symbols = &session->model->symbols[entry];
  thresh_code code =
      thresh_signature_bind_inputs(info, symbols, inputs, num_inputs, session->views, session->bindings, status);
  for (int32_t i = 0; code == THRESH_OK && i < info->num_inputs; ++i)
    if (!session->views[i].data)
      code = thresh_default_make(info, symbols, i, session->bindings, &session->defaults[entry][i], &session->views[i],
                                 status);
  return code;
}

/// Tokens that the bound inputs of `entry` add to the session.
static int64_t count_tokens(const thresh_session *session, const thresh_entry_info *entry) {
  int32_t input = entry->token_input;
  return input < 0 ? 0 : session->views[input].shape[entry->inputs[input].rank - 1];
}

/// Calls the compiled code and turns its result into a code.
static thresh_code execute(run_state *state, int32_t entry) {
  thresh_session *session = state->session;
  const thresh_abi_call call = {
      .inputs = session->views,
      .weights = session->model->weights.data,
      .context = state,
      .arena = give_arena,
      .output = give_output,
      .fail = record_failure,
      .state = session->state.data,
      .position = session->state.position,
      .launched = session->listener ? report_launch : NULL,
  };
  int32_t result = session->model->variant->functions[entry](&call);
  if (result != 0)
    record(state, THRESH_EXECUTION_FAILED, "entry '%s' failed with code %d", state->entry->name, result);
  for (int32_t i = 0; i < state->entry->num_outputs; ++i)
    if (session->wanted[i] && !session->wanted[i]->data)
      record(state, THRESH_EXECUTION_FAILED, "entry '%s' did not make output '%s'", state->entry->name,
             state->entry->outputs[i].name);
  return state->code;
}

thresh_code thresh_session_run(thresh_session *session, int32_t entry, const thresh_input *inputs, int32_t num_inputs,
                               thresh_output *outputs, int32_t num_outputs, thresh_status *status) {
  if (!session)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'session' expects a session, but got null");
  const thresh_entry_info *info = thresh_model_entry(session->model, entry);
  if (!info)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'entry' expects a number below %d, but got %d",
                             session->model->table->num_entries, entry);
  if (num_inputs < 0 || (num_inputs && !inputs) || num_outputs < 0 || (num_outputs && !outputs))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'inputs' and 'outputs' expect arrays of their counts");
  if (!enter(session, status))
    return THRESH_INVALID_ARGUMENT;

  thresh_code code = bind_inputs(session, entry, inputs, num_inputs, status);
  if (code == THRESH_OK)
    code = thresh_signature_bind_outputs(info, outputs, num_outputs, session->wanted, status);
  int64_t tokens = code == THRESH_OK ? count_tokens(session, info) : 0;
  if (code == THRESH_OK && info->token_input >= 0)
    code = thresh_state_check_room(session->model->table, &session->state, info->inputs[info->token_input].name, tokens,
                                   status);
  if (code == THRESH_OK) {
    run_state state = {.session = session, .entry = info, .outputs = session->outputs[entry], .status = status};
    code = execute(&state, entry);
    if (code == THRESH_OK)
      thresh_state_advance(&session->state, tokens);
    else if (state.outputs_given == info->num_outputs)
      thresh_state_fail(&session->state, tokens);
  }
  leave(session);
  return code == THRESH_OK ? thresh_status_ok(status) : code;
}

thresh_code thresh_session_listen(thresh_session *session, thresh_launch_listener listener, void *context,
                                  thresh_status *status) {
  if (!session)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'session' expects a session, but got null");
  if (!enter(session, status))
    return THRESH_INVALID_ARGUMENT;
  session->listener = listener;
  session->listener_context = context;
  leave(session);
  return thresh_status_ok(status);
}

//===-------------------------------------------------------------------------===//
// States
//===-------------------------------------------------------------------------===//

int64_t thresh_session_position(const thresh_session *session) { return session->state.position; }

thresh_code thresh_session_rewind(thresh_session *session, int64_t position, thresh_status *status) {
  if (!session)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'session' expects a session, but got null");
  if (!enter(session, status))
    return THRESH_INVALID_ARGUMENT;
  thresh_code code = thresh_state_rewind(session->model->table, &session->state, position, status);
  leave(session);
  return code == THRESH_OK ? thresh_status_ok(status) : code;
}

thresh_code thresh_session_fork(thresh_session *session, thresh_session **fork, thresh_status *status) {
  if (!fork)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'fork' expects a pointer, but got null");
  *fork = NULL;
  if (!session)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'session' expects a session, but got null");
  if (!enter(session, status))
    return THRESH_INVALID_ARGUMENT;
  thresh_code code = thresh_session_create(session->model, fork, status);
  if (code == THRESH_OK)
    thresh_state_copy(session->model->table, &session->state, &(*fork)->state);
  leave(session);
  return code;
}
