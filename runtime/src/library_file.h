//===- library_file.h - is this file a whole shared library of this machine? --===//
#ifndef THRESH_RUNTIME_SRC_LIBRARY_FILE_H
#define THRESH_RUNTIME_SRC_LIBRARY_FILE_H

#include "thresh/thresh.h"

/// Checks the ELF headers of `path` against its size: the dynamic loader maps what they say and crashes on a
/// file that was cut short. Says what it expects otherwise.
thresh_code thresh_library_file_check(const char *path, thresh_status *status);

#endif // THRESH_RUNTIME_SRC_LIBRARY_FILE_H
