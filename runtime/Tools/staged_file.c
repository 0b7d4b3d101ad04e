//===- staged_file.c - files that appear whole or not at all ------------------===//
#include "runtime/Tools/staged_file.h"

#include "runtime/src/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static thresh_code write_error(const thresh_staged_file *file, thresh_status *status) {
  return thresh_status_set(status, THRESH_FILE_ERROR, "cannot write '%s': %s", file->path, strerror(errno));
}

/// Opens the temporary file with the permissions that a plain new file would have.
static FILE *open_temporary(char *name) {
  int descriptor = mkstemp(name);
  if (descriptor < 0)
    return NULL;
  mode_t mask = umask(0);
  umask(mask);
  FILE *stream = fchmod(descriptor, 0666 & ~mask) ? NULL : fdopen(descriptor, "wb");
  if (!stream) {
    int reason = errno;
    close(descriptor);
    unlink(name);
    errno = reason;
  }
  return stream;
}

thresh_code thresh_staged_file_begin(thresh_staged_file *file, const char *path, thresh_status *status) {
  struct stat info;
  *file = (thresh_staged_file){0};
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
    return thresh_status_set(status, THRESH_FILE_ERROR, "cannot write '%s': not a regular file", path);
  size_t length = strlen(path);
  file->path = strdup(path);
  file->temporary = malloc(length + sizeof ".XXXXXX");
  if (!file->path || !file->temporary) {
    thresh_staged_file_discard(file);
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
  }
  memcpy(file->temporary, path, length);
  memcpy(file->temporary + length, ".XXXXXX", sizeof ".XXXXXX");
  file->stream = open_temporary(file->temporary);
  if (!file->stream) {
    thresh_code code = write_error(file, status);
    free(file->temporary);
    file->temporary = NULL;
    thresh_staged_file_discard(file);
    return code;
  }
  return thresh_status_ok(status);
}

thresh_code thresh_staged_file_finish(thresh_staged_file *file, thresh_status *status) {
  int failed = ferror(file->stream);
  failed |= fclose(file->stream);
  file->stream = NULL;
  return failed ? write_error(file, status) : thresh_status_ok(status);
}

thresh_code thresh_staged_file_commit(thresh_staged_file *file, thresh_status *status) {
  if (rename(file->temporary, file->path))
    return write_error(file, status);
  free(file->temporary);
  file->temporary = NULL;
  return thresh_status_ok(status);
}

void thresh_staged_file_discard(thresh_staged_file *file) {
  if (file->stream)
    fclose(file->stream);
  if (file->temporary)
    unlink(file->temporary);
  free(file->temporary);
  free(file->path);
  *file = (thresh_staged_file){0};
}
