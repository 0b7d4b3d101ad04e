//===- LinalgBuilders.cpp - What the lowerings are made of ------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;

namespace thresh {

SmallVector<OpFoldResult> resultSizes(OpBuilder &builder, Operation *op) {
  ReifiedRankedShapedTypeDims shapes;
  LogicalResult reified = cast<ReifyRankedShapedTypeOpInterface>(op).reifyResultShapes(builder, shapes);
  assert(succeeded(reified) && "every graph op reifies its shape");
  (void)reified;
  return shapes.front();
}

Value emptyTensor(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes, Type elementType) {
  return tensor::EmptyOp::create(builder, loc, sizes, elementType);
}

void replaceWithTensor(PatternRewriter &rewriter, Operation *op, Value tensor) {
  Type type = op->getResult(0).getType();
  if (tensor.getType() != type)
    tensor = tensor::CastOp::create(rewriter, op->getLoc(), type, tensor);
  rewriter.replaceOp(op, tensor);
}

Value filledTensor(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes, TypedAttr value) {
  Value scalar = arith::ConstantOp::create(builder, loc, value);
  Value empty = emptyTensor(builder, loc, sizes, value.getType());
  return linalg::FillOp::create(builder, loc, scalar, empty).getResult(0);
}

static Value createGeneric(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps, Value out,
                           ArrayRef<utils::IteratorType> iterators, ScalarBody body) {
  auto generic = linalg::GenericOp::create(builder, loc, out.getType(), inputs, out, maps, iterators,
                                           [&](OpBuilder &nested, Location bodyLoc, ValueRange args) {
                                             linalg::YieldOp::create(nested, bodyLoc, body(nested, bodyLoc, args));
                                           });
  return generic.getResult(0);
}

Value pointwise(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps, Value out,
                ScalarBody body) {
  int64_t rank = cast<RankedTensorType>(out.getType()).getRank();
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  return createGeneric(builder, loc, inputs, allMaps, out, iterators, body);
}

Value reduction(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                llvm::function_ref<bool(int64_t)> isReduced, int64_t rank, ScalarBody body) {
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(projection(builder.getContext(), rank, [&](int64_t dim) { return !isReduced(dim); }));
  SmallVector<utils::IteratorType> iterators;
  for (int64_t dim = 0; dim < rank; ++dim)
    iterators.push_back(isReduced(dim) ? utils::IteratorType::reduction : utils::IteratorType::parallel);
  return createGeneric(builder, loc, inputs, allMaps, init, iterators, body);
}

AffineMap projection(MLIRContext *context, int64_t rank, llvm::function_ref<bool(int64_t)> isKept) {
  SmallVector<AffineExpr> results;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (isKept(dim))
      results.push_back(getAffineDimExpr(dim, context));
  return AffineMap::get(rank, 0, results, context);
}

Type computeType(Type elementType) {
  auto floatType = dyn_cast<FloatType>(elementType);
  return floatType && floatType.getWidth() < 32 ? Float32Type::get(elementType.getContext()) : elementType;
}

Value convertFloat(OpBuilder &builder, Location loc, Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(builder, loc, type, value);
  return arith::TruncFOp::create(builder, loc, type, value);
}

Value floatConstant(OpBuilder &builder, Location loc, Type type, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, value));
}

Value convertTensor(OpBuilder &builder, Location loc, Value tensor, Type elementType) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == elementType)
    return tensor;
  Value out = emptyTensor(builder, loc, tensor::getMixedSizes(builder, loc, tensor), elementType);
  return pointwise(builder, loc, tensor, builder.getMultiDimIdentityMap(type.getRank()), out,
                   [&](OpBuilder &b, Location l, ValueRange args) { return convertFloat(b, l, args[0], elementType); });
}

Value elementCount(OpBuilder &builder, Location loc, Value tensor, ArrayRef<int64_t> dimensions) {
  Value count = arith::ConstantIndexOp::create(builder, loc, 1);
  for (int64_t dim : dimensions)
    count = builder.createOrFold<arith::MulIOp>(loc, count, builder.createOrFold<tensor::DimOp>(loc, tensor, dim));
  return count;
}

OpFoldResult countRows(OpBuilder &builder, Location loc, Value tensor) {
  auto dims = llvm::to_vector(llvm::seq<int64_t>(0, cast<RankedTensorType>(tensor.getType()).getRank() - 1));
  return getAsOpFoldResult(elementCount(builder, loc, tensor, dims));
}

Value indexToFloat(OpBuilder &builder, Location loc, Value index, Type type) {
  Value integer = builder.createOrFold<arith::IndexCastOp>(loc, builder.getI64Type(), index);
  return builder.createOrFold<arith::SIToFPOp>(loc, type, integer);
}

} // namespace thresh
