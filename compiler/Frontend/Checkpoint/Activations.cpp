//===- Activations.cpp - Activation functions by their config.json names -----===//
#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace thresh {

namespace {

/// Elementwise maths on tensors of one shape.
class Elementwise {
public:
  Elementwise(GraphBuilder &graph, GraphBuilder::Sizes sizes) : graph(graph), sizes(sizes) {}

  Value constant(double value) { return graph.splat(value, sizes); }
  Value add(Value a, Value b) { return binary<arith::AddFOp>(a, b); }
  Value mul(Value a, Value b) { return binary<arith::MulFOp>(a, b); }
  Value div(Value a, Value b) { return binary<arith::DivFOp>(a, b); }
  Value max(Value a, Value b) { return binary<arith::MaximumFOp>(a, b); }
  Value neg(Value x) { return unary<arith::NegFOp>(x); }
  Value erf(Value x) { return unary<math::ErfOp>(x); }
  Value exp(Value x) { return unary<math::ExpOp>(x); }
  Value tanh(Value x) { return unary<math::TanhOp>(x); }

  Value sigmoid(Value x) { return div(constant(1), add(constant(1), exp(neg(x)))); }

private:
  template <typename OpTy> Value unary(Value x) { return OpTy::create(graph.builder, graph.loc, x); }
  template <typename OpTy> Value binary(Value a, Value b) { return OpTy::create(graph.builder, graph.loc, a, b); }

  GraphBuilder &graph;
  GraphBuilder::Sizes sizes;
};

} // namespace

/// x/2 (1 + erf(x / sqrt 2))
static Value geluErf(Elementwise &e, Value x) {
  Value erf = e.erf(e.mul(x, e.constant(0.70710678118654752440)));
  return e.mul(e.mul(x, e.constant(0.5)), e.add(e.constant(1), erf));
}

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
static Value geluTanh(Elementwise &e, Value x) {
  Value cube = e.mul(e.mul(x, x), x);
  Value inner = e.mul(e.add(x, e.mul(cube, e.constant(0.044715))), e.constant(0.79788456080286535588));
  return e.mul(e.mul(x, e.constant(0.5)), e.add(e.constant(1), e.tanh(inner)));
}

/// x sigmoid(1.702 x)
static Value quickGelu(Elementwise &e, Value x) { return e.mul(x, e.sigmoid(e.mul(x, e.constant(1.702)))); }

static Value relu(Elementwise &e, Value x) { return e.max(x, e.constant(0)); }

static Value reluSquared(Elementwise &e, Value x) {
  Value positive = relu(e, x);
  return e.mul(positive, positive);
}

static Value sigmoid(Elementwise &e, Value x) { return e.sigmoid(x); }

static Value silu(Elementwise &e, Value x) { return e.mul(x, e.sigmoid(x)); }

static Value tanhOf(Elementwise &e, Value x) { return e.tanh(x); }

static Value identity(Elementwise &, Value x) { return x; }

namespace {

struct Activation {
  llvm::StringLiteral name;
  Value (*build)(Elementwise &, Value);
};

} // namespace

/// The names that transformers gives them; several names share a formula.
static constexpr Activation kActivations[] = {
    {"gelu", geluErf},
    {"gelu_fast", geluTanh},
    {"gelu_new", geluTanh},
    {"gelu_python", geluErf},
    {"gelu_pytorch_tanh", geluTanh},
    {"linear", identity},
    {"quick_gelu", quickGelu},
    {"relu", relu},
    {"relu2", reluSquared},
    {"sigmoid", sigmoid},
    {"silu", silu},
    {"swish", silu},
    {"tanh", tanhOf},
};

static const Activation *findActivation(llvm::StringRef name) {
  const auto *it = llvm::find_if(kActivations, [&](const Activation &known) { return known.name == name; });
  return it == std::end(kActivations) ? nullptr : it;
}

llvm::Error checkActivation(llvm::StringRef name) {
  if (findActivation(name))
    return llvm::Error::success();
  auto names = llvm::map_range(kActivations, [](const Activation &known) { return known.name; });
  return makeError("expects one of " + llvm::join(names, ", ") + ", but got \"" + name + "\"");
}

Value buildActivation(GraphBuilder &graph, llvm::StringRef name, Value x, GraphBuilder::Sizes sizes) {
  const Activation *activation = findActivation(name);
  assert(activation && "checkActivation comes first");
  Elementwise elementwise(graph, sizes);
  return activation->build(elementwise, x);
}

} // namespace thresh
