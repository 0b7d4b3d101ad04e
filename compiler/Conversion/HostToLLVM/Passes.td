//===- Passes.td - Host code to the LLVM dialect ----------------*- tablegen -*-===//
#ifndef THRESH_COMPILER_CONVERSION_HOSTTOLLVM_PASSES_TD
#define THRESH_COMPILER_CONVERSION_HOSTTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerCopiesPass : Pass<"thresh-lower-copies", "::mlir::func::FuncOp"> {
  let summary = "copies between strided memrefs become linalg.generic";
  let description = [{ Upstream lowers such a copy to a call of a library that a compiled model does not carry. }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def LowerExpandShapesPass : Pass<"thresh-lower-expand-shapes", "::mlir::func::FuncOp"> {
  let summary = "memref.expand_shape into several unknown extents becomes memref.reinterpret_cast";
  let description = [{ Upstream's -expand-strided-metadata, which comes next, handles at most one unknown extent per group and crashes on more. }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def LowerRowWritesPass : Pass<"thresh-lower-row-writes", "::mlir::func::FuncOp"> {
  let summary = "thresh.write_rows becomes copies of contiguous rows, in place where past and destination are one memory";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def LowerHostOpsPass : Pass<"thresh-lower-host-ops", "::mlir::ModuleOp"> {
  let summary = "entry points take a thresh_abi_call and host ops become loads, stores and calls";
  let description = [{
    Every function becomes `i32 f(const thresh_abi_call *)` (runtime/include/thresh/abi.h); `thresh.launch` fills
    halide_buffer_t structs on the stack and calls the kernel. A failing op returns 1 at once. What remains is upstream
    memref, arith and cf code, for upstream's conversions. Needs functions without regions (after scf-to-cf) and the attribute
    `thresh.offset` (bytes) on every parameter.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::cf::ControlFlowDialect"];
}

#endif // THRESH_COMPILER_CONVERSION_HOSTTOLLVM_PASSES_TD
