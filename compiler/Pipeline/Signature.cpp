//===- Signature.cpp - What an entry point takes and gives -------------------===//
#include "compiler/Pipeline/Signature.h"

#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"
#include "thresh/thresh.h"

using namespace mlir;

namespace thresh {

namespace {

constexpr const char *kDtypeNames[] = {"f32", "f64", "f16", "bf16", "i8",  "u8",  "i16",
                                       "u16", "i32", "u32", "i64",  "u64", "bool"};

/// The dtype that `attribute` names, which must have the element type's width; `element`'s own without an attribute.
std::optional<int> readDtype(Type element, Attribute attribute) {
  std::optional<codegen::DType> dtype = dtypeOf(element);
  if (!dtype || element.isIndex())
    return std::nullopt;
  if (!attribute)
    return static_cast<int>(*dtype);
  auto named = dyn_cast<StringAttr>(attribute);
  for (auto [number, name] : llvm::enumerate(kDtypeNames)) {
    bool isUnsigned = name[0] == 'u' && element.isInteger() &&
                      StringRef(name).ends_with(std::to_string(element.getIntOrFloatBitWidth()));
    if (named && named.getValue() == name && (isUnsigned || static_cast<int>(*dtype) == static_cast<int>(number)))
      return number;
  }
  return std::nullopt;
}

FailureOr<SignatureTensor> readTensor(func::FuncOp function, Type type, DictionaryAttr attributes, StringRef role,
                                      unsigned index) {
  SignatureTensor tensor;
  auto tensorType = dyn_cast<RankedTensorType>(type);
  if (!tensorType)
    return function.emitError("expects ranked tensors as inputs and outputs, but got ") << type;
  if (tensorType.getRank() > THRESH_MAX_RANK)
    return function.emitError("expects at most ")
           << THRESH_MAX_RANK << " dimensions for " << role << " " << index << ", but got " << tensorType.getRank();
  auto get = [&](StringRef name) { return attributes ? attributes.get(name) : Attribute(); };
  Attribute named = get("thresh.dtype");
  std::optional<int> dtype = readDtype(tensorType.getElementType(), named);
  if (!dtype) {
    InFlightDiagnostic diagnostic = function.emitError("expects element types of the library ABI for ")
                                    << role << " " << index << ", but got " << tensorType.getElementType();
    if (named)
      diagnostic << " as " << named;
    return diagnostic;
  }
  tensor.dtype = *dtype;
  auto name = dyn_cast_or_null<StringAttr>(get("thresh.name"));
  tensor.name = name ? name.str() : (role + Twine(index)).str();
  auto dims = dyn_cast_or_null<ArrayAttr>(get("thresh.dims"));
  for (int64_t dim = 0; dim < tensorType.getRank(); ++dim) {
    bool isDynamic = tensorType.isDynamicDim(dim);
    tensor.shape.push_back(isDynamic ? -1 : tensorType.getDimSize(dim));
    auto symbol = dims && dim < static_cast<int64_t>(dims.size()) ? dyn_cast<StringAttr>(dims[dim]) : StringAttr();
    std::string fallback = tensor.name + "_" + std::to_string(dim);
    tensor.dimSymbols.push_back(!isDynamic ? "" : symbol && !symbol.empty() ? symbol.str() : fallback);
  }
  if (auto alias = dyn_cast_or_null<StringAttr>(get("thresh.alias")))
    tensor.alias = alias.str();
  if (auto fill = dyn_cast_or_null<IntegerAttr>(get("thresh.default"))) {
    tensor.optional = true;
    tensor.defaultValue = fill.getInt();
  }
  return tensor;
}

} // namespace

FailureOr<Signature> readSignature(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitError("expects an entry point with a body of one block, but got ")
           << function.getBody().getBlocks().size();
  auto calls = function.getOps<func::CallOp>();
  if (!calls.empty())
    return (*calls.begin()).emitError("expects an entry point without calls, but got one of '")
           << (*calls.begin()).getCallee() << "'";
  Signature signature;
  signature.name = function.getSymName().str();
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = readTensor(function, type, function.getArgAttrDict(index), "input", index);
    if (failed(tensor))
      return failure();
    if (llvm::any_of(signature.inputs, [&](const SignatureTensor &other) { return other.name == tensor->name; }))
      return function.emitError("expects inputs of different names, but got two '") << tensor->name << "'";
    signature.inputs.push_back(*tensor);
    if (function.getArgAttr(index, "thresh.tokens"))
      signature.tokenInput = index;
  }
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    auto tensor = readTensor(function, type, function.getResultAttrDict(index), "output", index);
    if (failed(tensor))
      return failure();
    if (llvm::any_of(signature.outputs, [&](const SignatureTensor &other) { return other.name == tensor->name; }))
      return function.emitError("expects outputs of different names, but got two '") << tensor->name << "'";
    signature.outputs.push_back(*tensor);
  }
  return signature;
}

const char *dtypeName(int dtype) { return kDtypeNames[dtype]; }

} // namespace thresh
