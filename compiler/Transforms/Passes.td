//===- Passes.td - Our own transformations ----------------------*- tablegen -*-===//
//
// In the order of the pipeline (compiler/Pipeline/Pipeline.cpp). What upstream offers is not repeated here.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TRANSFORMS_PASSES_TD
#define THRESH_COMPILER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseSparseKernelsPass : Pass<"thresh-choose-sparse-kernels", "::mlir::ModuleOp"> {
  let summary = "replaces sparse ops by the ops that sparse kernels compute";
  let description = [{
    A feed-forward block becomes the product that predicts, `thresh.choose_rows` and `thresh.active_rows`, which reads its weights neuron
    by neuron: copies of the parameters, beside those that dense products read. Many rows that choose many neurons each stay dense. Attention of one
    query with a statistical top-k becomes `thresh.attend_chosen`. An op that no kernel computes stays, and a remark says why.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::thresh::ThreshDialect"];
}

def ExpandSparsePass : Pass<"thresh-expand-sparse", "::mlir::ModuleOp"> {
  let summary = "rewrites sparse ops into the dense ops that they mean";
  let description = [{
    The result is the oracle of the sparse kernels, and what runs where there is none. A remark at each op says what it
    costs, unless `silent`.
  }];
  let options = [Option<"silent", "silent", "bool", "false", "no remarks: dense ops are what was asked for">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::thresh::ThreshDialect"];
}

def QuantizeParametersPass : Pass<"thresh-quantize-parameters", "::mlir::ModuleOp"> {
  let summary = "stores the matrices of products and gathers in a narrower format";
  let description = [{
    Works on graph ops. With q8 and q4, `thresh.matmul` and `thresh.gather` of a matrix parameter become `thresh.quantized_matmul` and
    `thresh.quantized_gather` of its codes and scales; a matrix whose depth is no multiple of 32, or whose values something else reads,
    stays as it is, with a remark. With bf16 and f16 the parameter's elements change, and its readers widen them. `thresh.active_rows`
    reads rows in every format.
  }];
  let options = [Option<"format", "format", "::thresh::WeightFormat", "::thresh::WeightFormat::None", "how matrices are stored",
    [{::llvm::cl::values(
      clEnumValN(::thresh::WeightFormat::None, "none", "as the graph has them"),
      clEnumValN(::thresh::WeightFormat::F16, "f16", "half floats"),
      clEnumValN(::thresh::WeightFormat::BF16, "bf16", "bfloat16"),
      clEnumValN(::thresh::WeightFormat::Q8, "q8", "8 bits and an f16 scale per 32"),
      clEnumValN(::thresh::WeightFormat::Q4, "q4", "4 bits and an f16 scale per 32"))}]>];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::thresh::ThreshDialect"];
}

def NarrowStatesPass : Pass<"thresh-narrow-states", "::mlir::ModuleOp"> {
  let summary = "stores the f32 states of a session in half floats";
  let description = [{ Appended rows are rounded to nearest, rows read are widened: attention computes in f32. }];
  let options = [Option<"format", "format", "::thresh::CacheFormat", "::thresh::CacheFormat::F32", "how states are stored",
    [{::llvm::cl::values(
      clEnumValN(::thresh::CacheFormat::F32, "f32", "as the graph has them"),
      clEnumValN(::thresh::CacheFormat::F16, "f16", "half floats"),
      clEnumValN(::thresh::CacheFormat::BF16, "bf16", "bfloat16"))}]>];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::thresh::ThreshDialect"];
}

def QuantizeStatesPass : Pass<"thresh-quantize-states", "::mlir::ModuleOp"> {
  let summary = "stores the f32 states of a session as 8-bit integers and a scale per row";
  let description = [{
    A state [tokens, ..., depth] becomes one of i8 and one of f32 scales [tokens, ...]. Appended rows are rounded to the
    nearest multiple of max|x| / 127, rows read are multiplied out: contractions do that as they read.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::thresh::ThreshDialect"];
}

def LowerTensorOpsPass : Pass<"thresh-lower-tensor-ops", "::mlir::func::FuncOp"> {
  let summary = "slices, concatenations, pads and generated tensors become linalg.generic";
  let description = [{
    `tensor.extract_slice`, `tensor.concat`, `tensor.pad` and `tensor.generate` turn into element-wise `linalg.generic` ops
    that fuse with their neighbours and become kernels.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FuseElementwisePass : Pass<"thresh-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "upstream's elementwise fusion under our cost rule";
  let description = [{
    A producer with one user is fused into it, except that only data movement (transposes, broadcasts, slices) is fused into
    a contraction or under a reduction that would recompute it. Reshapes stay: between kernels they are free views.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect"];
}

def PackParametersPass : Pass<"thresh-pack-parameters", "::mlir::ModuleOp"> {
  let summary = "chooses the stored layout of the matrices that contractions multiply by";
  let description = [{
    A parameter that contractions read as their matrix [K, N] (or [N, K]) is packed into panels of 16 columns,
    [ceil(N/16), K, 16]: the layout serves every vector width, so that all targets of a library share one weights file.
    Transposed reads are folded into the packing; reads of single elements (a gather from a tied embedding) follow it.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::thresh::ThreshDialect"];
}

def InterleaveRowsPass : Pass<"thresh-interleave-rows", "::mlir::ModuleOp"> {
  let summary = "lays the rows that a neuron needs side by side";
  let description = [{
    The matrices that `thresh.active_rows` reads row by row (up and down projection, codes and scales) become parts of one
    record a neuron: a chosen neuron is one place in memory instead of up to four. Matrices that anything else reads, or
    other ops in other company, stay as they are.
  }];
  let dependentDialects = ["::thresh::ThreshDialect"];
}

def FormKernelsPass : Pass<"thresh-form-kernels", "::mlir::ModuleOp"> {
  let summary = "groups linalg ops into kernels and replaces them by launches";
  let description = [{
    Each group, and each op of SparseKernelOpInterface, becomes one `thresh.kernel` (one Halide pipeline) and one `thresh.launch`; equal kernels
    are shared. An op that
    no kernel can hold stays as it is, runs as MLIR loops, and is reported by a remark.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::thresh::ThreshDialect"];
}

def BindEntryPointsPass : Pass<"thresh-bind-entry-points", "::mlir::ModuleOp"> {
  let summary = "inputs and outputs become thresh.input and thresh.output";
  let description = [{
    Entry points lose their arguments and results: inputs are read from the running call, results are computed
    straight into the outputs' memory where their producer allows it.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect", "::thresh::ThreshDialect"];
}

def BufferizeEntryPointsPass : Pass<"thresh-bufferize-entry-points", "::mlir::ModuleOp"> {
  let summary = "upstream's one-shot bufferization of the entry points; kernels stay on tensors";
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def PlanMemoryPass : Pass<"thresh-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "all temporary buffers share one arena";
  let description = [{
    Buffers whose lifetimes do not overlap share a slot; slot sizes and offsets are computed from the dynamic extents at the start of the
    call. An extent that depends on data is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::thresh::ThreshDialect"];
}

#endif // THRESH_COMPILER_TRANSFORMS_PASSES_TD
