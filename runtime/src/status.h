//===- status.h - filling thresh_status and bounded text ----------------------===//
#ifndef THRESH_RUNTIME_SRC_STATUS_H
#define THRESH_RUNTIME_SRC_STATUS_H

#include "thresh/thresh.h"

/// Writes `code` and the printf-formatted message into `status`, which may be NULL, and returns `code`.
__attribute__((format(printf, 3, 4))) thresh_code thresh_status_set(thresh_status *status, thresh_code code,
                                                                    const char *format, ...);

/// Marks `status`, which may be NULL, as a success and returns THRESH_OK.
thresh_code thresh_status_ok(thresh_status *status);

/// Text of bounded length on the stack; what does not fit is dropped, the NUL is always there.
typedef struct thresh_text {
  size_t length;
  char chars[512];
} thresh_text;

/// Appends printf-formatted text. `text` starts zero-initialised.
__attribute__((format(printf, 2, 3))) void thresh_text_append(thresh_text *text, const char *format, ...);

/// Appends extents as "[1, 128]".
void thresh_text_append_shape(thresh_text *text, const int64_t *shape, int32_t rank);

/// Appends a declared shape as "[batch, 384]".
void thresh_text_append_declared(thresh_text *text, const thresh_tensor_info *info);

/// Bytes of a dense tensor in `*bytes`. Returns 0, or -1 when an extent is negative or the size overflows 63 bits.
int thresh_tensor_bytes(thresh_dtype dtype, const int64_t *shape, int32_t rank, size_t *bytes);

#endif // THRESH_RUNTIME_SRC_STATUS_H
