//===- Tensor.h - What the importer knows of an ONNX value ---------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_TENSOR_H
#define THRESH_COMPILER_FRONTEND_ONNX_TENSOR_H

#include "compiler/Frontend/Onnx/SizeMath.h"

#include "mlir/IR/BuiltinTypes.h"

namespace thresh {

/// A tensor in the graph: its SSA value and its extents. The value's type has static extents exactly where `sizes` is
/// known, so tensors of equal sizes have equal shapes.
struct Tensor {
  /// Null for an absent optional value, and for a shape value nobody has used as data yet.
  mlir::Value value;
  mlir::Type elementType;
  Sizes sizes;
  /// The ONNX type is unsigned; MLIR's is signless.
  bool isUnsigned = false;
  /// The elements, row-major, of a small integer or boolean tensor that shape arithmetic produced: sizes, axes,
  /// indices.
  std::optional<Sizes> elements;

  int64_t rank() const { return static_cast<int64_t>(sizes.size()); }
  explicit operator bool() const { return elementType != nullptr; }

  /// The extents known now; ShapedType::kDynamic for the others.
  llvm::SmallVector<int64_t> staticShape() const {
    llvm::SmallVector<int64_t> shape;
    for (Size size : sizes)
      shape.push_back(SizeMath::known(size).value_or(mlir::ShapedType::kDynamic));
    return shape;
  }
  mlir::RankedTensorType type() const { return mlir::RankedTensorType::get(staticShape(), elementType); }
  /// The number of elements, when it is known now.
  std::optional<int64_t> elementCount() const {
    mlir::RankedTensorType tensorType = type();
    if (!tensorType.hasStaticShape())
      return std::nullopt;
    return tensorType.getNumElements();
  }
};

/// Integer and boolean tensors up to this many elements are tracked element by element.
constexpr int64_t maxShapeElements = 64;
/// Float tensors up to this many elements become constants, larger ones parameters.
constexpr int64_t maxConstantFloats = 16;

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_TENSOR_H
