//===- defaults.h - inputs that the caller left out ---------------------------===//
#ifndef THRESH_RUNTIME_SRC_DEFAULTS_H
#define THRESH_RUNTIME_SRC_DEFAULTS_H

#include "buffer.h"
#include "signature.h"

/// The tensor of one optional input, kept from run to run. Zero-initialise; end by freeing `memory`.
typedef struct thresh_default {
  thresh_buffer memory;
  size_t filled; ///< bytes at the start of `memory` that hold the default value
  int64_t shape[THRESH_MAX_RANK];
} thresh_default;

/// Makes the tensor of optional input `index` with the extents that `bindings` holds and points `view` at it.
/// Nothing is allocated or written when a run before was as large. Fails when no given input binds a dimension.
thresh_code thresh_default_make(const thresh_entry_info *entry, const thresh_symbols *symbols, int32_t index,
                                const thresh_binding *bindings, thresh_default *tensor, thresh_abi_view *view,
                                thresh_status *status);

#endif // THRESH_RUNTIME_SRC_DEFAULTS_H
