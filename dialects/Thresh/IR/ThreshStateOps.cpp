//===- ThreshStateOps.cpp - Verifiers of the state ops ------------------------===//
#include "dialects/Thresh/IR/ThreshVerification.h"

using namespace mlir;
using namespace thresh;

LogicalResult StateOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  // state_c1
  if (!type.hasStaticShape() || type.getRank() < 1 || !type.getElementType().isIntOrFloat())
    return emitOpError("expects a static shape of rank 1 or more, of integers or floats, but got ") << type;
  // state_c2
  if (std::optional<int64_t> window = getWindow(); window && (*window < 1 || *window > type.getDimSize(0)))
    return emitOpError("expects a window of 1 to ") << type.getDimSize(0) << " tokens, but got " << *window;
  return success();
}

/// The rows of a state as a call sees them: any number of them, the state's other dimensions and elements.
static LogicalResult verifyRows(Operation *op, FlatSymbolRefAttr name, Type rows, SymbolTableCollection &symbols) {
  // state_use_c1
  auto state = symbols.lookupNearestSymbolFrom<StateOp>(op, name);
  if (!state)
    return op->emitOpError("expects @") << name.getValue() << " to name a " << StateOp::getOperationName();
  // state_use_c2
  auto declared = cast<ShapedType>(state.getType());
  auto used = cast<ShapedType>(rows);
  if (!used.hasRank() || used.getRank() != declared.getRank() || used.getElementType() != declared.getElementType() ||
      used.getShape().drop_front() != declared.getShape().drop_front())
    return op->emitOpError("expects rows of ") << declared << ", but got " << rows;
  return success();
}

LogicalResult AppendStateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyRows(*this, getStateAttr(), getRows().getType(), symbols);
}

LogicalResult ReadStateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyRows(*this, getStateAttr(), getResult().getType(), symbols);
}

LogicalResult ReadStateOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  auto type = dyn_cast<RankedTensorType>(getResult().getType());
  if (!type)
    return failure();
  SmallVector<OpFoldResult> sizes = {getLength()};
  for (int64_t extent : type.getShape().drop_front())
    sizes.push_back(builder.getIndexAttr(extent));
  shapes.push_back(fitSizesToType(builder, getLoc(), sizes, type));
  return success();
}

LogicalResult RecallStateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifyRows(*this, getStateAttr(), getRows().getType(), symbols)))
    return failure();
  return verifyRows(*this, getStateAttr(), getOut().getType(), symbols);
}
