//===- buffer.c - memory that grows and never shrinks -------------------------===//
#include "buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64 };

void *thresh_buffer_reserve(thresh_buffer *buffer, size_t bytes) {
  if (buffer->data && bytes <= buffer->bytes)
    return buffer->data;
  thresh_buffer_free(buffer);
  if (bytes > SIZE_MAX / 2)
    return NULL;
  size_t alignment = bytes >= THRESH_HUGE_PAGE ? THRESH_HUGE_PAGE : ALIGNMENT;
  size_t rounded = bytes ? (bytes + alignment - 1) / alignment * alignment : alignment;
  buffer->data = aligned_alloc(alignment, rounded);
  if (!buffer->data)
    return NULL;
  buffer->bytes = rounded;
  if (alignment == THRESH_HUGE_PAGE)
    madvise(buffer->data, rounded, MADV_HUGEPAGE);
  return buffer->data;
}

void thresh_buffer_free(thresh_buffer *buffer) {
  free(buffer->data);
  buffer->data = NULL;
  buffer->bytes = 0;
}
