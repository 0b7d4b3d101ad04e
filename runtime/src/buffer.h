//===- buffer.h - memory that grows and never shrinks -------------------------===//
#ifndef THRESH_RUNTIME_SRC_BUFFER_H
#define THRESH_RUNTIME_SRC_BUFFER_H

#include <stddef.h>

/// Memory of this size and more is aligned to it and asks for huge pages: those of x86-64.
#define THRESH_HUGE_PAGE ((size_t)2 << 20)

/// Memory aligned to 64 bytes. Zero-initialise; end with thresh_buffer_free.
typedef struct thresh_buffer {
  void *data;
  size_t bytes;
} thresh_buffer;

/// Returns at least `bytes` bytes; contents are lost when the buffer grows. Never NULL for 0 bytes. NULL: out of
/// memory, and the buffer is empty.
void *thresh_buffer_reserve(thresh_buffer *buffer, size_t bytes);

void thresh_buffer_free(thresh_buffer *buffer);

#endif // THRESH_RUNTIME_SRC_BUFFER_H
