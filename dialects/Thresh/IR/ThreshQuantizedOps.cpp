//===- ThreshQuantizedOps.cpp - Ops on quantised matrices -------------------===//
#include "dialects/Thresh/IR/ThreshVerification.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace thresh;

/// The layout is the packer's.
static constexpr int64_t kPanel = PackAttr::kPanel, kTogether = PackAttr::kTogether, kGroup = PackAttr::kGroup;

/// Whether codes and scales are those of a matrix of `rows` rows; `columns` gets its number of columns.
template <typename OpTy> static LogicalResult checkMatrix(OpTy op, int64_t rows, int64_t &columns) {
  ArrayRef<int64_t> codes = op.getCodes().getType().getShape(), scales = op.getScales().getType().getShape();
  int64_t perByte = op.getFormat() == QuantFormat::Q4 ? 2 : 1, panels = llvm::divideCeil(rows, kPanel);
  columns = codes[1] * kTogether * perByte;
  // quantized_matmul_c1, quantized_gather_c1
  if (!op.getCodes().getType().hasStaticShape() || codes[0] != panels || codes[2] != kPanel || codes[3] != kTogether ||
      columns % kGroup != 0)
    return op.emitOpError("expects codes [")
           << panels << ", K / " << kTogether * perByte << ", " << kPanel << ", " << kTogether << "] of " << rows
           << " rows, K a multiple of " << kGroup << ", but got " << formatShape(codes);
  // quantized_matmul_c2, quantized_gather_c2
  int64_t expected[] = {panels, columns / kGroup, kPanel};
  if (scales != ArrayRef<int64_t>(expected))
    return op.emitOpError("expects scales ")
           << formatShape(expected) << " for these codes, but got " << formatShape(scales);
  return success();
}

//===----------------------------------------------------------------------===//
// QuantizedMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult QuantizedMatmulOp::verify() {
  RankedTensorType lhs = getLhs().getType(), result = getResult().getType();
  // quantized_matmul_c3
  if (result.isDynamicDim(1) || !areCompatibleExtents(lhs.getDimSize(0), result.getDimSize(0)))
    return emitOpError("expects a result of the lhs's rows and a static number of columns, but got ") << result;
  int64_t depth;
  if (failed(checkMatrix(*this, result.getDimSize(1), depth)))
    return failure();
  // quantized_matmul_c4
  if (lhs.getDimSize(1) != depth)
    return emitOpError("expects a lhs of ") << depth << " columns, but got " << lhs;
  return success();
}

LogicalResult QuantizedMatmulOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = {extentOf(builder, getLoc(), getLhs(), 0),
                                     builder.getIndexAttr(getResult().getType().getDimSize(1))};
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, getResult().getType()));
  return success();
}

//===----------------------------------------------------------------------===//
// QuantizedGatherOp
//===----------------------------------------------------------------------===//

LogicalResult QuantizedGatherOp::verify() {
  int64_t columns;
  // quantized_gather_c3
  if (getRows() < 1)
    return emitOpError("expects at least one row, but got ") << getRows();
  if (failed(checkMatrix(*this, getRows(), columns)))
    return failure();
  // quantized_gather_c4
  SmallVector<int64_t> shape(getIndices().getType().getShape());
  shape.push_back(columns);
  RankedTensorType expected = getResult().getType().clone(shape);
  if (!areCompatibleTypes(TypeRange(expected), TypeRange(getResult().getType())))
    return emitOpError("expects a result of type ") << expected << ", but got " << getResult().getType();
  return success();
}

LogicalResult QuantizedGatherOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0, rank = getIndices().getType().getRank(); dim < rank; ++dim)
    sizes.push_back(extentOf(builder, getLoc(), getIndices(), dim));
  sizes.push_back(builder.getIndexAttr(getResult().getType().getShape().back()));
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, getResult().getType()));
  return success();
}
