//===- Signature.cpp - What an entry point takes and gives -------------------===//
#include "compiler/Pipeline/Signature.h"

#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"
#include "thresh/abi.h"

using namespace mlir;

namespace thresh {

namespace {

constexpr const char *kDtypeNames[] = {"f32", "f64", "f16", "bf16", "i8",  "u8",  "i16",
                                       "u16", "i32", "u32", "i64",  "u64", "bool"};

FailureOr<SignatureTensor> readTensor(func::FuncOp function, Type type, DictionaryAttr attributes, StringRef role,
                                      unsigned index) {
  SignatureTensor tensor;
  auto tensorType = dyn_cast<RankedTensorType>(type);
  if (!tensorType)
    return function.emitError("expects ranked tensors as inputs and outputs, but got ") << type;
  std::optional<codegen::DType> dtype = dtypeOf(tensorType.getElementType());
  auto get = [&](StringRef name) { return attributes ? attributes.get(name) : Attribute(); };
  if (auto named = dyn_cast_or_null<StringAttr>(get("thresh.dtype"))) {
    for (auto [number, name] : llvm::enumerate(kDtypeNames))
      if (named.getValue() == name)
        dtype = static_cast<codegen::DType>(number);
  }
  if (!dtype || tensorType.getElementType().isIndex())
    return function.emitError("expects element types of the library ABI for ")
           << role << " " << index << ", but got " << tensorType.getElementType();
  tensor.dtype = static_cast<int>(*dtype);
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
  if (auto fill = dyn_cast_or_null<IntegerAttr>(get("thresh.default"))) {
    tensor.optional = true;
    tensor.defaultValue = fill.getInt();
  }
  return tensor;
}

} // namespace

FailureOr<Signature> readSignature(func::FuncOp function) {
  Signature signature;
  signature.name = function.getSymName().str();
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = readTensor(function, type, function.getArgAttrDict(index), "input", index);
    if (failed(tensor))
      return failure();
    signature.inputs.push_back(*tensor);
    if (function.getArgAttr(index, "thresh.tokens"))
      signature.tokenInput = index;
  }
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    auto tensor = readTensor(function, type, function.getResultAttrDict(index), "output", index);
    if (failed(tensor))
      return failure();
    signature.outputs.push_back(*tensor);
  }
  return signature;
}

const char *dtypeName(int dtype) { return kDtypeNames[dtype]; }

} // namespace thresh
