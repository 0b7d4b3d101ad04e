//===- npy.h - NumPy's .npy files ---------------------------------------------===//
//
// Versions 1 to 3, little-endian, C order, the dtypes of thresh_dtype. NumPy has no bfloat16: it is written as '<V2',
// as the ml_dtypes package does, and '<V2' and '|V2' are read as bfloat16.
//
//===-------------------------------------------------------------------------===//
#ifndef THRESH_RUNTIME_TOOLS_NPY_H
#define THRESH_RUNTIME_TOOLS_NPY_H

#include "runtime/Tools/staged_file.h"
#include "thresh/thresh.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A dense, row-major array.
typedef struct thresh_npy_array {
  thresh_dtype dtype;
  int32_t rank;
  int64_t shape[THRESH_MAX_RANK];
  void *data; ///< 64-byte aligned; never NULL after a read
  size_t bytes;
} thresh_npy_array;

/// Reads the file at `path`. On success the caller owns `array->data` and gives it to free(). A file that is not
/// exactly one whole array is THRESH_FILE_ERROR, with a message that names it and what it expects.
thresh_code thresh_npy_read(const char *path, thresh_npy_array *array, thresh_status *status);

/// Writes `array` to a staged file for `path` and finishes it; the caller commits or discards `file`. On failure
/// `file` needs nothing.
thresh_code thresh_npy_stage(const char *path, const thresh_npy_array *array, thresh_staged_file *file,
                             thresh_status *status);

#ifdef __cplusplus
}
#endif

#endif // THRESH_RUNTIME_TOOLS_NPY_H
