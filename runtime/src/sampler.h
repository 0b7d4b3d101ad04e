//===- sampler.h - from logits to a token --------------------------------------===//
#ifndef THRESH_RUNTIME_SRC_SAMPLER_H
#define THRESH_RUNTIME_SRC_SAMPLER_H

#include "thresh/thresh.h"

/// One token that may come next.
typedef struct thresh_candidate {
  float logit; ///< after the repetition penalty
  int32_t token;
} thresh_candidate;

/// Chooses tokens one after another. Zero-initialise, then thresh_sampler_init; end with thresh_sampler_free.
typedef struct thresh_sampler {
  int32_t vocabulary;
  int32_t do_sample;
  int32_t top_k;
  double temperature;
  double top_p;
  float repetition_penalty;
  uint64_t random;              ///< state of the generator
  uint8_t *seen;                ///< per token, 1 when the text has it
  thresh_candidate *candidates; ///< room for the whole vocabulary
} thresh_sampler;

/// Checks the options and makes the memory: choosing allocates nothing.
thresh_code thresh_sampler_init(thresh_sampler *sampler, int32_t vocabulary, const thresh_generation_options *options,
                                thresh_status *status);

void thresh_sampler_free(thresh_sampler *sampler);

/// Makes the repetition penalty count `token`, which is in the vocabulary.
void thresh_sampler_see(thresh_sampler *sampler, int64_t token);

/// Chooses the next token and sees it. The logits, one per token of the vocabulary, are left alone. -1: they hold NaN.
int64_t thresh_sampler_choose(thresh_sampler *sampler, const float *logits);

#endif // THRESH_RUNTIME_SRC_SAMPLER_H
