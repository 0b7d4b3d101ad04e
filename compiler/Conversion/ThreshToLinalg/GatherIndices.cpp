//===- GatherIndices.cpp - Indices that come from data ----------------------===//
#include "compiler/Conversion/ThreshToLinalg/GatherIndices.h"

#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace thresh {

static Value toI64(OpBuilder &builder, Location loc, Value index) {
  if (index.getType().isInteger(64))
    return index;
  return arith::ExtSIOp::create(builder, loc, builder.getI64Type(), index);
}

void checkGatherIndices(OpBuilder &builder, Location loc, Value indices, Value extent) {
  int64_t rank = cast<RankedTensorType>(indices.getType()).getRank();
  Value least = filledTensor(builder, loc, {}, builder.getI64IntegerAttr(0));
  Value greatest = filledTensor(builder, loc, {}, builder.getI64IntegerAttr(-1));
  AffineMap scalarMap = AffineMap::get(rank, 0, builder.getContext());
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(rank), scalarMap, scalarMap};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::reduction);
  auto range = linalg::GenericOp::create(builder, loc, TypeRange{least.getType(), greatest.getType()}, indices,
                                         ValueRange{least, greatest}, maps, iterators,
                                         [](OpBuilder &b, Location l, ValueRange args) {
                                           Value index = toI64(b, l, args[0]);
                                           Value min = arith::MinSIOp::create(b, l, index, args[1]);
                                           Value max = arith::MaxSIOp::create(b, l, index, args[2]);
                                           linalg::YieldOp::create(b, l, ValueRange{min, max});
                                         });
  Value min = tensor::ExtractOp::create(builder, loc, range.getResult(0), ValueRange{});
  Value max = tensor::ExtractOp::create(builder, loc, range.getResult(1), ValueRange{});
  Value extent64 = builder.createOrFold<arith::IndexCastOp>(loc, builder.getI64Type(), extent);
  Value zero = arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 0);
  Value lowest = builder.createOrFold<arith::SubIOp>(loc, zero, extent64);
  Value isHighEnough = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, min, lowest);
  Value isLowEnough = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, max, extent64);
  StringRef message = "gather: index %lld is outside a dimension of extent %lld";
  CheckOp::create(builder, loc, isHighEnough, message, ValueRange{min, extent64});
  CheckOp::create(builder, loc, isLowEnough, message, ValueRange{max, extent64});
}

Value gatherCoordinate(OpBuilder &builder, Location loc, Value index, Value extent) {
  Value coordinate = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), toI64(builder, loc, index));
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value isNegative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, coordinate, zero);
  Value fromEnd = arith::AddIOp::create(builder, loc, coordinate, extent);
  return arith::SelectOp::create(builder, loc, isNegative, fromEnd, coordinate);
}

} // namespace thresh
