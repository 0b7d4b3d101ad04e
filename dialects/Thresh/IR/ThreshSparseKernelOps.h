//===- ThreshSparseKernelOps.h - Sparse ops that are kernels ------------------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHSPARSEKERNELOPS_H
#define THRESH_DIALECTS_THRESH_IR_THRESHSPARSEKERNELOPS_H

#include "dialects/Thresh/IR/ThreshSparseOps.h"

#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshSparseKernelOps.h.inc"

#endif // THRESH_DIALECTS_THRESH_IR_THRESHSPARSEKERNELOPS_H
