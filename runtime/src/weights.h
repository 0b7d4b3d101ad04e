//===- weights.h - the packed weights of a library ----------------------------===//
#ifndef THRESH_RUNTIME_SRC_WEIGHTS_H
#define THRESH_RUNTIME_SRC_WEIGHTS_H

#include "thresh/thresh.h"

/// Where the weights are. Zero-initialise; end with thresh_weights_close.
typedef struct thresh_weights {
  const uint8_t *data; ///< 4096-byte aligned; NULL when the library has none
  void *mapping;       ///< the mapped file, NULL when embedded
  size_t mapping_bytes;
} thresh_weights;

/// Finds the weights of `table`: embedded, or mapped from `override_path`, or, when that is NULL, from the file
/// that the table names, in the folder of `library_path`. A file must have the size, the header length and the
/// header that the library was compiled with.
thresh_code thresh_weights_open(const thresh_abi_library *table, const char *library_path, const char *override_path,
                                thresh_weights *weights, thresh_status *status);

void thresh_weights_close(thresh_weights *weights);

#endif // THRESH_RUNTIME_SRC_WEIGHTS_H
