//===- Handlers.cpp - Look-up and input checks of ONNX ops ---------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace thresh;

static llvm::StringMap<const OpHandler *> makeTable() {
  llvm::StringMap<const OpHandler *> table;
  const ArrayRef<OpHandler> families[] = {activationHandlers(),
                                          attentionHandlers(),
                                          blockQuantizedHandlers(),
                                          creationHandlers(),
                                          einsumHandlers(),
                                          elementwiseHandlers(),
                                          groupQueryAttentionHandlers(),
                                          indexingHandlers(),
                                          matMulHandlers(),
                                          normalizationHandlers(),
                                          reduceHandlers(),
                                          shapeHandlers()};
  for (ArrayRef<OpHandler> family : families)
    for (const OpHandler &handler : family)
      table[handler.name] = &handler;
  return table;
}

const OpHandler *thresh::findHandler(StringRef domain, StringRef opType) {
  static const llvm::StringMap<const OpHandler *> table = makeTable();
  return table.lookup(domain.empty() ? opType.str() : (domain + ":" + opType).str());
}

static bool isIn(Type type, TypeClass allowed) {
  switch (allowed) {
  case TypeClass::Any: return true;
  case TypeClass::Numeric: return !type.isInteger(1);
  case TypeClass::Float: return isa<FloatType>(type);
  case TypeClass::Integer: return isa<IntegerType>(type) && !type.isInteger(1);
  case TypeClass::Bool: return type.isInteger(1);
  }
  return false;
}

static const char *describe(TypeClass allowed) {
  switch (allowed) {
  case TypeClass::Any: return "any";
  case TypeClass::Numeric: return "float or integer";
  case TypeClass::Float: return "float";
  case TypeClass::Integer: return "integer";
  case TypeClass::Bool: return "boolean";
  }
  return "";
}

LogicalResult thresh::checkInputs(Node &node, const OpHandler &handler) {
  if (!StringRef(handler.name).contains(':') && node.opset() < handler.since)
    return node.error() << "expects opset " << handler.since << " or newer, but got " << node.opset();
  size_t required = handler.maxInputs == anyNumber ? std::max<size_t>(node.inputCount(), 1) : handler.minInputs;
  for (size_t i = 0; i < required; ++i)
    if (!node.hasInput(i))
      return node.error() << "expects at least " << required << " inputs, but input " << i << " is missing";
  if (node.inputCount() > handler.maxInputs)
    return node.error() << "expects at most " << handler.maxInputs << " inputs, but got " << node.inputCount();
  if (node.hasInput(0) && !isIn(node.shapeInput(0).elementType, handler.firstInput))
    return node.error() << "expects input 0 of " << describe(handler.firstInput) << " element type, but got "
                        << node.shapeInput(0).elementType;
  return success();
}
