//===- sampler.c - from logits to a token --------------------------------------===//
//
// Tokens rank by logit, then by number, the lower first. The likeliest tokens come off a heap: building it reads the
// vocabulary once, and only as many are taken as top_k and top_p keep.
//
//===-------------------------------------------------------------------------===//
#include "sampler.h"

#include "random.h"
#include "status.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static int is_positive(float number) { return number > 0 && number <= FLT_MAX; }

static thresh_code check_options(const thresh_generation_options *options, thresh_status *status) {
  if (!is_positive(options->temperature))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'temperature' expects a number above 0, but got %g",
                             (double)options->temperature);
  if (!is_positive(options->top_p) || options->top_p > 1)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "'top_p' expects a number above 0 and at most 1, but got %g", (double)options->top_p);
  if (options->top_k < 0)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "'top_k' expects 0 or more, but got %d", options->top_k);
  if (!is_positive(options->repetition_penalty))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                             "'repetition_penalty' expects a number above 0, but got %g",
                             (double)options->repetition_penalty);
  return THRESH_OK;
}

thresh_code thresh_sampler_init(thresh_sampler *sampler, int32_t vocabulary, const thresh_generation_options *options,
                                thresh_status *status) {
  thresh_code code = check_options(options, status);
  if (code != THRESH_OK)
    return code;
  *sampler = (thresh_sampler){
      .vocabulary = vocabulary,
      .do_sample = options->do_sample,
      .top_k = options->top_k,
      .temperature = (double)options->temperature,
      .top_p = (double)options->top_p,
      .repetition_penalty = options->repetition_penalty,
      .random = options->seed,
      .seen = calloc((size_t)vocabulary, 1),
      .candidates = malloc((size_t)vocabulary * sizeof(thresh_candidate)),
  };
  return sampler->seen && sampler->candidates
             ? THRESH_OK
             : thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for a vocabulary of %d", vocabulary);
}

void thresh_sampler_free(thresh_sampler *sampler) {
  free(sampler->seen);
  free(sampler->candidates);
  *sampler = (thresh_sampler){0};
}

void thresh_sampler_see(thresh_sampler *sampler, int64_t token) { sampler->seen[token] = 1; }

//===-------------------------------------------------------------------------===//
// The likeliest tokens
//===-------------------------------------------------------------------------===//

static int ranks_before(thresh_candidate a, thresh_candidate b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

/// Puts `sinking` into the heap of `count` from place `at` down.
static void sink(thresh_candidate *heap, int32_t count, int32_t at, thresh_candidate sinking) {
  for (;;) {
    int64_t child = 2 * (int64_t)at + 1;
    if (child >= count)
      break;
    if (child + 1 < count && ranks_before(heap[child + 1], heap[child]))
      ++child;
    if (!ranks_before(heap[child], sinking))
      break;
    heap[at] = heap[child];
    at = (int32_t)child;
  }
  heap[at] = sinking;
}

static void make_heap(thresh_candidate *heap, int32_t count) {
  for (int32_t i = count / 2; i-- > 0;)
    sink(heap, count, i, heap[i]);
}

/// Moves the first of the heap of `count` behind the others, to place `count - 1`.
static void pop(thresh_candidate *heap, int32_t count) {
  thresh_candidate first = heap[0];
  sink(heap, count - 1, 0, heap[count - 1]);
  heap[count - 1] = first;
}

//===-------------------------------------------------------------------------===//
// Choosing
//===-------------------------------------------------------------------------===//

/// Fills the candidates in the order of the vocabulary and returns the place of the likeliest; -1: a logit is NaN.
static int32_t rate(thresh_sampler *sampler, const float *logits) {
  int32_t best = 0;
  for (int32_t i = 0; i < sampler->vocabulary; ++i) {
    float logit = logits[i];
    if (isnan(logit))
      return -1;
    if (sampler->seen[i])
      logit = logit < 0 ? logit * sampler->repetition_penalty : logit / sampler->repetition_penalty;
    sampler->candidates[i] = (thresh_candidate){logit, i};
    if (logit > sampler->candidates[best].logit)
      best = i;
  }
  return best;
}

/// How much likelier the best is than this candidate: 1 down to 0. Infinite logits share what there is.
static double weight(const thresh_sampler *sampler, thresh_candidate candidate, float most) {
  return candidate.logit == most ? 1 : exp(((double)candidate.logit - (double)most) / sampler->temperature);
}

/// Uniform in [0, 1), a multiple of 2^-53.
static double next_uniform(thresh_sampler *sampler) {
  return (double)(thresh_random_next(&sampler->random) >> 11) * 0x1p-53;
}

/// Keeps the likeliest candidates whose share reaches top_p, at most top_k of them: they end up at the end of the
/// array, the likeliest last. Returns their number, and their weight in `*kept`.
static int32_t keep_likeliest(thresh_sampler *sampler, float most, double *kept) {
  thresh_candidate *heap = sampler->candidates;
  int32_t vocabulary = sampler->vocabulary, taken = 0;
  int32_t limit = sampler->top_k && sampler->top_k < vocabulary ? sampler->top_k : vocabulary;
  double total = 0;
  make_heap(heap, vocabulary);
  if (limit < vocabulary) {
    for (; taken < limit; ++taken) {
      pop(heap, vocabulary - taken);
      total += weight(sampler, heap[vocabulary - taken - 1], most);
    }
  } else {
    for (int32_t i = 0; i < vocabulary; ++i)
      total += weight(sampler, heap[i], most);
  }
  int32_t count = 0;
  for (*kept = 0; count < limit && (!count || *kept < sampler->top_p * total); ++count) {
    if (count >= taken)
      pop(heap, vocabulary - taken++);
    *kept += weight(sampler, heap[vocabulary - count - 1], most);
  }
  return count;
}

/// Draws a token by its share of what is kept.
static int64_t draw(thresh_sampler *sampler, float most) {
  const thresh_candidate *candidates = sampler->candidates;
  int32_t count = sampler->vocabulary, last = count - 1;
  double kept = 0;
  if (sampler->top_k || sampler->top_p < 1)
    count = keep_likeliest(sampler, most, &kept);
  else
    for (int32_t i = 0; i < count; ++i)
      kept += weight(sampler, candidates[i], most);
  double left = next_uniform(sampler) * kept;
  int64_t token = -1;
  for (int32_t i = 0; i < count; ++i) {
    double share = weight(sampler, candidates[last - i], most);
    if (share > 0)
      token = candidates[last - i].token;
    if (left < share)
      break;
    left -= share;
  }
  return token;
}

int64_t thresh_sampler_choose(thresh_sampler *sampler, const float *logits) {
  int32_t best = rate(sampler, logits);
  if (best < 0)
    return -1;
  int64_t token = sampler->do_sample ? draw(sampler, sampler->candidates[best].logit) : best;
  thresh_sampler_see(sampler, token);
  return token;
}
