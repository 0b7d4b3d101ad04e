//===- ThreshSparseOps.h - Ops that choose what they read --------------------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHSPARSEOPS_H
#define THRESH_DIALECTS_THRESH_IR_THRESHSPARSEOPS_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/IR/PatternMatch.h"

#include <limits>

namespace thresh {
/// Bytes that one row makes an op read; real numbers, as survivors are counted on average.
struct TouchedBytes {
  double dense, expected;
};

/// What a token is expected to read of memory that holds a row for each token.
struct RowReads {
  double scannedShare = 1;                                ///< of a row: what is read of every row that the token sees
  int64_t seenRows = std::numeric_limits<int64_t>::max(); ///< most rows that it sees, the last ones
  int64_t chosenRows = 0;                                 ///< rows of which the rest is read, too
};
} // namespace thresh

#include "dialects/Thresh/IR/ThreshSparseEnums.h.inc"
#include "dialects/Thresh/IR/ThreshSparseInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshSparseOps.h.inc"

#endif // THRESH_DIALECTS_THRESH_IR_THRESHSPARSEOPS_H
