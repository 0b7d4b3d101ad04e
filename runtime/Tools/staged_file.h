//===- staged_file.h - files that appear whole or not at all ------------------===//
#ifndef THRESH_RUNTIME_TOOLS_STAGED_FILE_H
#define THRESH_RUNTIME_TOOLS_STAGED_FILE_H

#include "thresh/thresh.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A file being written under a temporary name in the folder of its final one. Zero-initialise.
typedef struct thresh_staged_file {
  FILE *stream; ///< where to write; NULL when there is no file
  char *path;
  char *temporary;
} thresh_staged_file;

/// Starts a file that is to become `path`, which must be a regular file if it exists.
thresh_code thresh_staged_file_begin(thresh_staged_file *file, const char *path, thresh_status *status);

/// Writes out what the stream still holds and closes it, so that only the renaming is left to fail.
thresh_code thresh_staged_file_finish(thresh_staged_file *file, thresh_status *status);

/// Gives the finished file its final name, replacing what was there.
thresh_code thresh_staged_file_commit(thresh_staged_file *file, thresh_status *status);

/// Removes what was written unless it was committed, and frees. Fine on a zero-initialised file.
void thresh_staged_file_discard(thresh_staged_file *file);

#ifdef __cplusplus
}
#endif

#endif // THRESH_RUNTIME_TOOLS_STAGED_FILE_H
