//===- Activations.cpp - Activation functions by name ------------------------===//

#include "codegen/Kernels/Activations.h"
#include "codegen/Generic/Math.h"

using Halide::Expr;

namespace thresh::codegen {
namespace {

/// NaN stays.
Expr positive(const Expr &x) { return Halide::select(math::lt(x, 0.0f), 0.0f, x); }

Expr sigmoid(const Expr &x) { return math::div(1.0f, math::add(1.0f, math::exp(math::sub(0.0f, x)))); }

/// x/2 (1 + s)
Expr halfTimes(const Expr &x, const Expr &s) { return math::mul(math::mul(x, 0.5f), math::add(1.0f, s)); }

Expr gelu(const Expr &x) { return halfTimes(x, math::erf(math::mul(x, 0.707106781f))); }

Expr geluTanh(const Expr &x) {
  Expr cube = math::mul(math::mul(x, x), x);
  return halfTimes(x, math::tanh(math::mul(math::add(x, math::mul(cube, 0.044715f)), 0.797884561f)));
}

struct Activation {
  const char *name;
  Expr (*apply)(const Expr &);
};

const Activation kActivations[] = {
    {"identity", [](const Expr &x) { return x; }},
    {"relu", positive},
    {"relu2", [](const Expr &x) { return math::mul(positive(x), positive(x)); }},
    {"silu", [](const Expr &x) { return math::mul(x, sigmoid(x)); }},
    {"gelu", gelu},
    {"gelu_tanh", geluTanh},
    {"quick_gelu", [](const Expr &x) { return math::mul(x, sigmoid(math::mul(x, 1.702f))); }},
    {"sigmoid", sigmoid},
    {"tanh", [](const Expr &x) { return math::tanh(x); }},
};

} // namespace

Expr applyActivation(const std::string &name, const Expr &x) {
  for (const Activation &activation : kActivations)
    if (name == activation.name)
      return activation.apply(x);
  throw Halide::CompileError("no activation is called '" + name + "'");
}

} // namespace thresh::codegen
