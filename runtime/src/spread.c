//===- spread.c - mean and standard deviation of a stream of numbers -----------===//
#include "thresh/thresh.h"

#include <math.h>

void thresh_spread_add(thresh_spread *spread, const int64_t *values, size_t num_values) {
  // Welford's recurrence: `squares` is the sum of squares of the distances from the mean.
  double squares = spread->deviation * spread->deviation * (double)spread->count;
  for (size_t i = 0; i < num_values; ++i) {
    double distance = (double)values[i] - spread->mean;
    spread->mean += distance / (double)++spread->count;
    squares += distance * ((double)values[i] - spread->mean);
  }
  spread->deviation = spread->count ? sqrt(squares / (double)spread->count) : 0;
}
