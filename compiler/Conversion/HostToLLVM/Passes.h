//===- Passes.h - Host code to the LLVM dialect --------------------------------===//
#ifndef THRESH_COMPILER_CONVERSION_HOSTTOLLVM_PASSES_H
#define THRESH_COMPILER_CONVERSION_HOSTTOLLVM_PASSES_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/Pass.h"

namespace thresh {

/// Attribute of thresh.parameter: bytes from the start of the packed weights.
constexpr llvm::StringLiteral kParameterOffsetAttr = "thresh.offset";

/// Attribute of thresh.state: bytes from the start of the session's state memory.
constexpr llvm::StringLiteral kStateOffsetAttr = "thresh.offset";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/HostToLLVM/Passes.h.inc"

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_HOSTTOLLVM_PASSES_H
