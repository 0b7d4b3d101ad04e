//===- thread_pool_benchmark.c - what a parallel loop costs -------------------===//
//
// Prints the time of a loop of one task per thread, each of which waits until all threads have one, back to back and
// after pauses of other work, for 1 to N threads (argument, default 2). Run it on an idle machine with N CPUs.
//
//===-------------------------------------------------------------------------===//
#include "runtime/src/thread_pool.h"

#include "thresh/thresh.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20000 };

/// A loop under way: how many threads it wants and how many have come.
typedef struct meeting {
  int wanted;
  atomic_int come;
} meeting;

static int meet(void *user_context, int index, uint8_t *closure) {
  (void)user_context, (void)index;
  meeting *here = (meeting *)closure;
  atomic_fetch_add(&here->come, 1);
  while (atomic_load_explicit(&here->come, memory_order_relaxed) < here->wanted)
    ;
  return 0;
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

static int compare_times(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

/// Prints median and 99th percentile of a loop that comes `pause_us` after the one before.
static void measure(int threads, double pause_us) {
  static double times[ROUNDS];
  int rounds = pause_us > 100 ? ROUNDS / 20 : ROUNDS;
  for (int round = 0; round < rounds; ++round) {
    for (double end = now_us() + pause_us; now_us() < end;)
      ;
    meeting here = {.wanted = threads};
    double start = now_us();
    thresh_parallel_for(NULL, meet, 0, threads, (uint8_t *)&here);
    times[round] = now_us() - start;
  }
  qsort(times, (size_t)rounds, sizeof *times, compare_times);
  printf("%3d threads, %6.0f us between loops: median %7.3f us, 99 %% below %8.3f us\n", threads, pause_us,
         times[rounds / 2], times[rounds * 99 / 100]);
}

int main(int argc, char **argv) {
  static const double pauses[] = {0, 10, 50, 1000};
  int most = argc > 1 ? atoi(argv[1]) : 2;
  for (int threads = 1; threads <= most; ++threads) {
    thresh_status status;
    if (thresh_set_num_threads(threads, &status) != THRESH_OK) {
      fprintf(stderr, "error: %s\n", status.message);
      return 1;
    }
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; ++i)
      measure(threads, pauses[i]);
  }
  return 0;
}
