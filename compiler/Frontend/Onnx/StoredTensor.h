//===- StoredTensor.h - A TensorProto, checked and located ----------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_STOREDTENSOR_H
#define THRESH_COMPILER_FRONTEND_ONNX_STOREDTENSOR_H

#include "compiler/Frontend/Onnx/OnnxFile.h"

#include "dialects/Thresh/IR/ThreshDialect.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace thresh {

/// An ONNX element type in MLIR's terms.
struct ElementType {
  mlir::Type type;
  bool isUnsigned = false;
};

/// The MLIR type of an onnx::TensorProto::DataType. Emits an error naming the ONNX type when Thresh does not support
/// it.
mlir::FailureOr<ElementType> convertElementType(int32_t dataType, mlir::Location loc);

/// Bytes of one element in ONNX's storage (a boolean takes one).
int64_t storageBytes(mlir::Type elementType);

/// The ABI's name of an unsigned integer type ("u8" ... "u64").
std::string unsignedName(mlir::Type elementType);

/// A tensor of the model: a small one by value, another by where its bytes lie.
struct StoredTensor {
  mlir::RankedTensorType type;
  bool isUnsigned = false;
  /// Set for a tensor to be held in the module.
  mlir::DenseElementsAttr constant;
  /// Set for all others.
  SourceAttr source;
};

/// Decodes or locates `proto`, a tensor of `file`. Emits an error at `loc` for a wrong type, shape, length, or external
/// data outside the model's folder.
mlir::FailureOr<StoredTensor> readStoredTensor(const onnx::TensorProto &proto, const OnnxFile &file,
                                               mlir::Location loc);

/// The product of `shape` times the bytes of an element, or nothing when an extent is negative or 2^62 bytes are
/// exceeded.
std::optional<int64_t> checkedBytes(llvm::ArrayRef<int64_t> shape, mlir::Type elementType);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_STOREDTENSOR_H
