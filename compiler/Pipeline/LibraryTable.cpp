//===- LibraryTable.cpp - The table that a library exports --------------------===//
//
// Emits the structs of runtime/include/thresh/abi.h field by field, as LLVM constants.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Pipeline/LibraryTable.h"

#include "thresh/abi.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace llvm;

namespace thresh {

namespace {

class TableBuilder {
public:
  TableBuilder(const LibraryDescription &library, LLVMContext &context)
      : library(library), module(std::make_unique<Module>("thresh_library", context)), context(context),
        pointer(PointerType::getUnqual(context)), i32(Type::getInt32Ty(context)), i64(Type::getInt64Ty(context)) {}

  std::unique_ptr<Module> build() {
    Constant *table =
        structure({number(i32, THRESH_ABI_VERSION), number(i32, library.entries.size()), entries(),
                   number(i32, library.variants.size()), number(i32, 0), variants(), metadata(),
                   optionalText(library.weightsFile), embeddedWeights(), number(i64, library.weights.dataBytes),
                   number(i64, library.weights.headerBytes), number(i64, library.weights.id),
                   function("halide_set_custom_do_par_for"), states(), number(i32, library.states.size()),
                   number(i32, library.isApproximate ? THRESH_LIBRARY_APPROXIMATE : 0), number(i64, library.stateBytes),
                   number(i64, library.context), generation()});
    GlobalVariable *exported = global(table, THRESH_ABI_SYMBOL);
    exported->setLinkage(GlobalValue::ExternalLinkage);
    return std::move(module);
  }

private:
  Constant *number(Type *type, uint64_t value) { return ConstantInt::get(type, value); }

  Constant *structure(ArrayRef<Constant *> fields) { return ConstantStruct::getAnon(context, fields); }

  GlobalVariable *global(Constant *value, const Twine &name) {
    auto *variable =
        new GlobalVariable(*module, value->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, value, name);
    return variable;
  }

  /// A private array of equal constants; null when there are none.
  Constant *array(ArrayRef<Constant *> elements, const Twine &name) {
    if (elements.empty())
      return ConstantPointerNull::get(pointer);
    auto *type = ArrayType::get(elements.front()->getType(), elements.size());
    return global(ConstantArray::get(type, elements), name);
  }

  Constant *text(StringRef value) { return global(ConstantDataArray::getString(context, value), "text"); }

  Constant *optionalText(StringRef value) { return value.empty() ? ConstantPointerNull::get(pointer) : text(value); }

  Constant *function(StringRef name) {
    FunctionCallee callee = module->getOrInsertFunction(name, FunctionType::get(pointer, {pointer}, false));
    return cast<Constant>(callee.getCallee());
  }

  Constant *metadata() {
    GlobalVariable *variable = global(ConstantDataArray::getString(context, library.metadata), "metadata");
    variable->setSection(kMetadataSection);
    return variable;
  }

  Constant *embeddedWeights() {
    if (library.weightsSymbol.empty())
      return ConstantPointerNull::get(pointer);
    auto *data = new GlobalVariable(*module, Type::getInt8Ty(context), true, GlobalValue::ExternalLinkage, nullptr,
                                    library.weightsSymbol);
    data->setVisibility(GlobalValue::HiddenVisibility);
    return data;
  }

  Constant *tensor(const SignatureTensor &tensor) {
    SmallVector<Constant *> shape, symbols;
    for (auto [extent, symbol] : zip(tensor.shape, tensor.dimSymbols)) {
      shape.push_back(number(i64, extent));
      symbols.push_back(optionalText(symbol));
    }
    return structure({text(tensor.name), number(i32, tensor.dtype), number(i32, tensor.shape.size()),
                      array(shape, "shape"), array(symbols, "symbols"), number(i32, tensor.optional), number(i32, 0),
                      number(i64, tensor.defaultValue)});
  }

  Constant *tensors(ArrayRef<SignatureTensor> list) {
    SmallVector<Constant *> elements;
    for (const SignatureTensor &entry : list)
      elements.push_back(tensor(entry));
    return array(elements, "tensors");
  }

  Constant *entries() {
    SmallVector<Constant *> elements;
    for (const Signature &entry : library.entries)
      elements.push_back(
          structure({text(entry.name), number(i32, entry.inputs.size()), number(i32, entry.outputs.size()),
                     tensors(entry.inputs), tensors(entry.outputs), number(i32, entry.tokenInput), number(i32, 0),
                     number(i64, entry.weightBytes), number(i64, entry.denseWeightBytes), stateReads(entry)}));
    return array(elements, "entries");
  }

  Constant *stateReads(const Signature &entry) {
    SmallVector<Constant *> elements;
    for (const StateRead &read : entry.stateReads)
      elements.push_back(
          structure({number(i64, read.rows), number(i64, read.scannedBytes), number(i64, read.chosenRows)}));
    return array(elements, "state_reads");
  }

  Constant *states() {
    SmallVector<Constant *> elements;
    for (const LibraryState &state : library.states) {
      SmallVector<Constant *> shape;
      for (int64_t extent : state.shape)
        shape.push_back(number(i64, extent));
      elements.push_back(
          structure({text(state.name), number(i32, state.dtype), number(i32, state.shape.size()), array(shape, "shape"),
                     number(i64, state.offset), number(i64, state.bytes), number(i64, state.window)}));
    }
    return array(elements, "states");
  }

  Constant *real(float value) { return ConstantFP::get(Type::getFloatTy(context), value); }

  Constant *generation() {
    if (!library.generation)
      return ConstantPointerNull::get(pointer);
    const LibraryGeneration &defaults = *library.generation;
    SmallVector<Constant *> stopTokens;
    for (int64_t token : defaults.stopTokens)
      stopTokens.push_back(number(i64, token));
    return global(structure({array(stopTokens, "stop_tokens"), number(i32, stopTokens.size()),
                             number(i32, defaults.doSample), number(i64, defaults.bosToken), real(defaults.temperature),
                             real(defaults.topP), real(defaults.repetitionPenalty), number(i32, defaults.topK)}),
                  "generation");
  }

  Constant *variants() {
    SmallVector<Constant *> elements;
    for (const LibraryVariant &variant : library.variants) {
      SmallVector<Constant *> functions;
      for (const std::string &name : variant.functions)
        functions.push_back(function(name));
      elements.push_back(
          structure({text(variant.target), number(i64, variant.cpuFeatures), array(functions, "functions")}));
    }
    return array(elements, "variants");
  }

  const LibraryDescription &library;
  std::unique_ptr<Module> module;
  LLVMContext &context;
  PointerType *pointer;
  Type *i32, *i64;
};

} // namespace

std::unique_ptr<Module> buildLibraryTable(const LibraryDescription &library, LLVMContext &context) {
  return TableBuilder(library, context).build();
}

} // namespace thresh
