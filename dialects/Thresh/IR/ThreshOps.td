//===- ThreshOps.td - All ops of the thresh dialect -------------*- tablegen -*-===//
include "Thresh/IR/ThreshCacheOps.td"
include "Thresh/IR/ThreshGraphOps.td"
include "Thresh/IR/ThreshHostOps.td"
include "Thresh/IR/ThreshQuantizedOps.td"
include "Thresh/IR/ThreshStateOps.td"
