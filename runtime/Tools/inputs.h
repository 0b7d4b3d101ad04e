//===- inputs.h - the inputs of a run, from files and random numbers ----------===//
#ifndef THRESH_RUNTIME_TOOLS_INPUTS_H
#define THRESH_RUNTIME_TOOLS_INPUTS_H

#include "thresh/thresh.h"

#ifdef __cplusplus
extern "C" {
#endif

/// "NAME=FILE".
typedef struct thresh_named_file {
  char *name;
  char *path;
} thresh_named_file;

/// "NAME=N"; a NULL name stands for all.
typedef struct thresh_named_number {
  char *name;
  int64_t number;
} thresh_named_number;

/// Where inputs come from. Zero-initialise; the arrays belong to the caller.
typedef struct thresh_input_sources {
  const thresh_named_file *files; ///< .npy files, by the name of the input
  int num_files;
  int random;                      ///< nonzero: inputs without a file are random; zero: they are an error
  uint64_t seed;                   ///< equal seeds make equal numbers for an input, whatever the other inputs
  const thresh_named_number *dims; ///< extents by dimension name; what is not named here or by a file is 1
  int num_dims;
  const thresh_named_number *maxima; ///< largest random integer by input; the last match counts, the default is 1
  int num_maxima;
} thresh_input_sources;

/// Makes the inputs of `entry`, with names; `inputs` has room for all that are declared and `*count` says how many
/// there are: an optional one without a file is left out. The caller frees them with thresh_inputs_free. Floats are
/// uniform in [-1, 1), integers in [0, maximum], which is at most the largest of their dtype, booleans 0 or 1. On
/// failure nothing is left to free.
thresh_code thresh_inputs_make(const thresh_entry_info *entry, const thresh_input_sources *sources,
                               thresh_input *inputs, int32_t *count, thresh_status *status);

/// Frees the data of inputs made by thresh_inputs_make.
void thresh_inputs_free(thresh_input *inputs, int32_t count);

#ifdef __cplusplus
}
#endif

#endif // THRESH_RUNTIME_TOOLS_INPUTS_H
