//===- ThreshSparseOps.h - Ops that choose what they read --------------------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHSPARSEOPS_H
#define THRESH_DIALECTS_THRESH_IR_THRESHSPARSEOPS_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/IR/PatternMatch.h"

namespace thresh {
/// Bytes that one row makes an op read; real numbers, as survivors are counted on average.
struct TouchedBytes {
  double dense, expected;
};
} // namespace thresh

#include "dialects/Thresh/IR/ThreshSparseEnums.h.inc"
#include "dialects/Thresh/IR/ThreshSparseInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshSparseOps.h.inc"

#endif // THRESH_DIALECTS_THRESH_IR_THRESHSPARSEOPS_H
