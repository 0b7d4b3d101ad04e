//===- OnnxFrontend.h - Reads an ONNX model into the graph stage ---------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_ONNXFRONTEND_H
#define THRESH_COMPILER_FRONTEND_ONNX_ONNXFRONTEND_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

namespace thresh {

/// What the caller fixes before import.
struct OnnxImportOptions {
  /// Extents of symbolic dimensions: the model's `dim_param` name -> extent >= 0.
  llvm::StringMap<int64_t> dims;
};

/// Reads the ONNX file at `path` into a module of the graph stage: one `func.func @main` and the
/// `thresh.parameter`s it loads. Loads the dialects it needs into `context`. Weights stay in their files.
/// On failure an error has been emitted through `context` and the result is null.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path, mlir::MLIRContext &context,
                                             const OnnxImportOptions &options = {});

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_ONNXFRONTEND_H
