//===- ThreshCacheOps.cpp - Verifier and effects of write_rows --------------===//
#include "dialects/Thresh/IR/ThreshVerification.h"

using namespace mlir;
using namespace thresh;

LogicalResult WriteRowsOp::verify() {
  auto past = cast<ShapedType>(getPast().getType()), rows = cast<ShapedType>(getRows().getType());
  auto starts = cast<ShapedType>(getStarts().getType()), dest = cast<ShapedType>(getDest().getType());
  // write_rows_c1
  auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
  if (!llvm::all_of(getOperandTypes(), isTensor) && llvm::any_of(getOperandTypes(), isTensor))
    return emitOpError("expects either tensors or memrefs only, but got both");
  // write_rows_c2
  int64_t axis = getAxis(), rank = past.getRank();
  if (axis < 1 || axis >= rank)
    return emitOpError("expects an axis in [1, ") << rank << "), but got " << axis;
  // write_rows_c3
  for (ShapedType type : {rows, dest}) {
    bool fits = type.getRank() == rank && type.getElementType() == past.getElementType();
    for (int64_t dim = 0; fits && dim < rank; ++dim)
      fits = dim == axis || areCompatibleExtents(type.getDimSize(dim), past.getDimSize(dim));
    if (!fits)
      return emitOpError("expects types that differ along dimension ")
             << axis << " only, but got " << past << " and " << type;
  }
  // write_rows_c4
  if (starts.getRank() != 1 || !starts.getElementType().isInteger(64) ||
      !areCompatibleExtents(starts.getDimSize(0), past.getDimSize(0)))
    return emitOpError("expects a start of 64 bits for each entry, but got ") << starts;
  return success();
}

void WriteRowsOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<MemRefType>(getDest().getType()))
    return;
  for (OpOperand *operand : {&getPastMutable(), &getRowsMutable(), &getStartsMutable()})
    effects.emplace_back(MemoryEffects::Read::get(), operand, SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Write::get(), &getDestMutable(), SideEffects::DefaultResource::get());
}
