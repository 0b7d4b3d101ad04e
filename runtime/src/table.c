//===- table.c - checks the table that a library exports ----------------------===//
#include "table.h"

#include "status.h"

#include <float.h>
#include <string.h>

/// What is wrong with a declared tensor, or NULL.
static const char *tensor_fault(const thresh_abi_tensor *tensor) {
  if (!tensor->name || !tensor->name[0])
    return "has no name";
  if (!thresh_dtype_size((thresh_dtype)tensor->dtype))
    return "has an unknown dtype";
  if (tensor->rank < 0 || tensor->rank > THRESH_MAX_RANK)
    return "has a rank outside 0 to 8";
  if (tensor->rank > 0 && (!tensor->shape || !tensor->dim_symbols))
    return "has no shape";
  for (int32_t i = 0; i < tensor->rank; ++i) {
    if (tensor->shape[i] < -1)
      return "has a negative extent";
    if (tensor->shape[i] == -1 && (!tensor->dim_symbols[i] || !tensor->dim_symbols[i][0]))
      return "has a dynamic dimension without a name";
  }
  return NULL;
}

static thresh_code check_tensors(const thresh_abi_tensor *tensors, int32_t count, const char *what,
                                 const thresh_abi_entry *entry, const char *path, thresh_status *status) {
  if (count < 0 || (count > 0 && !tensors))
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': entry '%s' lists no %ss", path,
                             entry->name, what);
  for (int32_t i = 0; i < count; ++i) {
    const char *fault = tensor_fault(&tensors[i]);
    for (int32_t j = 0; !fault && j < i; ++j)
      if (!strcmp(tensors[i].name, tensors[j].name))
        fault = "has the name of another";
    if (fault)
      return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': %s %d of entry '%s' %s", path,
                               what, i, entry->name, fault);
  }
  return THRESH_OK;
}

/// What is wrong with the table outside its entries, or NULL.
static const char *table_fault(const thresh_abi_library *table) {
  if (table->num_entries < 1 || !table->entries)
    return "no entry points";
  if (table->num_variants < 1 || !table->variants)
    return "no variants";
  for (int32_t i = 0; i < table->num_variants; ++i) {
    const thresh_abi_variant *variant = &table->variants[i];
    if (!variant->target || !variant->functions)
      return "a variant without target or functions";
    for (int32_t j = 0; j < table->num_entries; ++j)
      if (!variant->functions[j])
        return "a variant without a function for each entry";
  }
  if (table->weights_file && table->weights_embedded)
    return "weights both embedded and in a file";
  if (table->weights_bytes && !table->weights_file && !table->weights_embedded)
    return "weights neither embedded nor in a file";
  if ((uintptr_t)table->weights_embedded % 4096)
    return "embedded weights that are not page-aligned";
  if (table->weights_file && (!table->weights_file[0] || strchr(table->weights_file, '/')))
    return "a weights file outside its own folder";
  if (table->weights_file && (table->weights_header_bytes < 8 || table->weights_header_bytes % 4096))
    return "weights that are not page-aligned in their file";
  if (table->weights_file && table->weights_bytes > INT64_MAX - table->weights_header_bytes)
    return "weights of impossible size";
  if (table->context < 0 || table->num_states < 0 || (table->num_states > 0 && (!table->states || !table->context)))
    return "states without a list or a context";
  if (table->state_bytes > INT64_MAX)
    return "states of impossible size";
  return NULL;
}

/// What is wrong with state `index`, or NULL.
static const char *state_fault(const thresh_abi_library *table, int32_t index) {
  const thresh_abi_state *state = &table->states[index];
  if (!state->name || !state->name[0])
    return "has no name";
  if (!thresh_dtype_size((thresh_dtype)state->dtype))
    return "has an unknown dtype";
  if (state->rank < 1 || state->rank > THRESH_MAX_RANK || !state->shape)
    return "has a rank outside 1 to 8 or no shape";
  for (int32_t i = 0; i < state->rank; ++i)
    if (state->shape[i] < 1)
      return "has an extent below 1";
  if (state->shape[0] > table->context)
    return "has more rows than the context";
  if (state->window < 0 || state->window > state->shape[0])
    return "has a window of less than no or more than its rows";
  if (!state->window && state->shape[0] < table->context)
    return "has fewer rows than the context, but no window";
  size_t bytes;
  if (thresh_tensor_bytes((thresh_dtype)state->dtype, state->shape, state->rank, &bytes) || bytes != state->bytes)
    return "has not the bytes of its shape";
  if (state->offset % 64 || state->offset > table->state_bytes || state->bytes > table->state_bytes - state->offset)
    return "lies outside the state memory or is not aligned in it";
  for (int32_t i = 0; i < index; ++i) {
    const thresh_abi_state *other = &table->states[i];
    if (!strcmp(state->name, other->name))
      return "has the name of another";
    if (state->offset < other->offset + other->bytes && other->offset < state->offset + state->bytes)
      return "overlaps another";
  }
  return NULL;
}

/// What is wrong with what `entry` says that it reads, or NULL.
static const char *reads_fault(const thresh_abi_library *table, const thresh_abi_entry *entry) {
  if (entry->dense_weight_bytes < entry->weight_bytes)
    return "reads more weights than a dense one";
  for (int32_t i = 0; entry->state_reads && i < table->num_states; ++i) {
    const thresh_abi_state *state = &table->states[i];
    const thresh_abi_state_reads *reads = &entry->state_reads[i];
    if (reads->seen_rows < 0 || reads->seen_rows > state->shape[0] || reads->chosen_rows < 0 ||
        reads->scanned_bytes > state->bytes / (uint64_t)state->shape[0])
      return "reads more of a state than there is";
  }
  return NULL;
}

/// What is wrong with the number of the token input of `entry`, or NULL.
static const char *token_input_fault(const thresh_abi_library *table, const thresh_abi_entry *entry) {
  if (entry->token_input == -1)
    return NULL;
  if (entry->token_input < 0 || entry->token_input >= entry->num_inputs)
    return "has no input with the number of its token input";
  if (entry->inputs[entry->token_input].rank < 1)
    return "has a token input of rank 0";
  return table->context > 0 ? NULL : "has a token input, but the library has no context";
}

/// Whether a number of thresh_abi_generation is usable: finite and above 0.
static int is_positive(float number) { return number > 0 && number <= FLT_MAX; }

/// What is wrong with the defaults of generation, or NULL.
static const char *generation_fault(const thresh_abi_generation *generation) {
  if (generation->num_stop_tokens < 0 || (generation->num_stop_tokens > 0 && !generation->stop_tokens))
    return "no stop tokens";
  if (!is_positive(generation->temperature) || !is_positive(generation->top_p) ||
      !is_positive(generation->repetition_penalty) || generation->top_k < 0)
    return "a temperature, top_k, top_p or repetition penalty out of range";
  return NULL;
}

thresh_code thresh_table_check(const thresh_abi_library *table, const char *path, thresh_status *status) {
  if (table->abi_version != THRESH_ABI_VERSION)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY,
                             "library '%s' is of another compiler version: expects ABI version %d, but got %u", path,
                             THRESH_ABI_VERSION, table->abi_version);
  const char *fault = table_fault(table);
  if (fault)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': its table has %s", path, fault);
  for (int32_t i = 0; i < table->num_states; ++i) {
    fault = state_fault(table, i);
    if (fault)
      return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': state %d %s", path, i, fault);
  }
  for (int32_t i = 0; i < table->num_entries; ++i) {
    const thresh_abi_entry *entry = &table->entries[i];
    if (!entry->name || !entry->name[0])
      return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': entry %d has no name", path, i);
    thresh_code code = check_tensors(entry->inputs, entry->num_inputs, "input", entry, path, status);
    if (code == THRESH_OK)
      code = check_tensors(entry->outputs, entry->num_outputs, "output", entry, path, status);
    if (code != THRESH_OK)
      return code;
    fault = token_input_fault(table, entry);
    fault = fault ? fault : reads_fault(table, entry);
    if (fault)
      return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': entry '%s' %s", path, entry->name,
                               fault);
  }
  fault = table->generation ? generation_fault(table->generation) : NULL;
  if (fault)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "damaged library '%s': its generation defaults have %s",
                             path, fault);
  return THRESH_OK;
}
