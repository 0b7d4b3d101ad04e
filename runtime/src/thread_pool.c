//===- thread_pool.c - parallel loops of compiled code ------------------------===//
//
// A loop occupies one of a few slots. Its caller opens the slot's gate, works on the indices along with the
// workers that pass the gate, shuts it, and waits until they have left. Nothing is allocated or locked. Workers
// watch a counter of opened loops: for a short while in a spin, then asleep in a futex.
//
// With THRESH_PIN=1 in the environment the thread that makes the pool and each worker keep to a CPU of their own.
//
// After fork() the child has no workers; its loops run on their callers.
//
//===-------------------------------------------------------------------------===//
#include "thread_pool.h"

#include "status.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  NUM_SLOTS = 16,          ///< loops at once; one more runs on its caller alone
  CHUNKS_PER_THREAD = 8,   ///< indices are handed out in chunks, to even out unequal ones
  WORKER_SPIN_NS = 200000, ///< a worker that finds no loop for this long goes to sleep
  CALLER_SPIN_NS = 20000,  ///< a caller that waits for the last worker longer than this goes to sleep
  CLOCK_STRIDE = 32,       ///< spins between two looks at the clock
  CACHE_LINE = 64,
};

/// Bits of a gate; the low ones count the workers inside.
enum {
  GATE_CLAIMED = 1 << 28, ///< a caller owns the slot
  GATE_OPEN = 1 << 29,    ///< workers may join
  GATE_WAITED = 1 << 30,  ///< the caller sleeps until the last worker leaves
  GATE_COUNT = GATE_CLAIMED - 1,
};

typedef struct loop_slot {
  _Alignas(CACHE_LINE) atomic_int gate;
  _Alignas(CACHE_LINE) atomic_long next; ///< first index, from 0, that nobody has taken
  _Alignas(CACHE_LINE) atomic_int error; ///< first nonzero result
  // Written by the owner while the gate is shut.
  thresh_abi_task task;
  void *user_context;
  uint8_t *closure;
  int min;
  int size;
  int chunk;
  int max_helpers;
} loop_slot;

static struct {
  _Alignas(CACHE_LINE) atomic_int epoch; ///< counts opened loops
  atomic_int sleepers;
  _Alignas(CACHE_LINE) atomic_int threads; ///< wanted, callers included; 0: not decided yet
  atomic_int workers;                      ///< threads made; those above `threads - 1` sleep
  atomic_int workers_failed;               ///< a thread could not be made: be content with those there are
  pthread_mutex_t growth;
  int pinned;        ///< threads keep to one CPU each; decided when the first workers are made
  cpu_set_t allowed; ///< CPUs of the process before any thread was pinned
  loop_slot slots[NUM_SLOTS];
} pool = {.growth = PTHREAD_MUTEX_INITIALIZER};

/// Set on workers, and on callers during a loop: a loop reached here runs inline.
static _Thread_local int in_loop __attribute__((tls_model("initial-exec")));

//===-------------------------------------------------------------------------===//
// Waiting
//===-------------------------------------------------------------------------===//

static void futex_wait(atomic_int *word, int expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(atomic_int *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

/// A spin of limited time. Zero-initialise.
typedef struct spinner {
  long deadline;
  int count;
} spinner;

/// Waits a moment; returns 0 once `limit_ns` have gone by since the first call. Yields now and then: when there are
/// more threads than CPUs, the one waited for may need this CPU.
static int spin(spinner *state, long limit_ns) {
  if (state->count++ % CLOCK_STRIDE == 0) {
    long now = now_ns();
    if (!state->deadline)
      state->deadline = now + limit_ns;
    else if (now > state->deadline)
      return 0;
    else
      sched_yield();
  }
  cpu_relax();
  return 1;
}

//===-------------------------------------------------------------------------===//
// Work
//===-------------------------------------------------------------------------===//

/// Takes chunks of the loop until none are left or one failed.
static void work_on(loop_slot *slot) {
  while (!atomic_load_explicit(&slot->error, memory_order_relaxed)) {
    long begin = atomic_fetch_add_explicit(&slot->next, slot->chunk, memory_order_relaxed);
    if (begin >= slot->size)
      return;
    long end = begin + slot->chunk < slot->size ? begin + slot->chunk : slot->size;
    for (long i = begin; i < end; ++i) {
      int result = slot->task(slot->user_context, slot->min + (int)i, slot->closure);
      if (result) {
        int none = 0;
        atomic_compare_exchange_strong(&slot->error, &none, result);
        return;
      }
    }
  }
}

/// Joins the loop in `slot` if there is one that still wants helpers.
static void help(loop_slot *slot) {
  if (!(atomic_load_explicit(&slot->gate, memory_order_relaxed) & GATE_OPEN))
    return;
  int before = atomic_fetch_add_explicit(&slot->gate, 1, memory_order_acquire);
  if ((before & GATE_OPEN) && (before & GATE_COUNT) < slot->max_helpers)
    work_on(slot);
  int leaving = atomic_fetch_sub_explicit(&slot->gate, 1, memory_order_release);
  if ((leaving & GATE_WAITED) && (leaving & GATE_COUNT) == 1)
    futex_wake(&slot->gate, INT_MAX);
}

static void *worker_main(void *argument) {
  int index = (int)(intptr_t)argument;
  in_loop = 1;
  for (;;) {
    int seen = atomic_load_explicit(&pool.epoch, memory_order_acquire);
    int wanted = index < atomic_load_explicit(&pool.threads, memory_order_relaxed) - 1;
    for (int i = 0; wanted && i < NUM_SLOTS; ++i)
      help(&pool.slots[i]);
    spinner state = {0};
    while (atomic_load_explicit(&pool.epoch, memory_order_acquire) == seen) {
      if (wanted && spin(&state, WORKER_SPIN_NS))
        continue;
      atomic_fetch_add(&pool.sleepers, 1);
      if (atomic_load(&pool.epoch) == seen)
        futex_wait(&pool.epoch, seen);
      atomic_fetch_sub(&pool.sleepers, 1);
    }
  }
  return NULL;
}

/// Keeps `thread` on allowed CPU number `index`, counted around.
static void pin(pthread_t thread, int index) {
  int left = index % CPU_COUNT(&pool.allowed), cpu = 0;
  while (!CPU_ISSET(cpu, &pool.allowed) || left-- > 0)
    ++cpu;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  pthread_setaffinity_np(thread, sizeof one, &one);
}

/// Decides on pinning when there are no workers yet: $THRESH_PIN is 1. The caller takes the first CPU.
static void decide_pinning(void) {
  const char *wanted = getenv("THRESH_PIN");
  pool.pinned = wanted && !strcmp(wanted, "1") && sched_getaffinity(0, sizeof pool.allowed, &pool.allowed) == 0;
  if (pool.pinned)
    pin(pthread_self(), 0);
}

/// Makes workers until there are `threads - 1`. Signals stay with the threads of the program.
static void grow(int threads) {
  pthread_mutex_lock(&pool.growth);
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  int count = atomic_load(&pool.workers);
  if (!count)
    decide_pinning();
  for (pthread_t thread; count < threads - 1; ++count) {
    if (pthread_create(&thread, &attributes, worker_main, (void *)(intptr_t)count)) {
      atomic_store(&pool.workers_failed, 1);
      break;
    }
    if (pool.pinned)
      pin(thread, count + 1);
  }
  atomic_store(&pool.workers, count);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  pthread_mutex_unlock(&pool.growth);
}

//===-------------------------------------------------------------------------===//
// Loops
//===-------------------------------------------------------------------------===//

static int run_inline(void *user_context, thresh_abi_task task, int min, int size, uint8_t *closure) {
  for (int i = 0; i < size; ++i) {
    int result = task(user_context, min + i, closure);
    if (result)
      return result;
  }
  return 0;
}

static loop_slot *claim_slot(void) {
  for (int i = 0; i < NUM_SLOTS; ++i) {
    int unclaimed = 0;
    if (atomic_compare_exchange_strong_explicit(&pool.slots[i].gate, &unclaimed, GATE_CLAIMED, memory_order_acquire,
                                                memory_order_relaxed))
      return &pool.slots[i];
  }
  return NULL;
}

/// Lets workers into `slot` and wakes as many as it can use.
static void open_gate(loop_slot *slot, int threads) {
  atomic_fetch_or_explicit(&slot->gate, GATE_OPEN, memory_order_release);
  atomic_fetch_add(&pool.epoch, 1);
  if (!atomic_load(&pool.sleepers))
    return;
  // A worker beyond the wanted count would swallow a single wake-up, so then all are woken.
  int surplus = atomic_load_explicit(&pool.workers, memory_order_relaxed) > threads - 1;
  futex_wake(&pool.epoch, surplus ? INT_MAX : slot->max_helpers);
}

/// Keeps further workers out, waits until those inside have left, and gives the slot back.
static void shut_gate(loop_slot *slot) {
  int gate = atomic_fetch_and_explicit(&slot->gate, ~GATE_OPEN, memory_order_acquire);
  spinner state = {0};
  while (gate & GATE_COUNT) {
    if (!spin(&state, CALLER_SPIN_NS)) {
      gate = atomic_fetch_or(&slot->gate, GATE_WAITED) | GATE_WAITED;
      if (gate & GATE_COUNT)
        futex_wait(&slot->gate, gate);
    }
    gate = atomic_load_explicit(&slot->gate, memory_order_acquire);
  }
}

int thresh_parallel_for(void *user_context, thresh_abi_task task, int min, int size, uint8_t *closure) {
  int threads = size > 1 && !in_loop ? thresh_num_threads() : 1;
  loop_slot *slot = threads > 1 ? claim_slot() : NULL;
  if (!slot)
    return run_inline(user_context, task, min, size, closure);
  if (atomic_load_explicit(&pool.workers, memory_order_relaxed) < threads - 1 &&
      !atomic_load_explicit(&pool.workers_failed, memory_order_relaxed))
    grow(threads);

  slot->task = task;
  slot->user_context = user_context;
  slot->closure = closure;
  slot->min = min;
  slot->size = size;
  slot->chunk = size / (threads * CHUNKS_PER_THREAD) > 1 ? size / (threads * CHUNKS_PER_THREAD) : 1;
  slot->max_helpers = (size < threads ? size : threads) - 1;
  atomic_store_explicit(&slot->next, 0, memory_order_relaxed);
  atomic_store_explicit(&slot->error, 0, memory_order_relaxed);

  open_gate(slot, threads);
  in_loop = 1;
  work_on(slot);
  in_loop = 0;
  shut_gate(slot);
  int error = atomic_load_explicit(&slot->error, memory_order_relaxed);
  atomic_fetch_and_explicit(&slot->gate, ~(GATE_CLAIMED | GATE_WAITED), memory_order_release);
  return error;
}

int32_t thresh_num_threads(void) {
  int threads = atomic_load_explicit(&pool.threads, memory_order_relaxed);
  if (threads)
    return threads;
  cpu_set_t allowed;
  int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  int decided = count < THRESH_MAX_THREADS ? count : THRESH_MAX_THREADS;
  int undecided = 0;
  atomic_compare_exchange_strong(&pool.threads, &undecided, decided);
  return undecided ? undecided : decided;
}

thresh_code thresh_set_num_threads(int32_t count, thresh_status *status) {
  if (count < 1 || count > THRESH_MAX_THREADS)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "the thread count expects 1 to %d, but got %d",
                             THRESH_MAX_THREADS, count);
  atomic_store(&pool.threads, count);
  return thresh_status_ok(status);
}
