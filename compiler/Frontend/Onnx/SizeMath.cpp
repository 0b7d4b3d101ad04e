//===- SizeMath.cpp - Folding index arithmetic ---------------------------===//
#include "compiler/Frontend/Onnx/SizeMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <numeric>

using namespace mlir;
using namespace thresh;

/// Two's-complement arithmetic: what the generated code does on overflow.
static int64_t wrap(uint64_t number) { return static_cast<int64_t>(number); }

std::optional<int64_t> SizeMath::known(Size size) {
  if (Attribute attribute = dyn_cast<Attribute>(size))
    return cast<IntegerAttr>(attribute).getInt();
  return std::nullopt;
}

Sizes SizeMath::constants(ArrayRef<int64_t> numbers) {
  Sizes sizes;
  for (int64_t number : numbers)
    sizes.push_back(constant(number));
  return sizes;
}

Value SizeMath::value(Size size) {
  std::optional<int64_t> number = known(size);
  if (!number)
    return cast<Value>(size);
  auto [entry, isNew] = constantValues.try_emplace(cast<Attribute>(size));
  if (isNew)
    entry->second = arith::ConstantIndexOp::create(builder, *number);
  return entry->second;
}

bool SizeMath::isNonNegative(Size size) const {
  if (std::optional<int64_t> number = known(size))
    return *number >= 0;
  return nonNegative.contains(cast<Value>(size));
}

std::pair<Value, int64_t> SizeMath::asSum(Size size) const {
  if (std::optional<int64_t> number = known(size))
    return {Value(), *number};
  Value value = cast<Value>(size);
  auto entry = sums.find(value);
  return entry == sums.end() ? std::make_pair(value, int64_t(0)) : entry->second;
}

std::optional<int64_t> SizeMath::difference(Size a, Size b) const {
  auto [baseA, offsetA] = asSum(a);
  auto [baseB, offsetB] = asSum(b);
  if (baseA != baseB)
    return std::nullopt;
  return wrap(uint64_t(offsetA) - uint64_t(offsetB));
}

std::optional<std::pair<Size, Size>> SizeMath::minimumOf(Size size) const {
  if (Value value = dyn_cast<Value>(size))
    if (auto entry = minima.find(value); entry != minima.end())
      return entry->second;
  return std::nullopt;
}

Value SizeMath::create(Op op, Value a, Value b, Value c) {
  auto bit = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
    return arith::CmpIOp::create(builder, predicate, x, y);
  };
  auto toIndex = [&](Value condition) -> Value {
    return arith::IndexCastUIOp::create(builder, builder.getIndexType(), condition);
  };
  switch (op) {
  case Op::Add: return arith::AddIOp::create(builder, a, b);
  case Op::Sub: return arith::SubIOp::create(builder, a, b);
  case Op::Mul: return arith::MulIOp::create(builder, a, b);
  case Op::Div: return arith::DivSIOp::create(builder, a, b);
  case Op::Mod: {
    Value rest = arith::RemSIOp::create(builder, a, b);
    Value zero = value(constant(0));
    Value signsDiffer = bit(arith::CmpIPredicate::slt, arith::XOrIOp::create(builder, rest, b), zero);
    Value fix = arith::AndIOp::create(builder, signsDiffer, bit(arith::CmpIPredicate::ne, rest, zero));
    return arith::SelectOp::create(builder, fix, arith::AddIOp::create(builder, rest, b), rest);
  }
  case Op::Min: return arith::MinSIOp::create(builder, a, b);
  case Op::Max: return arith::MaxSIOp::create(builder, a, b);
  case Op::Less: return toIndex(bit(arith::CmpIPredicate::slt, a, b));
  case Op::Equal: return toIndex(bit(arith::CmpIPredicate::eq, a, b));
  case Op::Select: return arith::SelectOp::create(builder, bit(arith::CmpIPredicate::ne, a, value(constant(0))), b, c);
  }
  return {};
}

Size SizeMath::emit(Op op, Size a, Size b, Size c) {
  auto key = std::make_tuple(int(op), a.getOpaqueValue(), b.getOpaqueValue(), c.getOpaqueValue());
  if (auto entry = emitted.find(key); entry != emitted.end())
    return entry->second;
  Value result = create(op, value(a), value(b), c ? value(c) : Value());
  emitted[key] = result;
  bool keepsSign = op == Op::Add || op == Op::Mul || op == Op::Min || op == Op::Div;
  if (op == Op::Less || op == Op::Equal || (keepsSign && isNonNegative(a) && isNonNegative(b)) ||
      (op == Op::Max && (isNonNegative(a) || isNonNegative(b))) || (op == Op::Mod && isNonNegative(b)) ||
      (op == Op::Select && isNonNegative(b) && isNonNegative(c)))
    markNonNegative(result);
  return result;
}

Size SizeMath::add(Size a, Size b) {
  if (known(a) && !known(b))
    std::swap(a, b);
  auto [baseA, offsetA] = asSum(a);
  auto [baseB, offsetB] = asSum(b);
  int64_t offset = wrap(uint64_t(offsetA) + uint64_t(offsetB));
  if (!baseA)
    return constant(offset);
  if (baseB)
    return emit(Op::Add, a, b);
  if (offset == 0)
    return baseA;
  Size sum = emit(Op::Add, baseA, constant(offset));
  sums[cast<Value>(sum)] = {baseA, offset};
  return sum;
}

Size SizeMath::sub(Size a, Size b) {
  if (std::optional<int64_t> rest = difference(a, b))
    return constant(*rest);
  if (std::optional<int64_t> number = known(b))
    return add(a, constant(wrap(-uint64_t(*number))));
  return emit(Op::Sub, a, b);
}

Size SizeMath::mul(Size a, Size b) {
  if (known(a))
    std::swap(a, b);
  std::optional<int64_t> numberA = known(a), numberB = known(b);
  if (numberA && numberB)
    return constant(wrap(uint64_t(*numberA) * uint64_t(*numberB)));
  if (numberB == 0)
    return b;
  if (numberB == 1)
    return a;
  return emit(Op::Mul, a, b);
}

Size SizeMath::div(Size a, Size b) {
  std::optional<int64_t> numberA = known(a), numberB = known(b);
  if (numberB == 1)
    return a;
  if (numberB == -1)
    return sub(constant(0), a);
  if (numberA && numberB && *numberB != 0)
    return constant(*numberA / *numberB);
  return emit(Op::Div, a, b);
}

Size SizeMath::mod(Size a, Size b) {
  std::optional<int64_t> numberA = known(a), numberB = known(b);
  if (numberB == 1 || numberB == -1)
    return constant(0);
  if (numberA && numberB && *numberB != 0) {
    int64_t rest = *numberA % *numberB;
    return constant(rest != 0 && (rest < 0) != (*numberB < 0) ? rest + *numberB : rest);
  }
  return emit(Op::Mod, a, b);
}

Size SizeMath::min(Size a, Size b) {
  if (std::optional<int64_t> rest = difference(a, b))
    return *rest <= 0 ? a : b;
  if (known(a))
    std::swap(a, b);
  auto [baseA, offsetA] = asSum(a);
  if (std::optional<int64_t> bound = known(b); bound && *bound <= offsetA && isNonNegative(baseA))
    return b;
  Size result = emit(Op::Min, a, b);
  minima[cast<Value>(result)] = {a, b};
  return result;
}

Size SizeMath::max(Size a, Size b) {
  if (std::optional<int64_t> rest = difference(a, b))
    return *rest >= 0 ? a : b;
  if (known(a))
    std::swap(a, b);
  auto [baseA, offsetA] = asSum(a);
  if (std::optional<int64_t> bound = known(b);
      bound && ((*bound <= offsetA && isNonNegative(baseA)) || (*bound <= 0 && isNonNegative(a))))
    return a;
  return emit(Op::Max, a, b);
}

Size SizeMath::less(Size a, Size b) {
  if (std::optional<int64_t> rest = difference(a, b))
    return constant(*rest < 0);
  if (std::optional<int64_t> bound = known(b); bound && *bound <= 0 && isNonNegative(a))
    return constant(0);
  return emit(Op::Less, a, b);
}

Size SizeMath::equal(Size a, Size b) {
  if (std::optional<int64_t> rest = difference(a, b))
    return constant(*rest == 0);
  if (std::optional<int64_t> number = known(b); number && *number < 0 && isNonNegative(a))
    return constant(0);
  return emit(Op::Equal, a, b);
}

Size SizeMath::select(Size condition, Size a, Size b) {
  if (std::optional<int64_t> number = known(condition))
    return *number ? a : b;
  return a == b ? a : emit(Op::Select, condition, a, b);
}

Size SizeMath::ceilDiv(Size a, Size b) {
  if (isKnown(b, 1))
    return a;
  return div(add(a, sub(b, constant(1))), b);
}

Size SizeMath::product(ArrayRef<Size> factors) {
  Size result = constant(1);
  for (Size factor : factors)
    result = mul(result, factor);
  return result;
}

Size SizeMath::exactQuotient(ArrayRef<Size> numerator, ArrayRef<Size> denominator) {
  int64_t over = 1, under = 1;
  Sizes overValues, underValues;
  for (Size factor : numerator)
    if (std::optional<int64_t> number = known(factor))
      over = wrap(uint64_t(over) * uint64_t(*number));
    else
      overValues.push_back(factor);
  for (Size factor : denominator) {
    if (std::optional<int64_t> number = known(factor))
      under = wrap(uint64_t(under) * uint64_t(*number));
    else if (auto match = llvm::find(overValues, factor); match != overValues.end())
      overValues.erase(match);
    else
      underValues.push_back(factor);
  }
  if (int64_t common = over < 0 || under < 0 ? 1 : std::gcd(over, under); common > 1) {
    over /= common;
    under /= common;
  }
  overValues.push_back(constant(over));
  underValues.push_back(constant(under));
  return div(product(overValues), max(product(underValues), constant(1)));
}
