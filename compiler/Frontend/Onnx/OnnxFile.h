//===- OnnxFile.h - A parsed ONNX file whose payloads stay on disk -------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_ONNXFILE_H
#define THRESH_COMPILER_FRONTEND_ONNX_ONNXFILE_H

#include "compiler/Frontend/Onnx/onnx-ml.pb.h"

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace thresh {

/// An ONNX file: the message without its tensor payloads, and the mapped bytes.
///
/// `raw_data` and packed `float_data` and `double_data` never enter the protobuf objects. In their place
/// `TensorProto.segment` holds [begin, end), the payload's bytes in the file, little-endian and row-major. ONNX itself
/// does not use segments, and a file that has them is rejected.
class OnnxFile {
public:
  /// Maps and parses `path`. Emits an error at `loc` when the file cannot be read or is not an ONNX model.
  static mlir::FailureOr<std::unique_ptr<OnnxFile>> open(llvm::StringRef path, mlir::Location loc);

  const onnx::ModelProto &model() const { return message; }
  /// The path as the caller gave it.
  llvm::StringRef path() const { return filePath; }
  /// All bytes of the file; mapped, so untouched pages cost nothing.
  llvm::StringRef bytes() const { return buffer->getBuffer(); }

private:
  std::string filePath;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  onnx::ModelProto message;
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_ONNXFILE_H
