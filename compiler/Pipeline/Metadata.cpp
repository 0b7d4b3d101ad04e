//===- Metadata.cpp - The JSON that a library carries about itself ------------===//
#include "compiler/Pipeline/Metadata.h"

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "nlohmann/json.hpp"

using Json = nlohmann::ordered_json;

namespace thresh {

namespace {

Json describeTensor(const SignatureTensor &tensor) {
  Json shape = Json::array();
  for (auto [extent, symbol] : llvm::zip(tensor.shape, tensor.dimSymbols))
    shape.push_back(extent < 0 ? Json(symbol) : Json(extent));
  Json result{{"name", tensor.name}, {"dtype", dtypeName(tensor.dtype)}, {"shape", shape}};
  if (tensor.optional)
    result["default"] = tensor.defaultValue;
  if (!tensor.alias.empty())
    result["alias"] = tensor.alias;
  return result;
}

Json describeEntry(const Signature &entry) {
  Json inputs = Json::array(), outputs = Json::array();
  for (const SignatureTensor &tensor : entry.inputs)
    inputs.push_back(describeTensor(tensor));
  for (const SignatureTensor &tensor : entry.outputs)
    outputs.push_back(describeTensor(tensor));
  return {{"name", entry.name}, {"inputs", inputs}, {"outputs", outputs}};
}

Json describeKernel(const codegen::KernelSpec &spec) {
  Json operands = Json::array();
  for (const codegen::Operand &operand : spec.operands) {
    Json shape = Json::array();
    for (int64_t extent : operand.shape)
      shape.push_back(extent < 0 ? Json("?") : Json(extent));
    operands.push_back(
        {{"name", operand.name}, {"dtype", dtypeName(static_cast<int>(operand.dtype))}, {"shape", shape}});
  }
  return {{"name", spec.name},
          {"family", stringifyKernelFamily(static_cast<KernelFamily>(spec.family)).str()},
          {"stages", spec.stages.size()},
          {"operands", operands}};
}

Json describeStates(const LibraryDescription &library) {
  Json states = Json::array();
  for (const LibraryState &state : library.states) {
    Json described{{"name", state.name}, {"dtype", dtypeName(state.dtype)}, {"shape", state.shape}};
    if (state.window)
      described["window"] = state.window;
    states.push_back(described);
  }
  return {{"context", library.context}, {"bytes", library.stateBytes}, {"list", states}};
}

Json describeRead(const StateRead &read) {
  Json described{{"row_bytes", read.rowBytes}, {"rows", read.rows}};
  if (read.scannedBytes < read.rowBytes) {
    described["scanned_bytes"] = read.scannedBytes;
    described["chosen_rows"] = read.chosenRows;
  }
  return described;
}

Json describeWeights(const LibraryDescription &library) {
  Json tensors = Json::array();
  for (const PackedTensor &tensor : library.weights.tensors) {
    std::string element;
    llvm::raw_string_ostream(element) << tensor.type.getElementType();
    tensors.push_back({{"name", tensor.name},
                       {"dtype", element},
                       {"shape", std::vector<int64_t>(tensor.type.getShape())},
                       {"offset", tensor.offset},
                       {"bytes", tensor.bytes}});
  }
  return {{"file", library.weightsFile}, {"bytes", library.weights.dataBytes}, {"tensors", tensors}};
}

} // namespace

std::string buildMetadata(const LibraryDescription &library, llvm::StringRef model,
                          llvm::ArrayRef<codegen::KernelSpec> kernels, llvm::ArrayRef<LaunchRecord> launches) {
  Json entries = Json::array(), targets = Json::array(), kernelList = Json::array(), launchList = Json::array();
  for (const Signature &entry : library.entries)
    entries.push_back(describeEntry(entry));
  for (const LibraryVariant &variant : library.variants)
    targets.push_back(variant.target);
  for (const codegen::KernelSpec &spec : kernels)
    kernelList.push_back(describeKernel(spec));
  for (const LaunchRecord &launch : launches) {
    Json record{{"entry", launch.entry}, {"kernel", launch.kernel}};
    if (!launch.flops.empty())
      record["flops"] = launch.flops;
    if (launch.weightBytes)
      record["weight_bytes"] = launch.weightBytes;
    if (launch.denseWeightBytes > launch.weightBytes)
      record["dense_weight_bytes"] = launch.denseWeightBytes;
    for (const StateRead &state : launch.states)
      record["states"].push_back(describeRead(state));
    launchList.push_back(record);
  }
  Json metadata{{"format", 1},
                {"compiler", "thresh 0.1.0"},
                {"model", model.str()},
                {"targets", targets},
                {"entries", entries},
                {"kernels", kernelList},
                {"launches", launchList},
                {"weights", describeWeights(library)}};
  if (library.isApproximate)
    metadata["approximate"] = true;
  if (library.context) {
    metadata["states"] = describeStates(library);
    metadata["tokenizer"] = library.tokenizer;
  }
  return metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace thresh
