//===- ThreshGraphOps.cpp - Verifiers, types and folders of the graph ops ---===//
