//===- print.c - a tensor on one line -----------------------------------------===//
#include "runtime/Tools/print.h"

#include "runtime/src/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_VALUES = 8 };

static double half_value(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 0x3ff;
  double magnitude = exponent == 31  ? (mantissa ? (double)NAN : (double)INFINITY)
                     : exponent == 0 ? ldexp(mantissa, -24)
                                     : ldexp(mantissa + 1024, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static double bfloat_value(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

/// Element `index`; 64-bit integers above 2^53 are rounded.
static double element(const thresh_output *output, size_t index) {
  const void *data = output->data;
  switch (output->dtype) {
  case THRESH_F32: return ((const float *)data)[index];
  case THRESH_F64: return ((const double *)data)[index];
  case THRESH_F16: return half_value(((const uint16_t *)data)[index]);
  case THRESH_BF16: return bfloat_value(((const uint16_t *)data)[index]);
  case THRESH_I8: return ((const int8_t *)data)[index];
  case THRESH_U8:
  case THRESH_BOOL: return ((const uint8_t *)data)[index];
  case THRESH_I16: return ((const int16_t *)data)[index];
  case THRESH_U16: return ((const uint16_t *)data)[index];
  case THRESH_I32: return ((const int32_t *)data)[index];
  case THRESH_U32: return ((const uint32_t *)data)[index];
  case THRESH_I64: return (double)((const int64_t *)data)[index];
  case THRESH_U64: return (double)((const uint64_t *)data)[index];
  }
  return 0;
}

void thresh_print_output(const char *name, const thresh_output *output) {
  thresh_text shape = {0};
  thresh_text_append_shape(&shape, output->shape, output->rank);
  printf("%s: %s %s", name, thresh_dtype_name(output->dtype), shape.chars);
  size_t count = output->bytes / thresh_dtype_size(output->dtype), numbers = 0;
  double least = 0, most = 0, sum = 0;
  for (size_t i = 0; i < count; ++i) {
    double value = element(output, i);
    if (isnan(value))
      continue;
    least = !numbers || value < least ? value : least;
    most = !numbers || value > most ? value : most;
    sum += value;
    ++numbers;
  }
  if (numbers)
    printf(" min %.9g max %.9g mean %.9g", least, most, sum / (double)numbers);
  if (numbers < count)
    printf(" NaN %zu", count - numbers);
  printf(count ? " values" : " empty");
  for (size_t i = 0; i < count && i < MAX_VALUES; ++i)
    printf(" %.9g", element(output, i));
  printf(count > MAX_VALUES ? " ...\n" : "\n");
}
