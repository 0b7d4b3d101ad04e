//===- mock_library.c - a compiled library written by hand --------------------===//
//
// Exports the table of thresh/abi.h, so that the runtime is tested without the compiler. Entries:
//   main       sum[batch, 4] = x[batch, 4] + y[batch, 4] + w[4], rows = batch; w are the weights, 0 without any
//   fill       out[n, 4] = x[n] + c[n] + s[4] + o[], where c (f32, 3), s (f16, -2) and o (i64, 7) are optional
//   misbehave  does the wrong that its scalar input `mode` names
//   copy_T     y[n] = x[n], for each dtype T
//   unbound    has an optional input whose dimension no other input has
// The build sets, where it wants other than the default:
//   MOCK_WEIGHTS       0 none, 1 embedded, 2 in "mock.weights.safetensors"
//   MOCK_ABI_VERSION, MOCK_CPU_FEATURES (of the first variant)
//
//===-------------------------------------------------------------------------===//
#include "thresh/abi.h"

#include <stddef.h>
#include <string.h>

#ifndef MOCK_WEIGHTS
#define MOCK_WEIGHTS 0
#endif
#ifndef MOCK_ABI_VERSION
#define MOCK_ABI_VERSION THRESH_ABI_VERSION
#endif
#ifndef MOCK_CPU_FEATURES
#define MOCK_CPU_FEATURES 0
#endif

#define EXPORT __attribute__((visibility("default")))

/// Called in the middle of mode CALL_HOOK, for a test to look at a session that runs.
EXPORT void (*mock_hook)(void);

static int run_tasks(void *user_context, thresh_abi_task task, int min, int size, uint8_t *closure) {
  for (int i = 0; i < size; ++i) {
    int result = task(user_context, min + i, closure);
    if (result)
      return result;
  }
  return 0;
}

static thresh_abi_par_for par_for = run_tasks;

static thresh_abi_par_for set_par_for(thresh_abi_par_for wanted) {
  thresh_abi_par_for previous = par_for;
  par_for = wanted;
  return previous;
}

//===-------------------------------------------------------------------------===//
// main
//===-------------------------------------------------------------------------===//

typedef struct sum_rows {
  const float *x, *y, *w;
  float *sum;
} sum_rows;

static int sum_row(void *user_context, int row, uint8_t *closure) {
  (void)user_context;
  const sum_rows *rows = (const sum_rows *)closure;
  for (int i = row * 4; i < row * 4 + 4; ++i)
    rows->sum[i] = rows->x[i] + rows->y[i] + (rows->w ? rows->w[i % 4] : 0);
  return 0;
}

static int32_t run_main(const thresh_abi_call *call) {
  int64_t batch = call->inputs[0].shape[0];
  size_t bytes = (size_t)batch * 4 * sizeof(float);
  float *scratch = call->arena(call->context, (int64_t)bytes);
  float *sum = scratch ? call->output(call->context, 0, (const int64_t[]){batch, 4}) : NULL;
  int64_t *rows = sum ? call->output(call->context, 1, NULL) : NULL;
  if (!rows)
    return 1;
  sum_rows closure = {call->inputs[0].data, call->inputs[1].data, (const float *)call->weights, scratch};
  if (par_for(NULL, sum_row, 0, (int)batch, (uint8_t *)&closure))
    return 1;
  if (call->launched)
    call->launched(call->context, 0);
  memcpy(sum, scratch, bytes);
  *rows = batch;
  return 0;
}

//===-------------------------------------------------------------------------===//
// fill
//===-------------------------------------------------------------------------===//

__extension__ typedef _Float16 half;

static int32_t run_fill(const thresh_abi_call *call) {
  int64_t n = call->inputs[0].shape[0];
  float *out = call->output(call->context, 0, (const int64_t[]){n, 4});
  if (!out)
    return 1;
  const float *x = call->inputs[0].data, *c = call->inputs[1].data;
  const half *s = call->inputs[2].data;
  const int64_t *o = call->inputs[3].data;
  if (call->inputs[1].shape[0] != n || call->inputs[2].shape[0] != 4)
    return 1;
  for (int64_t i = 0; i < n * 4; ++i)
    out[i] = x[i / 4] + c[i / 4] + (float)s[i % 4] + (float)*o;
  return 0;
}

//===-------------------------------------------------------------------------===//
// misbehave
//===-------------------------------------------------------------------------===//

enum {
  BEHAVE,
  FAIL,
  FAIL_WITHOUT_REASON,
  MAKE_NO_OUTPUT,
  ASK_FOR_TWO_ARENAS,
  ASK_FOR_NEGATIVE_ARENA,
  ASK_FOR_HUGE_ARENA,
  ASK_FOR_UNKNOWN_OUTPUT,
  ASK_FOR_NEGATIVE_OUTPUT,
  ASK_FOR_HUGE_OUTPUT,
  CALL_HOOK,
};

static int32_t make_output(const thresh_abi_call *call, int32_t index, int64_t extent) {
  return call->output(call->context, index, &extent) ? 0 : 1;
}

static int32_t run_misbehave(const thresh_abi_call *call) {
  int64_t mode = *(const int64_t *)call->inputs[0].data;
  switch (mode) {
  case FAIL: call->fail(call->context, "index %lld is out of range 0 to %lld", 30522, 30521); return 1;
  case FAIL_WITHOUT_REASON: return 7;
  case MAKE_NO_OUTPUT: return 0;
  case ASK_FOR_TWO_ARENAS: return call->arena(call->context, 8) && call->arena(call->context, 8) ? 0 : 1;
  case ASK_FOR_NEGATIVE_ARENA: return call->arena(call->context, -1) ? 0 : 1;
  case ASK_FOR_HUGE_ARENA: return call->arena(call->context, INT64_C(1) << 60) ? 0 : 1;
  case ASK_FOR_UNKNOWN_OUTPUT: return make_output(call, 9, 1);
  case ASK_FOR_NEGATIVE_OUTPUT: return make_output(call, 0, -1);
  case ASK_FOR_HUGE_OUTPUT: return make_output(call, 0, INT64_C(1) << 58);
  case CALL_HOOK: mock_hook(); break;
  default: break;
  }
  return make_output(call, 0, 3);
}

//===-------------------------------------------------------------------------===//
// copy_T
//===-------------------------------------------------------------------------===//

static int32_t copy(const thresh_abi_call *call, size_t element_bytes) {
  void *y = call->output(call->context, 0, call->inputs[0].shape);
  if (!y)
    return 1;
  memcpy(y, call->inputs[0].data, (size_t)call->inputs[0].shape[0] * element_bytes);
  return 0;
}

static int32_t copy_1(const thresh_abi_call *call) { return copy(call, 1); }
static int32_t copy_2(const thresh_abi_call *call) { return copy(call, 2); }
static int32_t copy_4(const thresh_abi_call *call) { return copy(call, 4); }
static int32_t copy_8(const thresh_abi_call *call) { return copy(call, 8); }

//===-------------------------------------------------------------------------===//
// The table
//===-------------------------------------------------------------------------===//

static const int64_t rows_shape[] = {-1, 4}, dynamic_shape[] = {-1}, four_shape[] = {4};
static const char *const rows_dims[] = {"batch", NULL}, *const dynamic_dims[] = {"n"}, *const static_dims[] = {NULL};
static const char *const columns_dims[] = {"n", NULL}, *const unknown_dims[] = {"m"};

static const thresh_abi_tensor main_inputs[] = {
    {"x", THRESH_F32, 2, rows_shape, rows_dims},
    {"y", THRESH_F32, 2, rows_shape, rows_dims},
};
static const thresh_abi_tensor main_outputs[] = {
    {"sum", THRESH_F32, 2, rows_shape, rows_dims},
    {"rows", THRESH_I64, 0, NULL, NULL},
};
static const thresh_abi_tensor fill_inputs[] = {
    {"x", THRESH_F32, 1, dynamic_shape, dynamic_dims},
    {"c", THRESH_F32, 1, dynamic_shape, dynamic_dims, .optional = 1, .default_value = 3},
    {"s", THRESH_F16, 1, four_shape, static_dims, .optional = 1, .default_value = -2},
    {"o", THRESH_I64, 0, NULL, NULL, .optional = 1, .default_value = 7},
};
static const thresh_abi_tensor fill_outputs[] = {{"out", THRESH_F32, 2, rows_shape, columns_dims}};
static const thresh_abi_tensor unbound_inputs[] = {
    {"x", THRESH_F32, 1, dynamic_shape, dynamic_dims},
    {"u", THRESH_F32, 1, dynamic_shape, unknown_dims, .optional = 1},
};
static const thresh_abi_tensor misbehave_inputs[] = {{"mode", THRESH_I64, 0, NULL, NULL}};
static const thresh_abi_tensor misbehave_outputs[] = {{"out", THRESH_F32, 1, dynamic_shape, dynamic_dims}};

// dtype number, suffix, bytes
#define FOR_EACH_DTYPE(DO)                                                                                             \
  DO(F32, f32, 4)                                                                                                      \
  DO(F64, f64, 8)                                                                                                      \
  DO(F16, f16, 2)                                                                                                      \
  DO(BF16, bf16, 2)                                                                                                    \
  DO(I8, i8, 1)                                                                                                        \
  DO(U8, u8, 1) DO(I16, i16, 2) DO(U16, u16, 2) DO(I32, i32, 4) DO(U32, u32, 4) DO(I64, i64, 8) DO(U64, u64, 8)        \
      DO(BOOL, bool, 1)

#define COPY_TENSORS(DTYPE, suffix, bytes)                                                                             \
  static const thresh_abi_tensor copy_##suffix##_inputs[] = {{"x", THRESH_##DTYPE, 1, dynamic_shape, dynamic_dims}};   \
  static const thresh_abi_tensor copy_##suffix##_outputs[] = {{"y", THRESH_##DTYPE, 1, dynamic_shape, dynamic_dims}};
FOR_EACH_DTYPE(COPY_TENSORS)

#define COPY_ENTRY(DTYPE, suffix, bytes)                                                                               \
  {"copy_" #suffix, 1, 1, copy_##suffix##_inputs, copy_##suffix##_outputs, -1, 0, 0},
static const thresh_abi_entry entries[] = {
    {"main", 2, 2, main_inputs, main_outputs, -1, 0, 0},
    {"misbehave", 1, 1, misbehave_inputs, misbehave_outputs, -1, 0, 0},
    FOR_EACH_DTYPE(COPY_ENTRY){"fill", 4, 1, fill_inputs, fill_outputs, -1, 0, 0},
    {"unbound", 2, 1, unbound_inputs, misbehave_outputs, -1, 0, 0}};

#define COPY_FUNCTION(DTYPE, suffix, bytes) copy_##bytes,
static const thresh_abi_function functions[] = {run_main, run_misbehave, FOR_EACH_DTYPE(COPY_FUNCTION) run_fill,
                                                run_misbehave};

static const thresh_abi_variant variants[] = {
    {"mock-best", MOCK_CPU_FEATURES, functions},
#if !MOCK_CPU_FEATURES
    {"mock-future", UINT64_C(1) << 63, functions},
    {"mock-plain", 0, functions},
#endif
};

#if MOCK_WEIGHTS == 1
static const _Alignas(4096) float embedded[4] = {1, 2, 3, 4};
#endif

EXPORT const thresh_abi_library thresh_library = {
    .abi_version = MOCK_ABI_VERSION,
    .num_entries = sizeof entries / sizeof entries[0],
    .entries = entries,
    .num_variants = sizeof variants / sizeof variants[0],
    .variants = variants,
    .metadata = "{\"made\": \"by hand\"}",
#if MOCK_WEIGHTS == 1
    .weights_embedded = (const uint8_t *)embedded,
    .weights_bytes = sizeof embedded,
#elif MOCK_WEIGHTS == 2
    // {"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}} and spaces up to 4088 bytes, after the length.
    .weights_file = "mock.weights.safetensors",
    .weights_bytes = 16,
    .weights_header_bytes = 4096,
    .weights_id = UINT64_C(0x684ce8b8f6679725),
#endif
    .set_par_for = set_par_for,
};
