//===- Scalar.cpp - One operation as a Halide expression ---------------------===//

#include "codegen/Generic/Scalar.h"
#include "codegen/Generic/Math.h"
#include "codegen/Ops.h"

using Halide::Expr;
using Halide::Type;
using Halide::Internal::make_const;

namespace thresh::codegen {
namespace {

Expr zeroOf(const Type &type) { return Halide::Internal::make_zero(type); }
Type unsignedOf(const Type &type) { return Halide::UInt(type.bits()); }

/// Arithmetic on the bits, so that overflow wraps around instead of being undefined.
template <typename Fn> Expr wrapping(const Type &type, const Expr &a, const Expr &b, Fn fn) {
  Type bits = unsignedOf(type);
  return Halide::cast(type, fn(Halide::cast(bits, a), Halide::cast(bits, b)));
}

Expr maximum(const Expr &a, const Expr &b) {
  if (!a.type().is_float())
    return Halide::max(a, b);
  return Halide::select(math::isNan(a), a, Halide::select(math::lt(b, a), a, b));
}
Expr minimum(const Expr &a, const Expr &b) {
  if (!a.type().is_float())
    return Halide::min(a, b);
  return Halide::select(math::isNan(a), a, Halide::select(math::lt(a, b), a, b));
}

Expr greaterOf(const Expr &a, const Expr &b, const Expr &picksFirst) {
  return Halide::select(math::isNan(b), a, Halide::select(picksFirst, a, b));
}

/// Quotient and remainder toward zero, defined for every operand.
struct Division {
  Expr quotient, remainder;
};

Division divide(const Expr &a, const Expr &b) {
  Type type = a.type();
  Expr zero = zeroOf(type);
  Expr byZero = b == zero;
  if (type.is_uint()) {
    Expr divisor = Halide::select(byZero, make_const(type, 1), b);
    return {Halide::select(byZero, zero, Halide::div_round_to_zero(a, divisor)),
            Halide::select(byZero, zero, Halide::mod_round_to_zero(a, divisor))};
  }
  Expr byMinusOne = b == make_const(type, -1);
  Expr divisor = Halide::select(byZero || byMinusOne, make_const(type, 1), b);
  Expr negated = wrapping(type, zero, a, [](Expr x, Expr y) { return x - y; });
  Expr quotient = Halide::select(byMinusOne, negated, Halide::div_round_to_zero(a, divisor));
  return {Halide::select(byZero, zero, quotient),
          Halide::select(byZero || byMinusOne, zero, Halide::mod_round_to_zero(a, divisor))};
}

/// Whether rounding toward zero and toward minus infinity differ.
Expr floorsDiffer(const Expr &remainder, const Expr &divisor) {
  Expr zero = zeroOf(divisor.type());
  return !math::eq(remainder, zero) && math::lt(remainder, zero) != math::lt(divisor, zero);
}

Expr floorDivide(const Expr &a, const Expr &b) {
  if (a.type().is_float())
    return Halide::floor(math::div(a, b));
  Division division = divide(a, b);
  if (a.type().is_uint())
    return division.quotient;
  return division.quotient - Halide::cast(a.type(), floorsDiffer(division.remainder, b));
}

Expr floorModulo(const Expr &a, const Expr &b) {
  if (a.type().is_uint())
    return divide(a, b).remainder;
  Expr remainder = a.type().is_float() ? math::libm("fmod", {a, b}) : divide(a, b).remainder;
  return Halide::select(floorsDiffer(remainder, b), math::add(remainder, b), remainder);
}

/// base^exponent by squaring; a negative exponent gives the integer part of the quotient.
Expr integerPower(const Expr &base, const Expr &exponent) {
  Type type = base.type(), bits = unsignedOf(type);
  Expr result = make_const(bits, 1), square = Halide::cast(bits, base), power = Halide::cast(bits, exponent);
  for (int i = 0; i < type.bits(); ++i) {
    Expr taken = ((power >> make_const(bits, i)) & make_const(bits, 1)) != zeroOf(bits);
    result = Halide::select(taken, result * square, result);
    square = square * square;
  }
  Expr value = Halide::cast(type, result);
  if (type.is_uint())
    return value;
  Expr one = make_const(type, 1), minusOne = make_const(type, -1);
  Expr odd = (exponent & one) != zeroOf(type);
  Expr inverse = Halide::select(base == one || (base == minusOne && !odd), one,
                                Halide::select(base == minusOne, minusOne, zeroOf(type)));
  return Halide::select(exponent < zeroOf(type), inverse, value);
}

Expr power(const Expr &base, const Expr &exponent) {
  if (!base.type().is_float())
    return integerPower(base, exponent);
  std::optional<double> constant = Halide::Internal::as_const_float(exponent);
  if (constant && *constant == 1.0)
    return base;
  if (constant && *constant == 2.0)
    return math::mul(base, base);
  if (constant && *constant == 3.0)
    return math::mul(math::mul(base, base), base);
  return math::libm("pow", {base, exponent});
}

enum class ShiftKind { Left, Signed, Unsigned };

/// Shifts by the type's width or more push every bit out.
Expr shift(ShiftKind kind, const Expr &value, const Expr &amount) {
  Type type = value.type(), bits = unsignedOf(type);
  Expr count = Halide::cast(bits, amount);
  Expr inRange = count < make_const(bits, type.bits());
  Expr small = Halide::select(inRange, count, zeroOf(bits));
  if (kind == ShiftKind::Left)
    return Halide::cast(type, Halide::select(inRange, Halide::cast(bits, value) << small, zeroOf(bits)));
  if (kind == ShiftKind::Unsigned)
    return Halide::cast(type, Halide::select(inRange, Halide::cast(bits, value) >> small, zeroOf(bits)));
  Expr last = Halide::select(inRange, count, make_const(bits, type.bits() - 1));
  return Halide::cast(type, Halide::cast(Halide::Int(type.bits()), value) >> last);
}

Expr convert(const Expr &value, DType from, DType to) {
  Type type = valueType(to);
  if (to == DType::Bool)
    return from == DType::Bool ? value : !math::eq(value, zeroOf(value.type()));
  if (!isFloat(from) || isFloat(to))
    return Halide::cast(type, value);
  if (dtypeBytes(to) < 4)
    return Halide::cast(type, Halide::cast<int32_t>(value));
  if (to == DType::U32)
    return Halide::cast(type, Halide::cast<int64_t>(value));
  return Halide::cast(type, value);
}

/// Half away from zero; x - trunc(x) is exact.
Expr roundAway(const Expr &x) {
  Expr whole = Halide::trunc(x);
  Expr rest = math::sub(x, whole);
  Expr half = make_const(x.type(), 0.5), one = make_const(x.type(), 1);
  Expr up = Halide::select(math::le(half, rest), math::add(whole, one), whole);
  return Halide::select(math::le(rest, math::mul(half, make_const(x.type(), -1))), math::sub(whole, one), up);
}

Expr compare(Op op, Expr a, Expr b) {
  if (a.type().is_bool()) {
    a = Halide::cast<uint8_t>(a);
    b = Halide::cast<uint8_t>(b);
  }
  switch (op) {
  case Op::Eq: return math::eq(a, b);
  case Op::Ne: return !math::eq(a, b);
  case Op::Lt: return math::lt(a, b);
  case Op::Le: return math::le(a, b);
  case Op::Gt: return math::lt(b, a);
  default: return math::le(b, a);
  }
}

/// Functions that have an f32 version of ours; on f64 libm's, as all others.
Expr floatFunction(Op op, const Expr &x) {
  if (x.type().bits() == 32) {
    switch (op) {
    case Op::Exp: return math::exp(x);
    case Op::Exp2: return math::exp2(x);
    case Op::Expm1: return math::expm1(x);
    case Op::Log: return math::log(x);
    case Op::Log2: return math::log2(x);
    case Op::Log1p: return math::log1p(x);
    case Op::Tanh: return math::tanh(x);
    case Op::Erf: return math::erf(x);
    default: break;
    }
  }
  return math::libm(opInfo(op).name, {x}); // opTable spells these as libm does
}

Expr applyFloat(Op op, const std::vector<Expr> &args) {
  const Expr &x = args[0];
  Type type = x.type();
  switch (op) {
  case Op::Add: return math::add(x, args[1]);
  case Op::Sub: return math::sub(x, args[1]);
  case Op::Mul: return math::mul(x, args[1]);
  case Op::Div: return math::div(x, args[1]);
  case Op::Rem: return math::libm("fmod", {x, args[1]});
  case Op::Atan2: return math::libm("atan2", {x, args[1]});
  case Op::Fma: return math::mulAdd(x, args[1], args[2]);
  case Op::Neg: return math::mul(x, make_const(type, -1));
  case Op::Abs: return Halide::abs(x);
  case Op::Sqrt: return Halide::sqrt(x);
  case Op::Rsqrt: return math::div(make_const(type, 1), Halide::sqrt(x));
  case Op::Floor: return Halide::floor(x);
  case Op::Ceil: return Halide::ceil(x);
  case Op::Trunc: return Halide::trunc(x);
  case Op::Round: return roundAway(x);
  case Op::RoundEven: return Halide::round(x);
  default: return floatFunction(op, x);
  }
}

Expr applyInteger(Op op, const std::vector<Expr> &args) {
  const Expr &x = args[0];
  Type type = x.type();
  switch (op) {
  case Op::Add: return wrapping(type, x, args[1], [](Expr a, Expr b) { return a + b; });
  case Op::Sub: return wrapping(type, x, args[1], [](Expr a, Expr b) { return a - b; });
  case Op::Mul: return wrapping(type, x, args[1], [](Expr a, Expr b) { return a * b; });
  case Op::Div: return divide(x, args[1]).quotient;
  case Op::Rem: return divide(x, args[1]).remainder;
  case Op::Neg: return wrapping(type, zeroOf(type), x, [](Expr a, Expr b) { return a - b; });
  case Op::Abs: return type.is_uint() ? x : Halide::cast(type, Halide::abs(x));
  case Op::Shl: return shift(ShiftKind::Left, x, args[1]);
  case Op::ShrSigned: return shift(ShiftKind::Signed, x, args[1]);
  case Op::ShrUnsigned: return shift(ShiftKind::Unsigned, x, args[1]);
  default: return Halide::popcount(x);
  }
}

/// Operations that floats and integers share, or that work on Bool; undefined if `op` is none.
Expr applyShared(Op op, const std::vector<Expr> &args) {
  const Expr &x = args[0];
  bool isBool = x.type().is_bool();
  switch (op) {
  case Op::Max: return maximum(x, args[1]);
  case Op::Min: return minimum(x, args[1]);
  case Op::MaxNum: return x.type().is_float() ? greaterOf(x, args[1], math::lt(args[1], x)) : Halide::max(x, args[1]);
  case Op::MinNum: return x.type().is_float() ? greaterOf(x, args[1], math::lt(x, args[1])) : Halide::min(x, args[1]);
  case Op::FloorDiv: return floorDivide(x, args[1]);
  case Op::FloorMod: return floorModulo(x, args[1]);
  case Op::Pow: return power(x, args[1]);
  case Op::And: return isBool ? x && args[1] : x & args[1];
  case Op::Or: return isBool ? x || args[1] : x | args[1];
  case Op::Xor: return isBool ? x != args[1] : x ^ args[1];
  case Op::Not: return isBool ? !x : ~x;
  case Op::IsNan: return math::isNan(x);
  case Op::IsInf: return math::isInf(x);
  case Op::Select: return Halide::select(x, args[1], args[2]);
  default: return Expr();
  }
}

} // namespace

Type valueType(DType dtype) {
  static const Type types[kNumDTypes] = {Halide::Float(32), Halide::Float(64), Halide::Float(16), Halide::BFloat(16),
                                         Halide::Int(8),    Halide::UInt(8),   Halide::Int(16),   Halide::UInt(16),
                                         Halide::Int(32),   Halide::UInt(32),  Halide::Int(64),   Halide::UInt(64),
                                         Halide::Bool()};
  return types[static_cast<int>(dtype)];
}

Type storageType(DType dtype) { return dtype == DType::Bool ? Halide::UInt(8) : valueType(dtype); }

Expr toStorage(const Expr &value) { return value.type().is_bool() ? Halide::cast<uint8_t>(value) : value; }

Expr fromStorage(const Expr &stored, DType dtype) {
  return dtype == DType::Bool ? stored != Halide::cast<uint8_t>(0) : stored;
}

Expr constantValue(const Node &node) {
  if (node.dtype == DType::Bool)
    return make_const(Halide::Bool(), node.integer != 0 ? 1 : 0);
  if (node.dtype == DType::F64 || node.dtype == DType::F32)
    return Halide::Internal::FloatImm::make(valueType(node.dtype), node.real);
  if (isFloat(node.dtype))
    return Halide::cast(valueType(node.dtype), Halide::Internal::FloatImm::make(Halide::Float(32), node.real));
  return make_const(valueType(node.dtype), node.integer);
}

Expr applyOp(const Node &node, const std::vector<Expr> &args, DType argType) {
  if (node.op == Op::Cast)
    return convert(args[0], argType, node.dtype);
  if (node.op == Op::Bitcast)
    return Halide::reinterpret(valueType(node.dtype), args[0]);
  bool half = isFloat(argType) && dtypeBytes(argType) == 2;
  OpClass cls = opInfo(node.op).cls;
  if (half && (cls == OpClass::Numeric || cls == OpClass::Float || cls == OpClass::Compare)) {
    std::vector<Expr> wide;
    for (const Expr &arg : args)
      wide.push_back(Halide::cast<float>(arg));
    Node single = node;
    if (cls != OpClass::Compare)
      single.dtype = DType::F32;
    return Halide::cast(valueType(node.dtype), applyOp(single, wide, DType::F32));
  }
  if (cls == OpClass::Compare)
    return compare(node.op, args[0], args[1]);
  Expr shared = applyShared(node.op, args);
  if (shared.defined())
    return shared;
  return isFloat(argType) ? applyFloat(node.op, args) : applyInteger(node.op, args);
}

Expr applyIndexOp(Op op, const std::vector<Expr> &args) {
  switch (op) {
  case Op::Add: return args[0] + args[1];
  case Op::Sub: return args[0] - args[1];
  case Op::Mul: return args[0] * args[1];
  case Op::Max: return Halide::max(args[0], args[1]);
  case Op::Min: return Halide::min(args[0], args[1]);
  case Op::Neg: return -args[0];
  case Op::FloorDiv:
  case Op::FloorMod: {
    std::optional<int64_t> divisor = Halide::Internal::as_const_int(args[1]);
    if (!divisor || *divisor <= 0)
      return op == Op::FloorDiv ? floorDivide(args[0], args[1]) : floorModulo(args[0], args[1]);
    return op == Op::FloorDiv ? args[0] / args[1] : args[0] % args[1];
  }
  default: return Expr();
  }
}

} // namespace thresh::codegen
