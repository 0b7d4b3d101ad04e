//===- Passes.td - From the graph ops to linalg -----------------*- tablegen -*-===//
#ifndef THRESH_COMPILER_CONVERSION_THRESHTOLINALG_PASSES_TD
#define THRESH_COMPILER_CONVERSION_THRESHTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertThreshToLinalgPass : Pass<"convert-thresh-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "graph ops become linalg.generic on tensors";
  let description = [{
    Each op of dialects/Thresh/IR/ThreshGraphOps.td turns into `linalg.generic` ops over `tensor.empty` (reductions over `linalg.fill`),
    `tensor.collapse_shape` and `tensor.expand_shape`; a gather also leaves a `thresh.check` of its indices. Floats narrower than f32
    compute in f32. A broadcast reads its input through a projected map wherever the extents are known to be 1 or equal, and
    decides at run time elsewhere; function arguments whose `thresh.dims` names agree have equal extents. Extents of
    intermediate tensors are read from the arguments that they stem from.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::thresh::ThreshDialect"];
}

#endif // THRESH_COMPILER_CONVERSION_THRESHTOLINALG_PASSES_TD
