//===- Math.h - Floating-point building blocks as Halide expressions ---------===//
//
// Halide lets LLVM assume that no float is NaN or infinite and that sums may be reordered. A neural
// network may produce both, so every float operation here is a strict one; only multiply-adds that
// gain from fusion are not, and they are made with `mulAdd`.
// The f32 functions below vectorise and stay within 3 units in the last place of the exact value over
// the whole range, infinities and NaN included; exp and exp2 give 0 where the result is below 2^-125.
// What they lack comes from libm.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_GENERIC_MATH_H
#define THRESH_CODEGEN_GENERIC_MATH_H

#include <Halide.h>

namespace thresh::codegen::math {

using Halide::Expr;

/// IEEE operations on floats of any width. Integers: plain ones.
Expr add(Expr a, Expr b);
Expr sub(Expr a, Expr b);
Expr mul(Expr a, Expr b);
Expr div(Expr a, Expr b);
Expr lt(Expr a, Expr b);
Expr le(Expr a, Expr b);
Expr eq(Expr a, Expr b);

/// a * b + c, fused where the target can. Not for values that are later tested with comparisons.
Expr mulAdd(Expr a, Expr b, Expr c);

/// Tests by bit pattern, which hold whatever LLVM assumes about the operation that made `x`.
Expr isNan(Expr x);
Expr isInf(Expr x);

/// f32 only.
Expr exp(Expr x);
Expr exp2(Expr x);
Expr expm1(Expr x);
Expr log(Expr x);
Expr log2(Expr x);
Expr log1p(Expr x);
Expr tanh(Expr x);
Expr erf(Expr x);

/// `name` of libm on f64, `name`f on f32, one lane at a time.
Expr libm(const std::string &name, std::vector<Expr> args);

} // namespace thresh::codegen::math

#endif // THRESH_CODEGEN_GENERIC_MATH_H
