//===- defaults.c - inputs that the caller left out ---------------------------===//
#include "defaults.h"

#include "status.h"

#include <string.h>

__extension__ typedef _Float16 half;

/// The upper half of a float, rounded to nearest even.
static uint16_t bfloat_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Writes `value` as one element of `dtype`.
static void write_element(thresh_dtype dtype, int64_t value, void *element) {
  const float single = (float)value;
  const double wide = (double)value;
  const half narrow = (half)wide;
  const uint16_t brain = bfloat_bits(single);
  const void *bytes = dtype == THRESH_F32    ? (const void *)&single
                      : dtype == THRESH_F64  ? (const void *)&wide
                      : dtype == THRESH_F16  ? (const void *)&narrow
                      : dtype == THRESH_BF16 ? (const void *)&brain
                                             : (const void *)&value; // little-endian: the low bytes come first
  memcpy(element, bytes, thresh_dtype_size(dtype));
}

/// Makes `bytes` bytes hold the default value; those that hold it already stay.
static int fill(const thresh_tensor_info *info, size_t bytes, thresh_default *tensor) {
  // Growing loses what the memory held, even where the new memory has the old address.
  if (bytes > tensor->memory.bytes)
    tensor->filled = 0;
  uint8_t *data = thresh_buffer_reserve(&tensor->memory, bytes);
  if (!data)
    return -1;
  size_t size = thresh_dtype_size((thresh_dtype)info->dtype);
  for (; tensor->filled < bytes; tensor->filled += size)
    write_element((thresh_dtype)info->dtype, info->default_value, data + tensor->filled);
  return 0;
}

thresh_code thresh_default_make(const thresh_entry_info *entry, const thresh_symbols *symbols, int32_t index,
                                const thresh_binding *bindings, thresh_default *tensor, thresh_abi_view *view,
                                thresh_status *status) {
  const thresh_tensor_info *info = &entry->inputs[index];
  for (int32_t d = 0; d < info->rank; ++d) {
    int32_t symbol = symbols->of[index][d];
    tensor->shape[d] = symbol < 0 ? info->shape[d] : bindings[symbol].extent;
    if (tensor->shape[d] < 0)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "input '%s' of entry '%s' is missing: no given input has its dimension '%s'", info->name,
                               entry->name, info->dim_symbols[d]);
  }
  size_t bytes;
  if (thresh_tensor_bytes((thresh_dtype)info->dtype, tensor->shape, info->rank, &bytes) || fill(info, bytes, tensor)) {
    thresh_text shape = {0};
    thresh_text_append_shape(&shape, tensor->shape, info->rank);
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory: input '%s' of shape %s", info->name,
                             shape.chars);
  }
  *view = (thresh_abi_view){tensor->memory.data, tensor->shape};
  return THRESH_OK;
}
