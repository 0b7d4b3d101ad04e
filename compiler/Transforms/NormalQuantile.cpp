//===- NormalQuantile.cpp - Quantiles of the normal distribution -------------===//
#include "compiler/Transforms/NormalQuantile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace thresh {

namespace {

/// numerator(r) / denominator(r), coefficients from the highest power to the constant.
struct Rational {
  double numerator[8], denominator[8];
};

constexpr double kMiddle = 0.425;          ///< largest |p - 1/2| of the middle
constexpr double kFar = 5;                 ///< the tails meet at sqrt(-log p) = 5
constexpr double kMiddleSquare = 0.180625; ///< kMiddle^2
constexpr double kNearStart = 1.6, kFarStart = 5;

constexpr Rational kMiddleRatio = {
    {2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4, 4.5921953931549871457e+4,
     1.3731693765509461125e+4, 1.9715909503065514427e+3, 1.3314166789178437745e+2, 3.3871328727963666080e+0},
    {5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4, 2.1213794301586595867e+4,
     5.3941960214247511077e+3, 6.8718700749205790830e+2, 4.2313330701600911252e+1, 1.0}};

constexpr Rational kNearRatio = {
    {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0,
     3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0},
    {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1.0}};

constexpr Rational kFarRatio = {
    {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0},
    {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0}};

double evaluate(const Rational &ratio, double r) {
  double numerator = 0, denominator = 0;
  for (double coefficient : ratio.numerator)
    numerator = numerator * r + coefficient;
  for (double coefficient : ratio.denominator)
    denominator = denominator * r + coefficient;
  return numerator / denominator;
}

/// Scalar f32 maths.
class Scalars {
public:
  Scalars(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  Value constant(double value) { return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value)); }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
  Value div(Value a, Value b) { return arith::DivFOp::create(builder, loc, a, b); }
  Value isAtMost(Value a, Value b) { return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, a, b); }
  Value select(Value flag, Value a, Value b) { return arith::SelectOp::create(builder, loc, flag, a, b); }

  Value evaluate(const Rational &ratio, Value r) {
    return div(polynomial(ratio.numerator, r), polynomial(ratio.denominator, r));
  }

private:
  Value polynomial(ArrayRef<double> coefficients, Value r) {
    Value sum = constant(coefficients.front());
    for (double coefficient : coefficients.drop_front())
      sum = add(mul(sum, r), constant(coefficient));
    return sum;
  }

  OpBuilder &builder;
  Location loc;
};

} // namespace

double upperQuantile(double share) {
  double fromMiddle = 0.5 - share;
  if (std::abs(fromMiddle) <= kMiddle)
    return fromMiddle * evaluate(kMiddleRatio, kMiddleSquare - fromMiddle * fromMiddle);
  double r = std::sqrt(-std::log(std::min(share, 1 - share)));
  double magnitude = r <= kFar ? evaluate(kNearRatio, r - kNearStart) : evaluate(kFarRatio, r - kFarStart);
  return fromMiddle < 0 ? -magnitude : magnitude;
}

Value buildUpperQuantile(OpBuilder &builder, Location loc, Value k, Value n) {
  Scalars s(builder, loc);
  // 1/2 - k/n without the rounding of k/n.
  Value rest = s.sub(n, k);
  Value fromMiddle = s.div(s.sub(rest, k), s.add(n, n));
  Value square = s.mul(fromMiddle, fromMiddle);
  Value middle = s.mul(fromMiddle, s.evaluate(kMiddleRatio, s.sub(s.constant(kMiddleSquare), square)));

  Value tail = s.div(s.select(s.isAtMost(k, rest), k, rest), n);
  Value logarithm = math::LogOp::create(builder, loc, tail);
  Value r = math::SqrtOp::create(builder, loc, s.sub(s.constant(0), logarithm));
  Value near = s.evaluate(kNearRatio, s.sub(r, s.constant(kNearStart)));
  Value far = s.evaluate(kFarRatio, s.sub(r, s.constant(kFarStart)));
  Value magnitude = s.select(s.isAtMost(r, s.constant(kFar)), near, far);
  Value signedTail = s.select(s.isAtMost(k, rest), magnitude, s.sub(s.constant(0), magnitude));
  return s.select(s.isAtMost(square, s.constant(kMiddleSquare)), middle, signedTail);
}

} // namespace thresh
