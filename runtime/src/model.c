//===- model.c - opening a compiled library -----------------------------------===//
#include "model.h"

#include "cpu.h"
#include "library_file.h"
#include "status.h"
#include "table.h"
#include "thread_pool.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//===-------------------------------------------------------------------------===//
// Opening
//===-------------------------------------------------------------------------===//

/// Loads the library and finds its table.
static thresh_code load(thresh_model *model, const char *path, thresh_status *status) {
  // Without a slash dlopen would search the system's folders.
  char file[PATH_MAX];
  int length = snprintf(file, sizeof file, "%s%s", strchr(path, '/') ? "" : "./", path);
  if (length < 0 || (size_t)length >= sizeof file)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "path of the library is longer than %d bytes",
                             PATH_MAX - 1);
  thresh_code code = thresh_library_file_check(file, status);
  if (code != THRESH_OK)
    return code;
  model->handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!model->handle)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "cannot load library '%s': %s", path, dlerror());
  model->table = dlsym(model->handle, THRESH_ABI_SYMBOL);
  if (!model->table)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "'%s' was not made by thresh: it exports no '%s'", path,
                             THRESH_ABI_SYMBOL);
  return thresh_table_check(model->table, path, status);
}

/// Takes the first variant that this CPU can run, or the one named `target` when that is not NULL.
static thresh_code choose_variant(thresh_model *model, const char *path, const char *target, thresh_status *status) {
  uint64_t features = thresh_cpu_features();
  thresh_text offered = {0};
  int found = 0;
  for (int32_t i = 0; i < model->table->num_variants; ++i) {
    const thresh_abi_variant *variant = &model->table->variants[i];
    thresh_text_append(&offered, "%s'%s'", i ? ", " : "", variant->target);
    if (target && strcmp(target, variant->target))
      continue;
    found = 1;
    if ((variant->cpu_features & ~features) == 0 && thresh_cpu_enable(variant->cpu_features) == 0) {
      model->variant = variant;
      return THRESH_OK;
    }
  }
  if (!found)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "library '%s' has no variant '%s'; it has %s", path,
                             target, offered.chars);
  return thresh_status_set(status, THRESH_UNSUPPORTED_CPU, "this CPU cannot run library '%s', compiled for %s", path,
                           target ? target : offered.chars);
}

/// Number of `name` among the symbols of inputs before dimension `dim` of input `input`, or -1.
static int32_t find_symbol(const thresh_abi_entry *entry, const thresh_symbols *symbols, int32_t input, int32_t dim,
                           const char *name) {
  for (int32_t i = 0; i <= input; ++i)
    for (int32_t d = 0; d < (i < input ? entry->inputs[i].rank : dim); ++d)
      if (symbols->of[i][d] >= 0 && !strcmp(entry->inputs[i].dim_symbols[d], name))
        return symbols->of[i][d];
  return -1;
}

static int number_symbols(const thresh_abi_entry *entry, thresh_symbols *symbols) {
  symbols->of = calloc((size_t)entry->num_inputs + 1, sizeof *symbols->of);
  if (!symbols->of)
    return -1;
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    for (int32_t d = 0; d < entry->inputs[i].rank; ++d) {
      if (entry->inputs[i].shape[d] >= 0) {
        symbols->of[i][d] = -1;
        continue;
      }
      int32_t number = find_symbol(entry, symbols, i, d, entry->inputs[i].dim_symbols[d]);
      symbols->of[i][d] = number >= 0 ? number : symbols->count++;
    }
  return 0;
}

static thresh_code number_all_symbols(thresh_model *model, thresh_status *status) {
  model->symbols = calloc((size_t)model->table->num_entries, sizeof *model->symbols);
  int failed = !model->symbols;
  for (int32_t i = 0; !failed && i < model->table->num_entries; ++i)
    failed = number_symbols(&model->table->entries[i], &model->symbols[i]);
  return failed ? thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a model") : THRESH_OK;
}

static thresh_code open_steps(thresh_model *model, const char *path, const thresh_open_options *options,
                              thresh_status *status) {
  thresh_code code = load(model, path, status);
  if (code == THRESH_OK)
    code = number_all_symbols(model, status);
  if (code != THRESH_OK || options->signature_only)
    return code;
  code = choose_variant(model, path, options->target, status);
  if (code == THRESH_OK)
    code = thresh_weights_open(model->table, path, options->weights_path, &model->weights, status);
  if (code == THRESH_OK && model->table->set_par_for)
    model->table->set_par_for(thresh_parallel_for);
  return code;
}

thresh_code thresh_model_open(const char *path, const thresh_open_options *options, thresh_model **model,
                              thresh_status *status) {
  if (!model)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'model' expects a pointer, but got null");
  *model = NULL;
  if (!path || !path[0])
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'path' expects a file, but got nothing");
  thresh_model *opened = calloc(1, sizeof *opened);
  if (!opened)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a model");
  thresh_model_retain(opened);
  const thresh_open_options defaults = {0};
  thresh_code code = open_steps(opened, path, options ? options : &defaults, status);
  if (code != THRESH_OK) {
    thresh_model_close(opened);
    return code;
  }
  *model = opened;
  return thresh_status_ok(status);
}

//===-------------------------------------------------------------------------===//
// Lifetime
//===-------------------------------------------------------------------------===//

void thresh_model_retain(thresh_model *model) { atomic_fetch_add_explicit(&model->owners, 1, memory_order_relaxed); }

void thresh_model_close(thresh_model *model) {
  if (!model || atomic_fetch_sub_explicit(&model->owners, 1, memory_order_acq_rel) > 1)
    return;
  for (int32_t i = 0; model->symbols && i < model->table->num_entries; ++i)
    free(model->symbols[i].of);
  free(model->symbols);
  thresh_weights_close(&model->weights);
  if (model->handle)
    dlclose(model->handle);
  free(model);
}

//===-------------------------------------------------------------------------===//
// Queries
//===-------------------------------------------------------------------------===//

int32_t thresh_model_num_entries(const thresh_model *model) { return model->table->num_entries; }

const thresh_entry_info *thresh_model_entry(const thresh_model *model, int32_t index) {
  return index >= 0 && index < model->table->num_entries ? &model->table->entries[index] : NULL;
}

int32_t thresh_model_find_entry(const thresh_model *model, const char *name) {
  for (int32_t i = 0; i < model->table->num_entries; ++i)
    if (!strcmp(model->table->entries[i].name, name))
      return i;
  return -1;
}

const char *thresh_model_metadata(const thresh_model *model) {
  return model->table->metadata ? model->table->metadata : "{}";
}

const char *thresh_model_target(const thresh_model *model) { return model->variant ? model->variant->target : NULL; }

const thresh_abi_library *thresh_model_table(const thresh_model *model) { return model->table; }

int64_t thresh_model_context(const thresh_model *model) { return model->table->context; }

uint64_t thresh_model_weights_bytes(const thresh_model *model) { return model->table->weights_bytes; }

int32_t thresh_model_is_approximate(const thresh_model *model) {
  return (model->table->flags & THRESH_LIBRARY_APPROXIMATE) != 0;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/// Bytes of weights and states that a token reads; `dense`: chosen or not.
static uint64_t count_bytes(const thresh_model *model, int32_t entry, int64_t position, int dense) {
  const thresh_entry_info *info = thresh_model_entry(model, entry);
  if (!info || !info->weight_bytes || position < 0 || position > model->table->context)
    return 0;
  uint64_t bytes = dense ? info->dense_weight_bytes : info->weight_bytes;
  for (int32_t i = 0; info->token_input >= 0 && i < model->table->num_states; ++i) {
    const thresh_abi_state *state = &model->table->states[i];
    uint64_t row = state->bytes / (uint64_t)state->shape[0];
    thresh_abi_state_reads reads = {state->shape[0], row, 0};
    if (info->state_reads)
      reads = info->state_reads[i];
    int64_t seen = position < reads.seen_rows ? position + 1 : reads.seen_rows;
    int64_t whole = dense ? seen : smaller(seen, reads.chosen_rows);
    bytes += (uint64_t)whole * row + (uint64_t)(seen - whole) * reads.scanned_bytes;
  }
  return bytes;
}

uint64_t thresh_model_touched_bytes(const thresh_model *model, int32_t entry, int64_t position) {
  return count_bytes(model, entry, position, 0);
}

uint64_t thresh_model_dense_bytes(const thresh_model *model, int32_t entry, int64_t position) {
  return count_bytes(model, entry, position, 1);
}
