//===- Emitter.cpp - Graph-stage ops with their sizes --------------------===//
#include "compiler/Frontend/Onnx/Emitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace thresh;

//===- Making tensors ------------------------------------------------------===//

Tensor Emitter::wrap(Value value, ArrayRef<Size> sizes, bool isUnsigned) {
  auto type = llvm::cast<RankedTensorType>(value.getType());
  Tensor tensor{value, type.getElementType(), Sizes(sizes), isUnsigned, std::nullopt};
  for (auto [size, extent] : llvm::zip_equal(tensor.sizes, type.getShape()))
    if (!ShapedType::isDynamic(extent))
      size = math.constant(extent);
  assert(tensor.type() == type && "sizes known to the importer but not to the type");
  return tensor;
}

Tensor Emitter::constant(DenseElementsAttr elements, bool isUnsigned) {
  auto type = llvm::cast<RankedTensorType>(elements.getType());
  Tensor tensor{Value(), type.getElementType(), math.constants(type.getShape()), isUnsigned, std::nullopt};
  bool tracked =
      type.getElementType().isInteger(64) || type.getElementType().isInteger(32) || type.getElementType().isInteger(1);
  if (tracked && !isUnsigned && type.getNumElements() <= maxShapeElements) {
    tensor.elements.emplace();
    bool isBool = type.getElementType().isInteger(1);
    for (const APInt &element : elements.getValues<APInt>())
      tensor.elements->push_back(math.constant(isBool ? element.getZExtValue() : element.getSExtValue()));
    return tensor;
  }
  tensor.value = arith::ConstantOp::create(builder, elements);
  return tensor;
}

Tensor Emitter::shapeValue(Sizes elements, Sizes sizes, Type elementType) {
  return Tensor{Value(), elementType, std::move(sizes), false, std::move(elements)};
}

Value Emitter::value(const Tensor &tensor) {
  if (tensor.value)
    return tensor.value;
  RankedTensorType type = tensor.type();
  unsigned width = type.getElementType().getIntOrFloatBitWidth();
  if (llvm::all_of(*tensor.elements, [](Size element) { return SizeMath::known(element).has_value(); })) {
    SmallVector<APInt> numbers;
    for (Size element : *tensor.elements)
      numbers.push_back(APInt(64, *SizeMath::known(element), /*isSigned=*/true).trunc(width));
    return arith::ConstantOp::create(builder, DenseElementsAttr::get(type, numbers));
  }
  SmallVector<Value> scalars;
  for (Size element : *tensor.elements) {
    Value scalar = math.value(element);
    if (width == 1)
      scalar = arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, scalar, math.value(math.constant(0)));
    else
      scalar = arith::IndexCastOp::create(builder, type.getElementType(), scalar);
    scalars.push_back(scalar);
  }
  return tensor::FromElementsOp::create(builder, type, scalars);
}

static Value splatAttribute(Emitter &emit, ArrayRef<Size> sizes, TypedAttr element) {
  Tensor shape{Value(), element.getType(), Sizes(sizes), false, std::nullopt};
  if (shape.type().hasStaticShape())
    return arith::ConstantOp::create(emit.builder, DenseElementsAttr::get(shape.type(), Attribute(element)));
  auto scalarType = RankedTensorType::get({}, element.getType());
  Value scalar = arith::ConstantOp::create(emit.builder, DenseElementsAttr::get(scalarType, Attribute(element)));
  return BroadcastOp::create(emit.builder, shape.type(), scalar, emit.dynamicSizes(sizes));
}

Value Emitter::splat(Type elementType, ArrayRef<Size> sizes, double number) {
  if (!isa<FloatType>(elementType))
    return splatInteger(elementType, sizes, static_cast<int64_t>(number));
  return splatAttribute(*this, sizes, builder.getFloatAttr(elementType, number));
}

Value Emitter::splatInteger(Type elementType, ArrayRef<Size> sizes, int64_t number) {
  APInt bits = APInt(64, number, /*isSigned=*/true).trunc(elementType.getIntOrFloatBitWidth());
  return splatAttribute(*this, sizes, builder.getIntegerAttr(elementType, bits));
}

SmallVector<Value> Emitter::dynamicSizes(ArrayRef<Size> sizes) {
  SmallVector<Value> values;
  for (Size size : sizes)
    if (auto value = dyn_cast<Value>(size))
      values.push_back(value);
  return values;
}

Value Emitter::empty(Type elementType, ArrayRef<Size> sizes) {
  return tensor::EmptyOp::create(builder, llvm::to_vector(sizes), elementType);
}

//===- Shapes --------------------------------------------------------------===//

void Emitter::check(Size condition, StringRef format, Size a, Size b) {
  if (SizeMath::isKnown(condition, 1))
    return;
  Value zero = math.value(math.constant(0));
  Value holds = arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, math.value(condition), zero);
  Value numbers[] = {arith::IndexCastOp::create(builder, builder.getI64Type(), math.value(a)),
                     arith::IndexCastOp::create(builder, builder.getI64Type(), math.value(b))};
  CheckOp::create(builder, holds, builder.getStringAttr(format), numbers);
}

void Emitter::checkEqual(Size a, Size b, StringRef format) {
  if (checked.insert({a.getOpaqueValue(), b.getOpaqueValue()}).second)
    check(math.equal(a, b), format, a, b);
}

/// min(other, c), c > 1, against `other`: the two either agree or cannot be broadcast. The case of tables sliced to the
/// length of the input.
static bool isClampOf(Emitter &emit, Size clamped, Size other) {
  std::optional<std::pair<Size, Size>> minimum = emit.math.minimumOf(clamped);
  return minimum && minimum->first == other && SizeMath::known(minimum->second).value_or(0) > 1;
}

/// The extent that `a` and `b` broadcast to, or nothing when they cannot.
static std::optional<Size> broadcastSize(Emitter &emit, Size a, Size b) {
  constexpr const char *format = "sizes %lld and %lld do not broadcast";
  if (a == b || SizeMath::isKnown(b, 1))
    return a;
  if (SizeMath::isKnown(a, 1))
    return b;
  if (SizeMath::known(a) && SizeMath::known(b))
    return std::nullopt;
  if (isClampOf(emit, a, b) || isClampOf(emit, b, a)) {
    emit.checkEqual(a, b, format);
    return isClampOf(emit, a, b) ? b : a;
  }
  SizeMath &math = emit.math;
  Size one = math.constant(1);
  Size result = SizeMath::known(a) ? a : SizeMath::known(b) ? b : math.select(math.equal(a, one), b, a);
  for (Size size : {a, b})
    if (size != result)
      emit.checkEqual(math.select(math.equal(size, one), result, size), result, format);
  return result;
}

FailureOr<Sizes> Emitter::broadcastSizes(ArrayRef<Size> a, ArrayRef<Size> b) {
  Sizes result(std::max(a.size(), b.size()), math.constant(1));
  for (size_t i = 0; i < result.size(); ++i) {
    Size sizeA = i < a.size() ? a[a.size() - 1 - i] : math.constant(1);
    Size sizeB = i < b.size() ? b[b.size() - 1 - i] : math.constant(1);
    std::optional<Size> size = broadcastSize(*this, sizeA, sizeB);
    if (!size)
      return error() << "cannot broadcast dimension sizes " << *SizeMath::known(sizeA) << " and "
                     << *SizeMath::known(sizeB);
    result[result.size() - 1 - i] = *size;
  }
  return result;
}

Tensor Emitter::broadcast(const Tensor &tensor, ArrayRef<Size> sizes) {
  bool same = tensor.sizes.size() == sizes.size();
  for (size_t i = 0; same && i < sizes.size(); ++i)
    same = tensor.sizes[i] == sizes[i] || isClampOf(*this, tensor.sizes[i], sizes[i]);
  Value source = value(tensor);
  Tensor result{source, tensor.elementType, Sizes(sizes), tensor.isUnsigned, std::nullopt};
  if (same)
    return result;
  DenseElementsAttr elements;
  if (matchPattern(source, m_Constant(&elements)) && elements.isSplat() && result.type().hasStaticShape())
    result.value = arith::ConstantOp::create(builder, elements.resizeSplat(result.type()));
  else
    result.value = BroadcastOp::create(builder, result.type(), source, dynamicSizes(sizes));
  return result;
}

FailureOr<SmallVector<Tensor>> Emitter::broadcastAll(ArrayRef<Tensor> tensors) {
  Sizes sizes = tensors.front().sizes;
  for (const Tensor &tensor : tensors.drop_front()) {
    FailureOr<Sizes> common = broadcastSizes(sizes, tensor.sizes);
    if (failed(common))
      return failure();
    sizes = *common;
  }
  SmallVector<Tensor> results;
  for (const Tensor &tensor : tensors)
    results.push_back(broadcast(tensor, sizes));
  return results;
}

Tensor Emitter::reshape(const Tensor &tensor, ArrayRef<Size> sizes) {
  Tensor result = tensor;
  result.sizes = Sizes(sizes);
  if (tensor.sizes == result.sizes || !tensor.value)
    return result;
  result.value = ReshapeOp::create(builder, result.type(), tensor.value, dynamicSizes(sizes));
  return result;
}

Tensor Emitter::transpose(const Tensor &tensor, ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation))
    return tensor;
  Sizes sizes;
  for (int64_t dimension : permutation)
    sizes.push_back(tensor.sizes[dimension]);
  return wrap(TransposeOp::create(builder, value(tensor), permutation), sizes, tensor.isUnsigned);
}

Tensor Emitter::slice(const Tensor &tensor, ArrayRef<Size> offsets, ArrayRef<Size> sizes, ArrayRef<Size> strides) {
  if (tensor.sizes == Sizes(sizes) && llvm::all_of(strides, [](Size stride) { return SizeMath::isKnown(stride, 1); }))
    return tensor;
  Value result = tensor::ExtractSliceOp::create(builder, value(tensor), offsets, sizes, strides);
  return wrap(result, sizes, tensor.isUnsigned);
}

Tensor Emitter::pad(const Tensor &tensor, ArrayRef<Size> low, ArrayRef<Size> high, ArrayRef<Size> sizes, Value fill) {
  Tensor result{Value(), tensor.elementType, Sizes(sizes), tensor.isUnsigned, std::nullopt};
  result.value = tensor::PadOp::create(builder, result.type(), value(tensor), low, high, fill);
  return result;
}

Tensor Emitter::concat(ArrayRef<Tensor> tensors, int64_t axis) {
  Tensor result = tensors.front();
  result.elements.reset();
  result.sizes[axis] = math.constant(0);
  SmallVector<Value> values;
  for (const Tensor &tensor : tensors) {
    values.push_back(value(tensor));
    result.sizes[axis] = math.add(result.sizes[axis], tensor.sizes[axis]);
  }
  result.value = values.size() == 1 ? values.front() : tensor::ConcatOp::create(builder, result.type(), axis, values);
  return result;
}

//===- Elementwise ---------------------------------------------------------===//

static Value castFloat(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type) {
  unsigned from = getElementTypeOrSelf(value).getIntOrFloatBitWidth();
  unsigned to = type.getElementTypeBitWidth();
  if (from == to) {
    value = arith::ExtFOp::create(builder, type.clone(builder.getF32Type()), value);
    return arith::TruncFOp::create(builder, type, value);
  }
  if (from < to)
    return arith::ExtFOp::create(builder, type, value);
  return arith::TruncFOp::create(builder, type, value);
}

static Value castInteger(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, bool isUnsigned) {
  unsigned from = getElementTypeOrSelf(value).getIntOrFloatBitWidth();
  unsigned to = type.getElementTypeBitWidth();
  if (from == to)
    return value;
  if (from > to)
    return arith::TruncIOp::create(builder, type, value);
  if (isUnsigned || from == 1)
    return arith::ExtUIOp::create(builder, type, value);
  return arith::ExtSIOp::create(builder, type, value);
}

Tensor Emitter::cast(const Tensor &tensor, Type elementType, bool isUnsigned) {
  Value source = value(tensor);
  Tensor result{source, elementType, tensor.sizes, isUnsigned, std::nullopt};
  if (tensor.elementType == elementType)
    return result;
  RankedTensorType type = result.type();
  bool fromFloat = isa<FloatType>(tensor.elementType), toFloat = isa<FloatType>(elementType);
  bool fromUnsigned = tensor.isUnsigned || tensor.elementType.isInteger(1);
  if (elementType.isInteger(1)) {
    Value zero = splatLike(tensor, 0);
    result.value = fromFloat ? Value(arith::CmpFOp::create(builder, arith::CmpFPredicate::UNE, source, zero))
                             : Value(arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, source, zero));
  } else if (fromFloat && toFloat) {
    result.value = castFloat(builder, source, type);
  } else if (fromFloat) {
    result.value = isUnsigned ? Value(arith::FPToUIOp::create(builder, type, source))
                              : Value(arith::FPToSIOp::create(builder, type, source));
  } else if (toFloat) {
    result.value = fromUnsigned ? Value(arith::UIToFPOp::create(builder, type, source))
                                : Value(arith::SIToFPOp::create(builder, type, source));
  } else {
    result.value = castInteger(builder, source, type, fromUnsigned);
  }
  return result;
}

Tensor Emitter::widen(const Tensor &tensor) {
  bool narrow = isa<FloatType>(tensor.elementType) && tensor.elementType.getIntOrFloatBitWidth() < 32;
  return narrow ? cast(tensor, builder.getF32Type(), false) : tensor;
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value)); }

Value Emitter::add(Value a, Value b) {
  return isFloat(a) ? Value(arith::AddFOp::create(builder, a, b)) : Value(arith::AddIOp::create(builder, a, b));
}

Value Emitter::sub(Value a, Value b) {
  return isFloat(a) ? Value(arith::SubFOp::create(builder, a, b)) : Value(arith::SubIOp::create(builder, a, b));
}

Value Emitter::mul(Value a, Value b) {
  return isFloat(a) ? Value(arith::MulFOp::create(builder, a, b)) : Value(arith::MulIOp::create(builder, a, b));
}

Value Emitter::div(Value a, Value b, bool isUnsigned) {
  if (isFloat(a))
    return arith::DivFOp::create(builder, a, b);
  return isUnsigned ? Value(arith::DivUIOp::create(builder, a, b)) : Value(arith::DivSIOp::create(builder, a, b));
}

Value Emitter::max(Value a, Value b, bool isUnsigned) {
  if (isFloat(a))
    return arith::MaximumFOp::create(builder, a, b);
  return isUnsigned ? Value(arith::MaxUIOp::create(builder, a, b)) : Value(arith::MaxSIOp::create(builder, a, b));
}

Value Emitter::min(Value a, Value b, bool isUnsigned) {
  if (isFloat(a))
    return arith::MinimumFOp::create(builder, a, b);
  return isUnsigned ? Value(arith::MinUIOp::create(builder, a, b)) : Value(arith::MinSIOp::create(builder, a, b));
}

Value Emitter::less(Value a, Value b, bool isUnsigned) {
  if (isFloat(a))
    return arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, a, b);
  auto predicate = isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
  return arith::CmpIOp::create(builder, predicate, a, b);
}

Value Emitter::equal(Value a, Value b) {
  if (isFloat(a))
    return arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, a, b);
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, a, b);
}

Value Emitter::select(Value condition, Value a, Value b) { return arith::SelectOp::create(builder, condition, a, b); }

//===- Others --------------------------------------------------------------===//

/// `sizes` after a reduction of `dimensions`.
static Sizes reducedSizes(Emitter &emit, ArrayRef<Size> sizes, ArrayRef<int64_t> dimensions, bool keepDims) {
  Sizes result;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!llvm::is_contained(dimensions, int64_t(i)))
      result.push_back(size);
    else if (keepDims)
      result.push_back(emit.math.constant(1));
  return result;
}

Tensor Emitter::reduce(ReduceKind kind, const Tensor &tensor, ArrayRef<int64_t> dimensions, bool keepDims) {
  Sizes sizes = reducedSizes(*this, tensor.sizes, dimensions, keepDims);
  SmallVector<int64_t> ascending(dimensions);
  llvm::sort(ascending);
  Tensor result{Value(), tensor.elementType, sizes, tensor.isUnsigned, std::nullopt};
  result.value = ReduceOp::create(builder, result.type(), kind, value(tensor), ascending, keepDims);
  return result;
}

Tensor Emitter::argReduce(ArgReduceKind kind, const Tensor &tensor, int64_t dimension, bool selectLast, bool keepDims) {
  Sizes sizes = reducedSizes(*this, tensor.sizes, dimension, keepDims);
  Tensor result{Value(), builder.getI64Type(), sizes, false, std::nullopt};
  result.value = ArgReduceOp::create(builder, result.type(), kind, value(tensor), dimension, selectLast, keepDims);
  return result;
}

Tensor Emitter::matmul(const Tensor &lhs, const Tensor &rhs, bool transposeRhs) {
  Tensor result = lhs;
  result.elements.reset();
  result.sizes.back() = transposeRhs ? rhs.sizes[rhs.rank() - 2] : rhs.sizes.back();
  result.value = MatmulOp::create(builder, result.type(), value(lhs), value(rhs), transposeRhs);
  return result;
}

Tensor Emitter::contract(const Tensor &lhs, ArrayRef<int64_t> lhsDims, const Tensor &rhs, ArrayRef<int64_t> rhsDims,
                         ArrayRef<Size> sizes) {
  unsigned rank = sizes.size();
  auto mapOf = [&](ArrayRef<int64_t> dims) {
    return AffineMap::getMultiDimMapWithTargets(rank + 1, llvm::to_vector_of<unsigned>(dims), builder.getContext());
  };
  SmallVector<AffineMap> maps = {mapOf(lhsDims), mapOf(rhsDims),
                                 builder.getMultiDimIdentityMap(rank + 1).dropResult(rank)};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value zero = arith::ConstantOp::create(builder, builder.getFloatAttr(lhs.elementType, 0));
  Value start = linalg::FillOp::create(builder, zero, empty(lhs.elementType, sizes)).getResult(0);
  SmallVector<Value> operands = {value(lhs), value(rhs)};
  auto generic = linalg::GenericOp::create(builder, start.getType(), operands, start, maps, iterators,
                                           [](OpBuilder &b, Location loc, ValueRange arguments) {
                                             Value product = arith::MulFOp::create(b, loc, arguments[0], arguments[1]);
                                             Value sum = arith::AddFOp::create(b, loc, arguments[2], product);
                                             linalg::YieldOp::create(b, loc, sum);
                                           });
  return wrap(generic.getResult(0), sizes);
}

Tensor Emitter::writeRows(const Tensor &past, const Tensor &rows, const Tensor &starts, int64_t axis,
                          ArrayRef<Size> sizes) {
  Value memory = empty(past.elementType, sizes);
  auto write = WriteRowsOp::create(builder, memory.getType(), value(past), value(rows), value(starts), memory, axis);
  return wrap(write.getResult(), sizes, past.isUnsigned);
}

Tensor Emitter::generate(Type elementType, ArrayRef<Size> sizes, ArrayRef<Tensor> inputs, Body body, bool isUnsigned) {
  SmallVector<Value> operands;
  for (const Tensor &input : inputs)
    operands.push_back(value(input));
  Value init = empty(elementType, sizes);
  SmallVector<AffineMap> maps(inputs.size() + 1, builder.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(), utils::IteratorType::parallel);
  auto generic =
      linalg::GenericOp::create(builder, init.getType(), operands, init, maps, iterators,
                                [&](OpBuilder &inner, Location loc, ValueRange arguments) {
                                  SmallVector<Value> indices;
                                  for (size_t i = 0; i < sizes.size(); ++i)
                                    indices.push_back(linalg::IndexOp::create(inner, loc, i));
                                  linalg::YieldOp::create(inner, loc, body(inner, loc, indices, arguments.drop_back()));
                                });
  return wrap(generic.getResult(0), sizes, isUnsigned);
}
