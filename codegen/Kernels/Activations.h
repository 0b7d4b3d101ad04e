//===- Activations.h - Activation functions by name --------------------------===//
#ifndef THRESH_CODEGEN_KERNELS_ACTIVATIONS_H
#define THRESH_CODEGEN_KERNELS_ACTIVATIONS_H

#include <Halide.h>

#include <string>

namespace thresh::codegen {

/// The activation of that name applied to an f32; the names and formulas are those of the dialect's Activation
/// (dialects/Thresh/IR/ThreshActivations.cpp).
Halide::Expr applyActivation(const std::string &name, const Halide::Expr &x);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_ACTIVATIONS_H
