//===- status.c - filling thresh_status and bounded text ----------------------===//
#include "status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

thresh_code thresh_status_set(thresh_status *status, thresh_code code, const char *format, ...) {
  if (!status)
    return code;
  status->code = code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(status->message, sizeof status->message, format, arguments);
  va_end(arguments);
  return code;
}

thresh_code thresh_status_ok(thresh_status *status) {
  if (status) {
    status->code = THRESH_OK;
    status->message[0] = '\0';
  }
  return THRESH_OK;
}

void thresh_text_append(thresh_text *text, const char *format, ...) {
  size_t room = sizeof text->chars - text->length;
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(text->chars + text->length, room, format, arguments);
  va_end(arguments);
  if (written > 0)
    text->length += (size_t)written < room ? (size_t)written : room - 1;
}

void thresh_text_append_shape(thresh_text *text, const int64_t *shape, int32_t rank) {
  thresh_text_append(text, "[");
  for (int32_t i = 0; i < rank; ++i)
    thresh_text_append(text, "%s%" PRId64, i ? ", " : "", shape[i]);
  thresh_text_append(text, "]");
}

void thresh_text_append_declared(thresh_text *text, const thresh_tensor_info *info) {
  thresh_text_append(text, "[");
  for (int32_t i = 0; i < info->rank; ++i) {
    const char *separator = i ? ", " : "";
    if (info->shape[i] >= 0)
      thresh_text_append(text, "%s%" PRId64, separator, info->shape[i]);
    else
      thresh_text_append(text, "%s%s", separator, info->dim_symbols[i]);
  }
  thresh_text_append(text, "]");
}

int thresh_tensor_bytes(thresh_dtype dtype, const int64_t *shape, int32_t rank, size_t *bytes) {
  // Zero extents are set aside so that [2^40, 2^40, 0] is an overflow whatever the order of its extents.
  int64_t product = (int64_t)thresh_dtype_size(dtype);
  int empty = 0;
  for (int32_t i = 0; i < rank; ++i) {
    if (shape[i] < 0)
      return -1;
    if (shape[i] == 0)
      empty = 1;
    else if (__builtin_mul_overflow(product, shape[i], &product))
      return -1;
  }
  *bytes = empty ? 0 : (size_t)product;
  return 0;
}
