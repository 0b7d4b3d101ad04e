//===- inputs.c - the inputs of a run, from files and random numbers ----------===//
#include "runtime/Tools/inputs.h"

#include "runtime/Tools/npy.h"
#include "runtime/src/random.h"
#include "runtime/src/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

//===-------------------------------------------------------------------------===//
// Names
//===-------------------------------------------------------------------------===//

static int32_t find_input(const thresh_entry_info *entry, const char *name) {
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    if (!strcmp(entry->inputs[i].name, name))
      return i;
  return -1;
}

static int has_dim(const thresh_tensor_info *info, const char *name) {
  for (int32_t d = 0; d < info->rank; ++d)
    if (info->shape[d] < 0 && !strcmp(info->dim_symbols[d], name))
      return 1;
  return 0;
}

static thresh_code no_such_input(const thresh_entry_info *entry, const char *name, thresh_status *status) {
  thresh_text names = {0};
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    thresh_text_append(&names, "%s'%s'", i ? ", " : "", entry->inputs[i].name);
  return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "entry '%s' has no input '%s'; it has %s", entry->name,
                           name, entry->num_inputs ? names.chars : "none");
}

static thresh_code no_such_dim(const thresh_entry_info *entry, const char *name, thresh_status *status) {
  thresh_text names = {0};
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    for (int32_t d = 0; d < entry->inputs[i].rank; ++d)
      if (entry->inputs[i].shape[d] < 0 && !strstr(names.chars, entry->inputs[i].dim_symbols[d]))
        thresh_text_append(&names, "%s'%s'", names.length ? ", " : "", entry->inputs[i].dim_symbols[d]);
  return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "entry '%s' has no dimension '%s'; it has %s", entry->name,
                           name, names.length ? names.chars : "none");
}

/// Checks that every name and number in `sources` means something for `entry`.
static thresh_code check_sources(const thresh_entry_info *entry, const thresh_input_sources *sources,
                                 thresh_status *status) {
  for (int i = 0; i < sources->num_files; ++i) {
    if (find_input(entry, sources->files[i].name) < 0)
      return no_such_input(entry, sources->files[i].name, status);
    for (int j = 0; j < i; ++j)
      if (!strcmp(sources->files[i].name, sources->files[j].name))
        return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "input '%s' is given twice", sources->files[i].name);
  }
  for (int i = 0; i < sources->num_dims; ++i) {
    int known = 0;
    for (int32_t j = 0; j < entry->num_inputs; ++j)
      known |= has_dim(&entry->inputs[j], sources->dims[i].name);
    if (!known)
      return no_such_dim(entry, sources->dims[i].name, status);
    if (sources->dims[i].number < 0)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "dimension '%s' expects an extent of 0 or more, but got %" PRId64, sources->dims[i].name,
                               sources->dims[i].number);
    for (int j = 0; j < i; ++j)
      if (!strcmp(sources->dims[i].name, sources->dims[j].name))
        return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "dimension '%s' is given twice",
                                 sources->dims[i].name);
  }
  for (int i = 0; i < sources->num_maxima; ++i) {
    if (sources->maxima[i].name && find_input(entry, sources->maxima[i].name) < 0)
      return no_such_input(entry, sources->maxima[i].name, status);
    if (sources->maxima[i].number < 0)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "the largest random integer expects 0 or more, but got %" PRId64,
                               sources->maxima[i].number);
  }
  return THRESH_OK;
}

//===-------------------------------------------------------------------------===//
// Random numbers
//===-------------------------------------------------------------------------===//

/// Uniform multiples of 2^-bits in [-1, 1).
static double next_float(uint64_t *state, int bits) {
  uint64_t steps = (uint64_t)1 << bits;
  return (double)(thresh_random_next(state) >> (63 - bits)) / (double)steps - 1.0;
}

/// The half-precision bits of a multiple of 2^-10 in [-1, 1].
static uint16_t half_bits(double value) {
  unsigned sign = value < 0 ? 0x8000u : 0;
  unsigned steps = (unsigned)((value < 0 ? -value : value) * 1024);
  if (!steps)
    return (uint16_t)sign;
  unsigned top = 31 - (unsigned)__builtin_clz(steps);
  return (uint16_t)(sign | (top + 5) << 10 | ((steps << (10 - top)) & 0x3ff));
}

static void write_float(thresh_dtype dtype, void *to, uint64_t *state) {
  if (dtype == THRESH_F64) {
    double value = next_float(state, 52);
    memcpy(to, &value, sizeof value);
  } else if (dtype == THRESH_F16) {
    uint16_t bits = half_bits(next_float(state, 10));
    memcpy(to, &bits, sizeof bits);
  } else {
    float value = (float)next_float(state, dtype == THRESH_BF16 ? 7 : 23);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t upper = (uint16_t)(bits >> 16);
    if (dtype == THRESH_BF16)
      memcpy(to, &upper, sizeof upper);
    else
      memcpy(to, &value, sizeof value);
  }
}

/// Largest value of an integer dtype that an int64_t holds.
static int64_t integer_limit(thresh_dtype dtype) {
  static const int64_t limits[] = {
      [THRESH_I8] = INT8_MAX,    [THRESH_U8] = UINT8_MAX,  [THRESH_I16] = INT16_MAX,
      [THRESH_U16] = UINT16_MAX, [THRESH_I32] = INT32_MAX, [THRESH_U32] = UINT32_MAX,
      [THRESH_I64] = INT64_MAX,  [THRESH_U64] = INT64_MAX, [THRESH_BOOL] = 1,
  };
  return limits[dtype];
}

static void fill_random(thresh_dtype dtype, uint8_t *data, size_t bytes, uint64_t state, int64_t maximum) {
  size_t size = thresh_dtype_size(dtype);
  int is_float = dtype == THRESH_F32 || dtype == THRESH_F64 || dtype == THRESH_F16 || dtype == THRESH_BF16;
  int64_t limit = is_float ? 0 : integer_limit(dtype);
  uint64_t range = (uint64_t)(dtype == THRESH_BOOL ? 1 : maximum < limit ? maximum : limit) + 1;
  for (size_t i = 0; i < bytes; i += size) {
    if (is_float) {
      write_float(dtype, data + i, &state);
    } else {
      uint64_t value = thresh_random_next(&state) % range;
      memcpy(data + i, &value, size); // little-endian: the low bytes come first
    }
  }
}

//===-------------------------------------------------------------------------===//
// Inputs
//===-------------------------------------------------------------------------===//

static thresh_code read_file(const thresh_named_file *source, thresh_input *input, thresh_status *status) {
  thresh_npy_array array;
  thresh_code code = thresh_npy_read(source->path, &array, status);
  if (code != THRESH_OK)
    return code;
  input->dtype = array.dtype;
  input->rank = array.rank;
  memcpy(input->shape, array.shape, sizeof array.shape);
  input->data = array.data;
  input->bytes = array.bytes;
  return THRESH_OK;
}

/// The extent of dimension name `name`: what an input read from a file has, else what `sources` says, else 1.
static int64_t find_extent(const thresh_entry_info *entry, const thresh_input_sources *sources,
                           const thresh_input *inputs, const char *name) {
  for (int32_t i = 0; i < entry->num_inputs; ++i) {
    const thresh_tensor_info *info = &entry->inputs[i];
    for (int32_t d = 0; inputs[i].data && inputs[i].rank == info->rank && d < info->rank; ++d)
      if (info->shape[d] < 0 && !strcmp(info->dim_symbols[d], name))
        return inputs[i].shape[d];
  }
  for (int i = 0; i < sources->num_dims; ++i)
    if (!strcmp(sources->dims[i].name, name))
      return sources->dims[i].number;
  return 1;
}

static thresh_code make_random(const thresh_entry_info *entry, const thresh_input_sources *sources, int32_t index,
                               thresh_input *inputs, thresh_status *status) {
  const thresh_tensor_info *info = &entry->inputs[index];
  thresh_input *input = &inputs[index];
  if (!sources->random)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "input '%s' is missing: expects --input %s=FILE or --random SEED", info->name, info->name);
  input->dtype = (thresh_dtype)info->dtype;
  input->rank = info->rank;
  for (int32_t d = 0; d < info->rank; ++d)
    input->shape[d] = info->shape[d] >= 0 ? info->shape[d] : find_extent(entry, sources, inputs, info->dim_symbols[d]);
  size_t bytes = 0;
  void *data = NULL;
  if (!thresh_tensor_bytes(input->dtype, input->shape, input->rank, &bytes) && bytes < SIZE_MAX / 2)
    data = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (!data) {
    thresh_text shape = {0};
    thresh_text_append_shape(&shape, input->shape, input->rank);
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for input '%s' of shape %s", info->name,
                             shape.chars);
  }
  int64_t maximum = 1;
  for (int i = 0; i < sources->num_maxima; ++i)
    if (!sources->maxima[i].name || !strcmp(sources->maxima[i].name, info->name))
      maximum = sources->maxima[i].number;
  uint64_t state = sources->seed;
  for (const char *c = info->name; *c; ++c)
    state = (state ^ (unsigned char)*c) * 0x100000001b3u;
  fill_random(input->dtype, data, bytes, state, maximum);
  input->data = data;
  input->bytes = bytes;
  return THRESH_OK;
}

thresh_code thresh_inputs_make(const thresh_entry_info *entry, const thresh_input_sources *sources,
                               thresh_input *inputs, int32_t *count, thresh_status *status) {
  memset(inputs, 0, sizeof *inputs * (size_t)entry->num_inputs);
  *count = 0;
  thresh_code code = check_sources(entry, sources, status);
  for (int i = 0; code == THRESH_OK && i < sources->num_files; ++i)
    code = read_file(&sources->files[i], &inputs[find_input(entry, sources->files[i].name)], status);
  // Random inputs take extents from files only, so that a contradiction is between a file and --dim.
  for (int i = 0; code == THRESH_OK && i < sources->num_dims; ++i) {
    int64_t extent = find_extent(entry, sources, inputs, sources->dims[i].name);
    if (extent != sources->dims[i].number)
      code = thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "dimension '%s' expects %" PRId64 " as in the files, but got %" PRId64,
                               sources->dims[i].name, extent, sources->dims[i].number);
  }
  for (int32_t i = 0; code == THRESH_OK && i < entry->num_inputs; ++i) {
    if (!inputs[i].data && !entry->inputs[i].optional)
      code = make_random(entry, sources, i, inputs, status);
    inputs[i].name = entry->inputs[i].name;
  }
  if (code != THRESH_OK) {
    thresh_inputs_free(inputs, entry->num_inputs);
    return code;
  }
  for (int32_t i = 0; i < entry->num_inputs; ++i)
    if (inputs[i].data)
      inputs[(*count)++] = inputs[i];
  return thresh_status_ok(status);
}

void thresh_inputs_free(thresh_input *inputs, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    free((void *)inputs[i].data);
    inputs[i].data = NULL;
  }
}
