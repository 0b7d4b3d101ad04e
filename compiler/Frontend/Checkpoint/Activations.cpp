//===- Activations.cpp - Activation functions by their config.json names -----===//
#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"

#include "dialects/Thresh/IR/ThreshActivations.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace thresh {

namespace {

struct NamedActivation {
  llvm::StringLiteral name;
  Activation activation;
};

} // namespace

/// The names that transformers gives them; several names share a formula.
static constexpr NamedActivation kActivations[] = {
    {"gelu", Activation::Gelu},
    {"gelu_fast", Activation::GeluTanh},
    {"gelu_new", Activation::GeluTanh},
    {"gelu_python", Activation::Gelu},
    {"gelu_pytorch_tanh", Activation::GeluTanh},
    {"linear", Activation::Identity},
    {"quick_gelu", Activation::QuickGelu},
    {"relu", Activation::Relu},
    {"relu2", Activation::Relu2},
    {"sigmoid", Activation::Sigmoid},
    {"silu", Activation::Silu},
    {"swish", Activation::Silu},
    {"tanh", Activation::Tanh},
};

static const NamedActivation *findNamed(llvm::StringRef name) {
  const auto *it = llvm::find_if(kActivations, [&](const NamedActivation &known) { return known.name == name; });
  return it == std::end(kActivations) ? nullptr : it;
}

llvm::Error checkActivation(llvm::StringRef name) {
  if (findNamed(name))
    return llvm::Error::success();
  auto names = llvm::map_range(kActivations, [](const NamedActivation &known) { return known.name; });
  return makeError("expects one of " + llvm::join(names, ", ") + ", but got \"" + name + "\"");
}

Activation findActivation(llvm::StringRef name) {
  const NamedActivation *known = findNamed(name);
  assert(known && "checkActivation comes first");
  return known->activation;
}

Value buildActivation(GraphBuilder &graph, llvm::StringRef name, Value x, GraphBuilder::Sizes sizes) {
  return buildActivation(graph.builder, graph.loc, findActivation(name), x, sizes);
}

} // namespace thresh
