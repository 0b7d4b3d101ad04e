//===- Math.cpp - Floating-point building blocks -----------------------------===//

#include "codegen/Generic/Math.h"

#include <cmath>
#include <limits>

using Halide::Float;
using Halide::Int;
using Halide::Type;
using Halide::UInt;
using Halide::Internal::Call;

namespace thresh::codegen::math {
namespace {

Expr strict(Call::IntrinsicOp op, const Type &type, Expr a, Expr b) {
  return Call::make(type, op, {std::move(a), std::move(b)}, Call::PureIntrinsic);
}

Expr constant(float value) { return Halide::Internal::FloatImm::make(Float(32), value); }

/// Bits of a float without its sign.
Expr magnitude(const Expr &x) {
  Type bits = UInt(x.type().bits());
  uint64_t mask = (uint64_t(1) << (x.type().bits() - 1)) - 1;
  return Halide::reinterpret(bits, x) & Halide::Internal::make_const(bits, mask);
}

/// The bits of infinity in a float of `type`.
Expr infinityBits(const Type &type) {
  int mantissa = type.is_bfloat() ? 7 : type.bits() == 16 ? 10 : type.bits() == 32 ? 23 : 52;
  uint64_t exponents = (uint64_t(1) << (type.bits() - 1 - mantissa)) - 1;
  return Halide::Internal::make_const(UInt(type.bits()), exponents << mantissa);
}

/// Polynomial with coefficients in ascending order.
Expr horner(const Expr &x, const std::vector<float> &coefficients) {
  Expr sum = constant(coefficients.back());
  for (size_t i = coefficients.size() - 1; i-- > 0;)
    sum = mulAdd(sum, x, constant(coefficients[i]));
  return sum;
}

/// x limited to [low, high]; NaN stays.
Expr clampOrNan(const Expr &x, float low, float high) {
  Expr above = Halide::select(lt(x, constant(low)), constant(low), x);
  return Halide::select(lt(constant(high), above), constant(high), above);
}

/// 2^n as a float, for n in [-126, 127]; 0 for -127, infinity for 128. Unsigned, because Halide multiplies constants
/// out of signed shifts.
Expr power2(const Expr &n) {
  Expr biased = Halide::cast<uint32_t>(n) + Halide::cast<uint32_t>(127);
  return Halide::reinterpret(Float(32), biased << Halide::cast<uint32_t>(23));
}

/// x = n ln(2) + remainder.
struct Reduced {
  Expr n;         ///< Int(32)
  Expr remainder; ///< |remainder| <= ln(2) / 2
};

/// Adding 1.5 * 2^23 to a small float rounds it to an integer, which then sits in the low bits.
constexpr float kShifter = 12582912.0f;
Expr lowBits(const Expr &shifted) { return Halide::reinterpret(Int(32), shifted) - 0x4b400000; }

/// The high part of ln(2) has few bits, so its product with n is exact.
Reduced reduceExp(const Expr &x) {
  Expr shifted = mulAdd(x, constant(1.44269504f), constant(kShifter));
  Expr n = sub(shifted, constant(kShifter));
  Expr high = sub(x, mul(n, constant(0.693359375f)));
  return {lowBits(shifted), mulAdd(n, constant(2.12194440e-4f), high)};
}

/// 2 exp(r) for |r| <= ln(2) / 2.
Expr twiceExpSmall(const Expr &r) {
  return horner(r, {2.0f, 2.0f, 0.999999821f, 0.33332837f, 0.0833364800f, 0.0167499613f, 0.00276732538f});
}

/// exp(r) - 1 for |r| <= ln(2) / 2.
Expr expm1Small(const Expr &r) {
  Expr tail = horner(r, {0.5f, 0.166665182f, 0.0416662022f, 0.00836902578f, 0.00139507209f});
  return add(r, mul(mul(r, r), tail));
}

/// mantissa * 2^n, in two steps so that the ends of the range round and overflow once.
Expr scale(const Expr &mantissa, const Expr &n) {
  Expr half = n >> 1;
  return mul(mul(mantissa, power2(half)), power2(n - half));
}

/// log(x) = exponent ln(2) + logMantissa, for positive finite x.
struct LogParts {
  Expr exponent;    ///< f32, integral
  Expr logMantissa; ///< log of a mantissa in [sqrt(1/2), sqrt(2))
};

LogParts splitLog(const Expr &x) {
  Expr tiny = lt(x, constant(std::numeric_limits<float>::min()));
  Expr normal = Halide::select(tiny, mul(x, constant(8388608.0f)), x);
  Expr bits = Halide::reinterpret(Int(32), normal);
  Expr exponent = (bits - 0x3f3504f3) >> 23;
  Expr f = sub(Halide::reinterpret(Float(32), bits - (exponent << 23)), constant(1.0f));
  Expr tail = horner(f, {0.333333105f, -0.249999866f, 0.200022265f, -0.166692495f, 0.142186567f, -0.123843595f,
                         0.118729956f, -0.117897525f, 0.0691525936f});
  Expr square = mul(f, f);
  Expr correction = sub(mul(mul(square, f), tail), mul(square, constant(0.5f)));
  return {Halide::cast<float>(exponent - Halide::select(tiny, 23, 0)), add(f, correction)};
}

/// `value`, but log's results at 0, infinity, below 0 and at NaN.
Expr logLimits(const Expr &x, const Expr &value) {
  Expr infinity = constant(std::numeric_limits<float>::infinity());
  Expr nan = Halide::reinterpret(Float(32), Halide::Internal::make_const(UInt(32), uint64_t(0x7fc00000)));
  Expr positive = Halide::select(lt(x, infinity), value, x);
  Expr zero = Halide::select(eq(x, constant(0.0f)), sub(constant(0.0f), infinity), nan);
  return Halide::select(isNan(x), x, Halide::select(lt(constant(0.0f), x), positive, zero));
}

Expr absolute(const Expr &x) { return Halide::reinterpret(Float(32), magnitude(x)); }

/// `value` with the sign of `x`; value >= 0.
Expr withSign(const Expr &value, const Expr &x) {
  Expr sign = Halide::reinterpret(UInt(32), x) & Halide::Internal::make_const(UInt(32), uint64_t(0x80000000));
  return Halide::reinterpret(Float(32), Halide::reinterpret(UInt(32), value) | sign);
}

} // namespace

Expr add(Expr a, Expr b) { return a.type().is_float() ? strict(Call::strict_add, a.type(), a, b) : a + b; }
Expr sub(Expr a, Expr b) { return a.type().is_float() ? strict(Call::strict_sub, a.type(), a, b) : a - b; }
Expr mul(Expr a, Expr b) { return a.type().is_float() ? strict(Call::strict_mul, a.type(), a, b) : a * b; }
Expr div(Expr a, Expr b) { return a.type().is_float() ? strict(Call::strict_div, a.type(), a, b) : a / b; }

Expr lt(Expr a, Expr b) {
  return a.type().is_float() ? strict(Call::strict_lt, Halide::Bool(a.type().lanes()), a, b) : a < b;
}
// Halide turns its strict_le into !(b < a), which holds for NaN.
Expr le(Expr a, Expr b) { return a.type().is_float() ? lt(a, b) || eq(a, b) : a <= b; }
Expr eq(Expr a, Expr b) {
  return a.type().is_float() ? strict(Call::strict_eq, Halide::Bool(a.type().lanes()), a, b) : a == b;
}

Expr mulAdd(Expr a, Expr b, Expr c) { return std::move(a) * std::move(b) + std::move(c); }

Expr isNan(Expr x) { return magnitude(x) > infinityBits(x.type()); }
Expr isInf(Expr x) { return magnitude(x) == infinityBits(x.type()); }

// The polynomial holds a factor of 2, so that 2^(n - 1) is in range up to the largest result; at the lower end it is 0.
Expr exp(Expr x) {
  Reduced reduced = reduceExp(clampOrNan(x, -87.6f, 89.0f));
  return mul(twiceExpSmall(reduced.remainder), power2(reduced.n - 1));
}

Expr exp2(Expr x) {
  Expr limited = clampOrNan(x, -126.4f, 129.0f);
  Expr shifted = add(limited, constant(kShifter));
  Expr fraction = sub(limited, sub(shifted, constant(kShifter)));
  return mul(twiceExpSmall(mul(fraction, constant(0.693147181f))), power2(lowBits(shifted) - 1));
}

Expr expm1(Expr x) {
  Reduced reduced = reduceExp(clampOrNan(x, -104.0f, 89.0f));
  Expr small = expm1Small(reduced.remainder);
  Expr n = Halide::clamp(reduced.n, -126, 126);
  Expr combined = add(mul(small, power2(n)), sub(power2(n), constant(1.0f)));
  Expr large = scale(add(small, constant(1.0f)), reduced.n);
  Expr value = Halide::select(reduced.n > 100, large, combined);
  return Halide::select(eq(x, constant(0.0f)), x, value);
}

Expr log(Expr x) {
  LogParts parts = splitLog(x);
  Expr low = add(parts.logMantissa, mul(parts.exponent, constant(-2.12194440e-4f)));
  return logLimits(x, add(mul(parts.exponent, constant(0.693359375f)), low));
}

Expr log2(Expr x) {
  LogParts parts = splitLog(x);
  Expr low = mul(parts.logMantissa, constant(4.42695041e-1f));
  return logLimits(x, add(parts.exponent, add(parts.logMantissa, low)));
}

Expr log1p(Expr x) {
  Expr one = constant(1.0f);
  Expr sum = add(x, one);
  Expr lost = sub(x, sub(sum, one));
  Expr plain = math::log(sum);
  Expr exact = Halide::select(eq(sum, constant(0.0f)) || isInf(sum), plain, add(plain, div(lost, sum)));
  return Halide::select(eq(x, constant(0.0f)), x, exact);
}

Expr tanh(Expr x) {
  Expr size = absolute(x);
  Expr square = mul(x, x);
  Expr tail = horner(square, {-0.333332837f, 0.133314908f, -0.0537435003f, 0.0206505973f, -0.00571705448f});
  Expr small = add(x, mul(mul(square, x), tail));
  Expr limited = clampOrNan(size, 0.0f, 20.0f);
  Expr one = constant(1.0f);
  Expr large = sub(one, div(constant(2.0f), add(math::exp(add(limited, limited)), one)));
  return Halide::select(lt(size, constant(0.625f)), small, withSign(large, x));
}

// A rational function of x^2; from 3.925 on erf rounds to 1.
Expr erf(Expr x) {
  Expr limited = clampOrNan(x, -3.925f, 3.925f);
  Expr square = mul(limited, limited);
  Expr above =
      horner(square, {1.12837911f, 0.19058752f, 0.0527685247f, 0.00377229997f, 0.000284840644f, 2.04610728e-06f});
  Expr below = horner(square, {1.0f, 0.502236545f, 0.114180192f, 0.014982691f, 0.00116380258f, 3.80484635e-05f});
  return clampOrNan(div(mul(limited, above), below), -1.0f, 1.0f);
}

Expr libm(const std::string &name, std::vector<Expr> args) {
  Type type = args[0].type();
  return Call::make(type, type.bits() == 64 ? name : name + "f", std::move(args), Call::PureExtern);
}

} // namespace thresh::codegen::math
