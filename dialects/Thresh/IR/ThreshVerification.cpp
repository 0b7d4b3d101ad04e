//===- ThreshVerification.cpp - Extents and diagnostics of the graph ops ----===//
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

bool thresh::areCompatibleTypes(TypeRange inferred, TypeRange declared) {
  if (inferred.size() != declared.size())
    return false;
  return llvm::all_of(llvm::zip_equal(inferred, declared), [](auto types) {
    auto [a, b] = types;
    return getElementTypeOrSelf(a) == getElementTypeOrSelf(b) && succeeded(verifyCompatibleShape(a, b));
  });
}

std::string thresh::formatShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  return llvm::join(llvm::map_range(shape,
                                    [](int64_t extent) {
                                      return ShapedType::isDynamic(extent) ? std::string("?") : std::to_string(extent);
                                    }),
                    "x");
}

std::optional<int64_t> thresh::staticElementCount(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    if (!ShapedType::isDynamic(extent) && llvm::MulOverflow(count, extent, count))
      return std::nullopt;
  return count;
}

OpFoldResult thresh::extentOf(OpBuilder &builder, Location loc, Value tensor, int64_t dim) {
  return tensor::getMixedSize(builder, loc, tensor, dim);
}

bool thresh::isExtentOf(Value size, Value tensor, int64_t dim) {
  auto dimOp = size.getDefiningOp<tensor::DimOp>();
  return dimOp && dimOp.getSource() == tensor && dimOp.getConstantIndex() == dim;
}

SmallVector<OpFoldResult> thresh::fitSizesToType(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes,
                                                 RankedTensorType type) {
  SmallVector<OpFoldResult> fitted;
  for (auto [size, extent] : llvm::zip_equal(sizes, type.getShape())) {
    if (ShapedType::isDynamic(extent))
      fitted.push_back(getValueOrCreateConstantIndexOp(builder, loc, size));
    else
      fitted.push_back(builder.getIndexAttr(extent));
  }
  return fitted;
}
