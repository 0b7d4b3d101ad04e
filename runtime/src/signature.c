//===- signature.c - do the inputs and outputs of a run fit the entry? --------===//
#include "signature.h"

#include "status.h"

#include <inttypes.h>
#include <string.h>

/// Where an empty tensor without memory points: aligned for every dtype, never read.
static const _Alignas(64) char empty_tensor[64];

//===-------------------------------------------------------------------------===//
// Names and positions
//===-------------------------------------------------------------------------===//

/// Position of the declared tensor that `name` means, or `position` when it is NULL. -1 with a message: no such.
static int32_t find_tensor(const thresh_entry_info *entry, const char *kind, const thresh_tensor_info *declared,
                           int32_t count, const char *name, int32_t position, thresh_status *status) {
  if (!name) {
    if (position < count)
      return position;
    thresh_status_set(status, THRESH_INVALID_ARGUMENT, "entry '%s' expects %d %ss, but got one at position %d",
                      entry->name, count, kind, position);
    return -1;
  }
  thresh_text names = {0};
  for (int32_t i = 0; i < count; ++i)
    if (!strcmp(declared[i].name, name))
      return i;
  for (int32_t i = 0; i < count; ++i)
    thresh_text_append(&names, "%s'%s'", i ? ", " : "", declared[i].name);
  thresh_status_set(status, THRESH_INVALID_ARGUMENT, "entry '%s' has no %s '%s'; it has %s", entry->name, kind, name,
                    count ? names.chars : "none");
  return -1;
}

//===-------------------------------------------------------------------------===//
// Shapes
//===-------------------------------------------------------------------------===//

static thresh_code static_mismatch(const thresh_tensor_info *info, const thresh_input *input, int32_t dim,
                                   thresh_status *status) {
  thresh_text declared = {0}, given = {0};
  thresh_text_append_declared(&declared, info);
  thresh_text_append_shape(&given, input->shape, input->rank);
  return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                           "input '%s' dimension %d expects %" PRId64 ", but got %" PRId64 " (shape %s, declared %s)",
                           info->name, dim, info->shape[dim], input->shape[dim], given.chars, declared.chars);
}

/// Checks the extents of `input`, declared input number `index`.
static thresh_code check_extents(const thresh_entry_info *entry, const thresh_symbols *symbols, int32_t index,
                                 const thresh_input *input, thresh_binding *bindings, thresh_status *status) {
  const thresh_tensor_info *info = &entry->inputs[index];
  for (int32_t d = 0; d < info->rank; ++d) {
    int64_t extent = input->shape[d];
    if (extent < 0)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "input '%s' dimension %d expects an extent of 0 or more, but got %" PRId64, info->name,
                               d, extent);
    if (info->shape[d] >= 0) {
      if (extent != info->shape[d])
        return static_mismatch(info, input, d, status);
      continue;
    }
    thresh_binding *binding = &bindings[symbols->of[index][d]];
    if (binding->extent < 0)
      *binding = (thresh_binding){extent, index, d};
    else if (binding->extent != extent)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "input '%s' dimension %d ('%s') expects %" PRId64
                               " as in input '%s' dimension %d, but got %" PRId64,
                               info->name, d, info->dim_symbols[d], binding->extent, entry->inputs[binding->input].name,
                               binding->dim, extent);
  }
  return THRESH_OK;
}

/// Checks the memory of `input`.
static thresh_code check_data(const thresh_tensor_info *info, const thresh_input *input, thresh_status *status) {
  size_t bytes;
  thresh_text shape = {0};
  if (thresh_tensor_bytes(input->dtype, input->shape, input->rank, &bytes)) {
    thresh_text_append_shape(&shape, input->shape, input->rank);
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' of shape %s is larger than any memory",
                             info->name, shape.chars);
  }
  if (input->bytes < bytes) {
    thresh_text_append_shape(&shape, input->shape, input->rank);
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "input '%s' of shape %s and dtype %s expects %zu bytes, but got %zu", info->name,
                             shape.chars, thresh_dtype_name(input->dtype), bytes, input->bytes);
  }
  if (bytes && !input->data)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' expects data, but got null", info->name);
  if ((uintptr_t)input->data % thresh_dtype_size(input->dtype))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' expects data aligned to %zu bytes",
                             info->name, thresh_dtype_size(input->dtype));
  return THRESH_OK;
}

static thresh_code check_input(const thresh_entry_info *entry, const thresh_symbols *symbols, int32_t index,
                               const thresh_input *input, thresh_binding *bindings, thresh_status *status) {
  const thresh_tensor_info *info = &entry->inputs[index];
  if ((int32_t)input->dtype != info->dtype)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' expects dtype %s, but got %s", info->name,
                             thresh_dtype_name((thresh_dtype)info->dtype), thresh_dtype_name(input->dtype));
  if (input->rank != info->rank) {
    thresh_text declared = {0};
    thresh_text_append_declared(&declared, info);
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' expects rank %d %s, but got rank %d",
                             info->name, info->rank, declared.chars, input->rank);
  }
  thresh_code code = check_extents(entry, symbols, index, input, bindings, status);
  return code == THRESH_OK ? check_data(info, input, status) : code;
}

//===-------------------------------------------------------------------------===//
// Binding
//===-------------------------------------------------------------------------===//

thresh_code thresh_signature_bind_inputs(const thresh_entry_info *entry, const thresh_symbols *symbols,
                                         const thresh_input *inputs, int32_t num_inputs, thresh_abi_view *views,
                                         thresh_binding *bindings, thresh_status *status) {
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    views[i].data = NULL;
  for (int32_t i = 0; i < symbols->count; ++i)
    bindings[i].extent = -1;
  for (int32_t i = 0; i < num_inputs; ++i) {
    int32_t index = find_tensor(entry, "input", entry->inputs, entry->num_inputs, inputs[i].name, i, status);
    if (index < 0)
      return THRESH_INVALID_ARGUMENT;
    if (views[index].data)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' is given twice", entry->inputs[index].name);
    thresh_code code = check_input(entry, symbols, index, &inputs[i], bindings, status);
    if (code != THRESH_OK)
      return code;
    views[index].data = (void *)(inputs[i].data ? inputs[i].data : empty_tensor);
    views[index].shape = inputs[i].shape;
  }
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    if (!views[i].data && !entry->inputs[i].optional)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' of entry '%s' is missing",
                               entry->inputs[i].name, entry->name);
  return THRESH_OK;
}

thresh_code thresh_signature_bind_outputs(const thresh_entry_info *entry, thresh_output *outputs, int32_t num_outputs,
                                          thresh_output **wanted, thresh_status *status) {
  for (int32_t i = 0; i < entry->num_outputs; ++i)
    wanted[i] = NULL;
  for (int32_t i = 0; i < num_outputs; ++i) {
    int32_t index = find_tensor(entry, "output", entry->outputs, entry->num_outputs, outputs[i].name, i, status);
    if (index < 0)
      return THRESH_INVALID_ARGUMENT;
    const thresh_tensor_info *info = &entry->outputs[index];
    if (wanted[index])
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "output '%s' is asked for twice", info->name);
    if ((uintptr_t)outputs[i].buffer % thresh_dtype_size((thresh_dtype)info->dtype))
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "output '%s' expects a buffer aligned to %zu bytes",
                               info->name, thresh_dtype_size((thresh_dtype)info->dtype));
    outputs[i].data = NULL;
    wanted[index] = &outputs[i];
  }
  return THRESH_OK;
}
