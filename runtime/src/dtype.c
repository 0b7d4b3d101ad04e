//===- dtype.c - sizes and names of element types; version --------------------===//
#include "thresh/thresh.h"

static const struct {
  const char *name;
  size_t size;
} dtypes[] = {
    [THRESH_F32] = {"f32", 4},   [THRESH_F64] = {"f64", 8}, [THRESH_F16] = {"f16", 2}, [THRESH_BF16] = {"bf16", 2},
    [THRESH_I8] = {"i8", 1},     [THRESH_U8] = {"u8", 1},   [THRESH_I16] = {"i16", 2}, [THRESH_U16] = {"u16", 2},
    [THRESH_I32] = {"i32", 4},   [THRESH_U32] = {"u32", 4}, [THRESH_I64] = {"i64", 8}, [THRESH_U64] = {"u64", 8},
    [THRESH_BOOL] = {"bool", 1},
};

static int is_dtype(thresh_dtype dtype) { return (size_t)dtype < sizeof dtypes / sizeof dtypes[0]; }

size_t thresh_dtype_size(thresh_dtype dtype) { return is_dtype(dtype) ? dtypes[dtype].size : 0; }

const char *thresh_dtype_name(thresh_dtype dtype) { return is_dtype(dtype) ? dtypes[dtype].name : "unknown"; }

const char *thresh_version(void) { return THRESH_VERSION; }
