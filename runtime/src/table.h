//===- table.h - checks the table that a library exports ----------------------===//
#ifndef THRESH_RUNTIME_SRC_TABLE_H
#define THRESH_RUNTIME_SRC_TABLE_H

#include "thresh/thresh.h"

/// Checks every rule of abi.h that the runtime relies on, so that the rest of it need not. `path` is for messages.
thresh_code thresh_table_check(const thresh_abi_library *table, const char *path, thresh_status *status);

#endif // THRESH_RUNTIME_SRC_TABLE_H
