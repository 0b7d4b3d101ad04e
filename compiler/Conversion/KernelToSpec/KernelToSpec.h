//===- KernelToSpec.h - thresh.kernel to KernelSpec ---------------------------===//
#ifndef THRESH_COMPILER_CONVERSION_KERNELTOSPEC_KERNELTOSPEC_H
#define THRESH_COMPILER_CONVERSION_KERNELTOSPEC_KERNELTOSPEC_H

#include "codegen/KernelSpec.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>
#include <string>

namespace thresh {

/// Why no kernel can compute `op` (an op name, an unsupported map or type), or nothing if one can.
std::optional<std::string> whyNoKernel(mlir::linalg::GenericOp op);

/// Spells a kernel as plain data for the code generator. Emits a diagnostic on failure.
mlir::FailureOr<codegen::KernelSpec> kernelToSpec(KernelOp kernel);

/// The element type as codegen names it; nothing for types that kernels do not know.
std::optional<codegen::DType> dtypeOf(mlir::Type elementType);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_KERNELTOSPEC_KERNELTOSPEC_H
