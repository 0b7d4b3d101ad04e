//===- npy.c - NumPy's .npy files ---------------------------------------------===//
//
// The layout: "\x93NUMPY", major and minor version, the header's length (2 bytes in version 1, 4 later), the header:
// a Python dict literal with the keys 'descr', 'fortran_order' and 'shape', then the data.
//
//===-------------------------------------------------------------------------===//
#include "runtime/Tools/npy.h"

#include "runtime/src/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "\x93NUMPY";

enum {
  MAGIC_BYTES = sizeof magic - 1,
  MAX_HEADER = 1 << 16, ///< far above what the supported dtypes and ranks need
  HEADER_ALIGNMENT = 64,
};

/// Type strings; the first of a dtype is the one that is written.
static const struct {
  const char *text;
  thresh_dtype dtype;
} type_strings[] = {
    {"<f4", THRESH_F32},  {"<f8", THRESH_F64},  {"<f2", THRESH_F16}, {"<V2", THRESH_BF16}, {"|V2", THRESH_BF16},
    {"|i1", THRESH_I8},   {"<i1", THRESH_I8},   {"|u1", THRESH_U8},  {"<u1", THRESH_U8},   {"<i2", THRESH_I16},
    {"<u2", THRESH_U16},  {"<i4", THRESH_I32},  {"<u4", THRESH_U32}, {"<i8", THRESH_I64},  {"<u8", THRESH_U64},
    {"|b1", THRESH_BOOL}, {"<b1", THRESH_BOOL},
};

enum { NUM_TYPE_STRINGS = sizeof type_strings / sizeof type_strings[0] };

//===-------------------------------------------------------------------------===//
// The header's text
//===-------------------------------------------------------------------------===//

/// What is left of the header, and the first fault met.
typedef struct header_text {
  const char *at;
  const char *end;
  const char *fault;
} header_text;

static void skip_space(header_text *text) {
  while (text->at < text->end && strchr(" \t\r\n", *text->at) && *text->at)
    ++text->at;
}

/// Takes `character` after spaces; returns 0 when something else is there.
static int take(header_text *text, char character) {
  skip_space(text);
  if (text->at == text->end || *text->at != character)
    return 0;
  ++text->at;
  return 1;
}

static int take_word(header_text *text, const char *word) {
  size_t length = strlen(word);
  skip_space(text);
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length))
    return 0;
  text->at += length;
  return 1;
}

static void expect(header_text *text, int condition, const char *fault) {
  if (!condition && !text->fault)
    text->fault = fault;
}

/// Takes a quoted string of at most 15 characters without escapes.
static void take_string(header_text *text, char string[16]) {
  string[0] = '\0';
  char quote = take(text, '\'') ? '\'' : take(text, '"') ? '"' : '\0';
  if (!quote) {
    expect(text, 0, "expects a quoted string");
    return;
  }
  size_t length = 0;
  while (text->at < text->end && *text->at != quote && length < 15)
    string[length++] = *text->at++;
  string[length] = '\0';
  expect(text, take(text, quote), "has a string without end");
}

static void take_dtype(header_text *text, thresh_npy_array *array) {
  char string[16];
  skip_space(text);
  if (text->at < text->end && *text->at == '[') {
    expect(text, 0, "expects a plain dtype, but got a structured one");
    return;
  }
  take_string(text, string);
  for (int i = 0; i < NUM_TYPE_STRINGS; ++i)
    if (!strcmp(string, type_strings[i].text)) {
      array->dtype = type_strings[i].dtype;
      return;
    }
  expect(text, string[0] != '>', "expects little-endian data, but got big-endian");
  expect(text, 0, "has an unsupported dtype");
}

static void take_order(header_text *text) {
  if (take_word(text, "True"))
    expect(text, 0, "expects C order, but got Fortran order");
  else
    expect(text, take_word(text, "False"), "expects True or False for 'fortran_order'");
}

static int64_t take_extent(header_text *text) {
  int64_t extent = 0;
  int digits = 0;
  for (skip_space(text); text->at < text->end && *text->at >= '0' && *text->at <= '9'; ++text->at, ++digits)
    if (__builtin_mul_overflow(extent, 10, &extent) || __builtin_add_overflow(extent, *text->at - '0', &extent)) {
      expect(text, 0, "has an extent above 2^63");
      return 0;
    }
  expect(text, digits > 0, "expects extents of 0 or more");
  return extent;
}

static void take_shape(header_text *text, thresh_npy_array *array) {
  array->rank = 0;
  expect(text, take(text, '('), "expects a tuple for 'shape'");
  while (!text->fault && !take(text, ')')) {
    if (array->rank == THRESH_MAX_RANK) {
      expect(text, 0, "expects a rank of at most 8");
      return;
    }
    array->shape[array->rank++] = take_extent(text);
    if (!take(text, ',')) {
      expect(text, take(text, ')'), "has a tuple without end");
      return;
    }
  }
}

/// Parses the dict literal; returns what is wrong with it, or NULL.
static const char *parse_header(header_text *text, thresh_npy_array *array) {
  enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
  int seen = 0;
  expect(text, take(text, '{'), "expects a dict");
  while (!text->fault && !take(text, '}')) {
    char key[16];
    take_string(text, key);
    int which = !strcmp(key, "descr")           ? DESCR
                : !strcmp(key, "fortran_order") ? ORDER
                : !strcmp(key, "shape")         ? SHAPE
                                                : 0;
    expect(text, which && !(seen & which), "expects the keys 'descr', 'fortran_order' and 'shape', once each");
    expect(text, take(text, ':'), "expects ':' after a key");
    if (text->fault)
      break;
    seen |= which;
    if (which == DESCR)
      take_dtype(text, array);
    else if (which == ORDER)
      take_order(text);
    else
      take_shape(text, array);
    if (!take(text, ',')) {
      expect(text, take(text, '}'), "expects ',' or '}' after a value");
      break;
    }
  }
  expect(text, seen == ALL, "expects the keys 'descr', 'fortran_order' and 'shape', once each");
  skip_space(text);
  expect(text, text->at == text->end, "expects nothing after the dict");
  return text->fault;
}

//===-------------------------------------------------------------------------===//
// Reading
//===-------------------------------------------------------------------------===//

__attribute__((format(printf, 3, 4))) static thresh_code damaged(thresh_status *status, const char *path,
                                                                 const char *format, ...) {
  thresh_text reason = {0};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason.chars, sizeof reason.chars, format, arguments);
  va_end(arguments);
  return thresh_status_set(status, THRESH_FILE_ERROR, "damaged .npy file '%s': %s", path, reason.chars);
}

/// Reads the parts before the data; `*data_offset` is where the data begins.
static thresh_code read_header(FILE *stream, const char *path, thresh_npy_array *array, uint64_t *data_offset,
                               thresh_status *status) {
  unsigned char prefix[12];
  if (fread(prefix, 1, MAGIC_BYTES + 2, stream) != MAGIC_BYTES + 2 || memcmp(prefix, magic, MAGIC_BYTES))
    return thresh_status_set(status, THRESH_FILE_ERROR, "'%s' is not a .npy file", path);
  int major = prefix[MAGIC_BYTES];
  if (major < 1 || major > 3)
    return damaged(status, path, "expects version 1, 2 or 3, but got %d", major);
  unsigned char *field = prefix + MAGIC_BYTES + 2;
  size_t field_bytes = major == 1 ? 2 : 4;
  if (fread(field, 1, field_bytes, stream) != field_bytes)
    return damaged(status, path, "cut short in the header's length");
  uint32_t length = 0;
  for (size_t i = field_bytes; i > 0; --i)
    length = length << 8 | field[i - 1];
  if (length > MAX_HEADER)
    return damaged(status, path, "expects a header of at most %d bytes, but got %u", MAX_HEADER, length);
  char *header = malloc((size_t)length + 1);
  if (!header)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for '%s'", path);
  thresh_code code = THRESH_OK;
  header_text text = {header, header + length, NULL};
  if (fread(header, 1, length, stream) != length)
    code = damaged(status, path, "cut short in the header");
  else if (parse_header(&text, array))
    code = damaged(status, path, "the header %s", text.fault);
  free(header);
  *data_offset = MAGIC_BYTES + 2 + field_bytes + length;
  return code;
}

static thresh_code read_data(FILE *stream, const char *path, uint64_t available, thresh_npy_array *array,
                             thresh_status *status) {
  if (thresh_tensor_bytes(array->dtype, array->shape, array->rank, &array->bytes))
    return damaged(status, path, "the shape is larger than any memory");
  if (array->bytes != available)
    return damaged(status, path, "expects %zu bytes of data, but got %" PRIu64, array->bytes, available);
  array->data = aligned_alloc(64, (array->bytes + 64) / 64 * 64);
  if (!array->data)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for '%s'", path);
  if (fread(array->data, 1, array->bytes, stream) == array->bytes)
    return thresh_status_ok(status);
  free(array->data);
  array->data = NULL;
  return thresh_status_set(status, THRESH_FILE_ERROR, "cannot read '%s': %s", path, strerror(errno));
}

thresh_code thresh_npy_read(const char *path, thresh_npy_array *array, thresh_status *status) {
  *array = (thresh_npy_array){0};
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info = {0};
  if (descriptor >= 0 && (fstat(descriptor, &info) || !S_ISREG(info.st_mode))) {
    close(descriptor);
    return thresh_status_set(status, THRESH_FILE_ERROR, "cannot read '%s': not a regular file", path);
  }
  FILE *stream = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;
  if (!stream)
    return thresh_status_set(status, THRESH_FILE_ERROR, "cannot read '%s': %s", path, strerror(errno));
  uint64_t data_offset = 0;
  thresh_code code = read_header(stream, path, array, &data_offset, status);
  if (code == THRESH_OK)
    code = read_data(stream, path, (uint64_t)info.st_size - data_offset, array, status);
  fclose(stream);
  return code;
}

//===-------------------------------------------------------------------------===//
// Writing
//===-------------------------------------------------------------------------===//

static const char *type_string(thresh_dtype dtype) {
  int i = 0;
  while (type_strings[i].dtype != dtype)
    ++i;
  return type_strings[i].text;
}

/// Writes the version 1 header, padded so that the data begins at a multiple of 64 bytes.
static void write_header(FILE *stream, const thresh_npy_array *array) {
  thresh_text text = {0};
  thresh_text_append(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type_string(array->dtype));
  for (int32_t i = 0; i < array->rank; ++i)
    thresh_text_append(&text, "%" PRId64 ",%s", array->shape[i], i + 1 < array->rank ? " " : "");
  thresh_text_append(&text, "), }");
  size_t before = MAGIC_BYTES + 4, total = before + text.length + 1;
  size_t padding = (HEADER_ALIGNMENT - total % HEADER_ALIGNMENT) % HEADER_ALIGNMENT;
  size_t length = text.length + padding + 1;
  fwrite(magic, 1, MAGIC_BYTES, stream);
  const unsigned char rest[4] = {1, 0, (unsigned char)(length & 255), (unsigned char)(length >> 8)};
  fwrite(rest, 1, sizeof rest, stream);
  fprintf(stream, "%s%*s\n", text.chars, (int)padding, "");
}

thresh_code thresh_npy_stage(const char *path, const thresh_npy_array *array, thresh_staged_file *file,
                             thresh_status *status) {
  thresh_code code = thresh_staged_file_begin(file, path, status);
  if (code != THRESH_OK)
    return code;
  write_header(file->stream, array);
  fwrite(array->data, 1, array->bytes, file->stream);
  code = thresh_staged_file_finish(file, status);
  if (code != THRESH_OK)
    thresh_staged_file_discard(file);
  return code;
}
