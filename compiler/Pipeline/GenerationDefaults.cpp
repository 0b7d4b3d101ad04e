//===- GenerationDefaults.cpp - How a model's tokens are chosen by default ----===//
#include "compiler/Pipeline/GenerationDefaults.h"

#include "mlir/IR/BuiltinAttributes.h"

#include <cmath>

using namespace mlir;

namespace thresh {

namespace {

/// Each returns whether the attribute has the type and range of the field.
bool takeTokens(Attribute attr, std::vector<int64_t> &field) {
  auto tokens = dyn_cast<DenseI64ArrayAttr>(attr);
  if (!tokens || llvm::any_of(tokens.asArrayRef(), [](int64_t token) { return token < 0; }))
    return false;
  field.assign(tokens.asArrayRef().begin(), tokens.asArrayRef().end());
  return true;
}

template <typename Integer> bool takeInteger(Attribute attr, Integer &field) {
  auto number = dyn_cast<IntegerAttr>(attr);
  if (!number || !number.getType().isInteger(64) || number.getInt() < 0 || number.getInt() > INT32_MAX)
    return false;
  field = static_cast<Integer>(number.getInt());
  return true;
}

bool takePositive(Attribute attr, float &field) {
  auto number = dyn_cast<FloatAttr>(attr);
  if (!number || !number.getType().isF32())
    return false;
  field = number.getValue().convertToFloat();
  return std::isfinite(field) && field > 0;
}

bool takeField(NamedAttribute attr, LibraryGeneration &fields) {
  StringRef name = attr.getName();
  Attribute value = attr.getValue();
  if (name == "stop_tokens")
    return takeTokens(value, fields.stopTokens);
  if (name == "bos_token")
    return takeInteger(value, fields.bosToken);
  if (name == "do_sample")
    return fields.doSample = isa<UnitAttr>(value);
  if (name == "top_k")
    return takeInteger(value, fields.topK);
  if (name == "temperature")
    return takePositive(value, fields.temperature);
  if (name == "top_p")
    return takePositive(value, fields.topP);
  return name == "repetition_penalty" && takePositive(value, fields.repetitionPenalty);
}

} // namespace

LogicalResult readGenerationDefaults(ModuleOp module, std::optional<LibraryGeneration> &defaults) {
  Attribute attr = module->getAttr("thresh.generation");
  if (!attr)
    return success();
  auto dictionary = dyn_cast<DictionaryAttr>(attr);
  if (!dictionary)
    return module.emitError("attribute thresh.generation expects a dictionary, but got ") << attr;
  defaults.emplace();
  for (NamedAttribute field : dictionary)
    if (!takeField(field, *defaults))
      return module.emitError("attribute thresh.generation: ")
             << field.getName() << " is no field of it or has no value of its range: " << field.getValue();
  return success();
}

} // namespace thresh
