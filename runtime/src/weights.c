//===- weights.c - the packed weights of a library ----------------------------===//
#include "weights.h"

#include "buffer.h"
#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/// FNV-1a, 64 bits.
static uint64_t hash_bytes(const uint8_t *bytes, uint64_t count) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint64_t i = 0; i < count; ++i)
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

/// The header length that a safetensors file states in its first 8 bytes, little-endian.
static uint64_t stated_header_length(const uint8_t *file) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | file[i];
  return length;
}

/// Checks the mapped file against what the library was compiled with.
static thresh_code check_header(const thresh_abi_library *table, const uint8_t *file, const char *path,
                                thresh_status *status) {
  uint64_t expected = table->weights_header_bytes - 8, stated = stated_header_length(file);
  if (stated != expected)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY,
                             "weights file '%s' is not the one that the library was compiled with: expects a header "
                             "of %llu bytes, but got %llu",
                             path, (unsigned long long)expected, (unsigned long long)stated);
  uint64_t id = hash_bytes(file, table->weights_header_bytes);
  if (id != table->weights_id)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY,
                             "weights file '%s' is not the one that the library was compiled with: expects id "
                             "%016llx, but got %016llx",
                             path, (unsigned long long)table->weights_id, (unsigned long long)id);
  return THRESH_OK;
}

/// Maps the file at a multiple of the huge page, and asks for huge pages: where the file system has them, a file that
/// is not in memory yet is read in such pieces, and walking its weights misses the TLB 512 times less often. What is in
/// memory in small pages stays so. Returns MAP_FAILED with errno set.
static void *map_aligned(int file, size_t bytes) {
  size_t slack = bytes >= THRESH_HUGE_PAGE ? THRESH_HUGE_PAGE : 0;
  uint8_t *room = mmap(NULL, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED)
    return MAP_FAILED;
  uint8_t *start = slack ? room + (THRESH_HUGE_PAGE - (uintptr_t)room % THRESH_HUGE_PAGE) % THRESH_HUGE_PAGE : room;
  uint8_t *end = room + bytes + slack;
  void *mapping = mmap(start, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
  if (mapping == MAP_FAILED) {
    munmap(room, bytes + slack);
    return MAP_FAILED;
  }
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uint8_t *used = start + (bytes + page - 1) / page * page;
  if (start > room)
    munmap(room, (size_t)(start - room));
  if (end > used)
    munmap(used, (size_t)(end - used));
  if (slack)
    madvise(mapping, bytes, MADV_HUGEPAGE);
  return mapping;
}

static thresh_code map_file(const thresh_abi_library *table, int file, const char *path, thresh_weights *weights,
                            thresh_status *status) {
  struct stat info;
  if (fstat(file, &info) || !S_ISREG(info.st_mode))
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "weights file '%s' is not a regular file", path);
  uint64_t expected = table->weights_header_bytes + table->weights_bytes;
  if ((uint64_t)info.st_size != expected)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY,
                             "weights file '%s' is %s: expects %llu bytes, but got %llu", path,
                             (uint64_t)info.st_size < expected ? "cut short" : "too long", (unsigned long long)expected,
                             (unsigned long long)info.st_size);
  void *mapping = map_aligned(file, expected);
  if (mapping == MAP_FAILED)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "cannot map weights file '%s': %s", path, strerror(errno));
  *weights = (thresh_weights){(uint8_t *)mapping + table->weights_header_bytes, mapping, expected};
  thresh_code code = check_header(table, mapping, path, status);
  if (code != THRESH_OK)
    thresh_weights_close(weights);
  return code;
}

thresh_code thresh_weights_open(const thresh_abi_library *table, const char *library_path, const char *override_path,
                                thresh_weights *weights, thresh_status *status) {
  if (!table->weights_file) {
    if (override_path)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "library '%s' takes no weights file: its weights are embedded", library_path);
    weights->data = table->weights_embedded;
    return THRESH_OK;
  }
  char path[PATH_MAX];
  const char *slash = strrchr(library_path, '/');
  int folder = slash ? (int)(slash - library_path + 1) : 0;
  int length = override_path ? snprintf(path, sizeof path, "%s", override_path)
                             : snprintf(path, sizeof path, "%.*s%s", folder, library_path, table->weights_file);
  if (length < 0 || (size_t)length >= sizeof path)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "path of the weights file is longer than %d bytes",
                             PATH_MAX - 1);
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "cannot open weights file '%s' of library '%s': %s", path,
                             library_path, strerror(errno));
  thresh_code code = map_file(table, file, path, weights, status);
  close(file);
  return code;
}

void thresh_weights_close(thresh_weights *weights) {
  if (weights->mapping)
    munmap(weights->mapping, weights->mapping_bytes);
  *weights = (thresh_weights){0};
}
