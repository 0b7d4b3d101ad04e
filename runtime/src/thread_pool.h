//===- thread_pool.h - parallel loops of compiled code ------------------------===//
//
// One pool for the process, created at the first parallel loop. A loop is run by the calling thread and by the
// workers that find it; a loop inside a loop runs on the thread that reached it.
//
//===-------------------------------------------------------------------------===//
#ifndef THRESH_RUNTIME_SRC_THREAD_POOL_H
#define THRESH_RUNTIME_SRC_THREAD_POOL_H

#include "thresh/abi.h"

enum { THRESH_MAX_THREADS = 256 };

/// Calls `task(user_context, i, closure)` for min <= i < min + size, in any order, on several threads; returns
/// when all have ended. The first nonzero result is returned, and indices not begun by then are dropped. Has the
/// signature of halide_do_par_for. Any number of threads may be in it at once.
int thresh_parallel_for(void *user_context, thresh_abi_task task, int min, int size, uint8_t *closure);

#endif // THRESH_RUNTIME_SRC_THREAD_POOL_H
