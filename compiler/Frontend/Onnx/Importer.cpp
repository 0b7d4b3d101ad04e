//===- Importer.cpp - From an ONNX model to a module ---------------------===//
#include "compiler/Frontend/Onnx/Importer.h"

#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace thresh;

/// The newest opset of ONNX's own domain that has been looked at; the table of handlers says the oldest for each op.
static constexpr int64_t maxOpset = 28;

/// Local functions within local functions; ONNX forbids circles.
static constexpr unsigned maxCallDepth = 32;

Importer::Importer(const OnnxFile &file, MLIRContext &context, const OnnxImportOptions &options)
    : file(file), options(options), fileLoc(NameLoc::get(StringAttr::get(&context, file.path()))),
      module(ModuleOp::create(fileLoc)),
      function(func::FuncOp::create(fileLoc, "main", FunctionType::get(&context, {}, {}))),
      emit(fileLoc, OpBuilder(&context)) {
  module->push_back(function);
  emit.builder.setInsertionPointToEnd(function.addEntryBlock());
  symbolNames.insert("main");
}

OwningOpRef<ModuleOp> Importer::run() {
  const onnx::GraphProto &graph = file.model().graph();
  Scope scope;
  if (failed(readOpsets(file.model().opset_import(), scope)) || failed(readFunctions()) ||
      failed(declareInitializers(graph, scope)) || failed(declareInputs(scope)) ||
      failed(importNodes(graph.node(), scope)) || failed(importOutputs(scope)))
    return nullptr;
  eraseUnused();
  declareAliases();
  if (failed(verify(*module)))
    return nullptr;
  return std::move(module);
}

//===- Names ---------------------------------------------------------------===//

LogicalResult Importer::readOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports,
                                   Scope &scope) {
  for (const onnx::OperatorSetIdProto &import : imports)
    scope.opsets[import.domain() == "ai.onnx" ? "" : import.domain()] = import.version();
  auto version = scope.opsets.find("");
  if (version != scope.opsets.end() && (version->second < 1 || version->second > maxOpset))
    return emitError(fileLoc) << "expects an ONNX opset from 1 to " << maxOpset << ", but got " << version->second;
  return success();
}

static std::string functionKey(StringRef domain, StringRef name, StringRef overload) {
  return (domain + ":" + name + ":" + overload).str();
}

LogicalResult Importer::readFunctions() {
  for (const onnx::FunctionProto &proto : file.model().functions())
    if (!functions.try_emplace(functionKey(proto.domain(), proto.name(), proto.overload()), &proto).second)
      return emitError(fileLoc) << "local function '" << proto.domain() << ":" << proto.name() << "' is defined twice";
  return success();
}

LogicalResult Importer::declareInitializers(const onnx::GraphProto &graph, Scope &scope) {
  if (graph.sparse_initializer_size() > 0)
    return emitError(fileLoc) << "sparse initializers are not supported";
  for (const onnx::TensorProto &proto : graph.initializer())
    if (!scope.initializers.try_emplace(proto.name(), &proto).second)
      return emitError(fileLoc) << "initializer '" << proto.name() << "' is defined twice";
  for (const onnx::NodeProto &node : graph.node())
    scope.produced.insert(node.output().begin(), node.output().end());
  return success();
}

Tensor *Importer::lookUp(Scope &scope, StringRef name) {
  for (Scope *visible = &scope; visible; visible = visible->parent) {
    if (auto entry = visible->values.find(name); entry != visible->values.end())
      return &entry->second;
    if (auto entry = visible->initializers.find(name); entry != visible->initializers.end()) {
      FailureOr<Tensor> tensor = importTensor(*entry->second, name);
      return failed(tensor) ? nullptr : &(visible->values[name] = *tensor);
    }
  }
  if (scope.produced.contains(name))
    emit.error() << "uses '" << name << "' before the node that computes it: the graph is cyclic or out of order";
  else
    emit.error() << "uses '" << name << "', which no node, input or initializer defines";
  return nullptr;
}

FailureOr<Tensor> Importer::importTensor(const onnx::TensorProto &proto, StringRef name) {
  Location loc = NameLoc::get(StringAttr::get(module->getContext(), name));
  FailureOr<StoredTensor> stored = readStoredTensor(proto, file, loc);
  if (failed(stored))
    return failure();
  if (stored->constant)
    return emit.constant(stored->constant, stored->isUnsigned);
  std::string symbol = name.empty() ? "parameter" : name.str();
  for (unsigned suffix = 0; !symbolNames.insert(symbol).second; ++suffix)
    symbol = (name + "_" + Twine(suffix)).str();
  OpBuilder atModule = OpBuilder::atBlockEnd(module->getBody());
  atModule.setInsertionPoint(function);
  ParameterOp::create(atModule, loc, symbol, stored->type, stored->source, PackAttr());
  Value value = LoadParameterOp::create(emit.builder, stored->type, symbol);
  return emit.wrap(value, emit.math.constants(stored->type.getShape()), stored->isUnsigned);
}

//===- Inputs --------------------------------------------------------------===//

FailureOr<RankedTensorType> Importer::inputType(const onnx::ValueInfoProto &input, bool &isUnsigned,
                                                SmallVectorImpl<std::string> &symbols) {
  Location loc = NameLoc::get(StringAttr::get(module->getContext(), "input '" + input.name() + "'"));
  if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape())
    return emitError(loc) << "expects a tensor type with a shape";
  FailureOr<ElementType> element = convertElementType(input.type().tensor_type().elem_type(), loc);
  if (failed(element))
    return failure();
  isUnsigned = element->isUnsigned;
  SmallVector<int64_t> shape;
  for (const onnx::TensorShapeProto::Dimension &dim : input.type().tensor_type().shape().dim()) {
    std::string symbol = dim.dim_param();
    if (!dim.has_dim_value() && symbol.empty())
      symbol = input.name() + "_" + std::to_string(shape.size());
    auto fixed = options.dims.find(symbol);
    bool isFixed = !symbol.empty() && fixed != options.dims.end();
    symbols.push_back(dim.has_dim_value() || isFixed ? "" : symbol);
    if (dim.has_dim_value() && dim.dim_value() < 0)
      return emitError(loc) << "expects dimensions >= 0, but got " << dim.dim_value();
    shape.push_back(dim.has_dim_value() ? dim.dim_value() : isFixed ? fixed->second : ShapedType::kDynamic);
  }
  SmallVector<int64_t> least(shape);
  llvm::replace(least, ShapedType::kDynamic, int64_t(1));
  if (!checkedBytes(least, element->type))
    return emitError(loc) << "expects dimensions >= 0 and less than 2^62 bytes";
  return RankedTensorType::get(shape, element->type);
}

void Importer::bindInputSizes(Tensor &tensor, ArrayRef<std::string> symbols) {
  for (auto [i, symbol] : llvm::enumerate(symbols)) {
    if (symbol.empty())
      continue;
    Value &size = symbolSizes[symbol];
    if (!size) {
      size = tensor::DimOp::create(emit.builder, tensor.value, emit.math.value(emit.math.constant(i)));
      emit.math.markNonNegative(size);
      sizeSymbols[size] = symbol;
    }
    tensor.sizes[i] = size;
  }
}

DictionaryAttr Importer::interfaceAttributes(StringRef name, const Tensor &tensor, ArrayRef<std::string> dims) {
  Builder &builder = emit.builder;
  SmallVector<StringRef> dimNames(dims.begin(), dims.end());
  SmallVector<NamedAttribute> attributes = {builder.getNamedAttr("thresh.name", builder.getStringAttr(name)),
                                            builder.getNamedAttr("thresh.dims", builder.getStrArrayAttr(dimNames))};
  if (tensor.isUnsigned)
    attributes.push_back(builder.getNamedAttr("thresh.dtype", builder.getStringAttr(unsignedName(tensor.elementType))));
  return builder.getDictionaryAttr(attributes);
}

LogicalResult Importer::declareInputs(Scope &scope) {
  llvm::StringSet<> known;
  for (const onnx::ValueInfoProto &input : file.model().graph().input()) {
    if (scope.initializers.contains(input.name()))
      continue;
    if (scope.values.contains(input.name()))
      return emitError(fileLoc) << "input '" << input.name() << "' is defined twice";
    Tensor tensor;
    SmallVector<std::string> symbols;
    FailureOr<RankedTensorType> type = inputType(input, tensor.isUnsigned, symbols);
    if (failed(type))
      return failure();
    for (const onnx::TensorShapeProto::Dimension &dim : input.type().tensor_type().shape().dim())
      known.insert(dim.dim_param());
    known.insert(symbols.begin(), symbols.end());
    tensor.elementType = type->getElementType();
    tensor.value = function.getBody().addArgument(*type, fileLoc);
    for (int64_t extent : type->getShape())
      tensor.sizes.push_back(emit.math.constant(ShapedType::isDynamic(extent) ? 0 : extent));
    bindInputSizes(tensor, symbols);
    unsigned index = function.getBody().getNumArguments() - 1;
    function.setType(FunctionType::get(module->getContext(), function.getBody().getArgumentTypes(), {}));
    function.setArgAttrs(index, interfaceAttributes(input.name(), tensor, symbols));
    scope.values[input.name()] = std::move(tensor);
  }
  for (const auto &entry : options.dims)
    if (!known.contains(entry.first()))
      return emitError(fileLoc) << "the inputs have no dimension called '" << entry.first() << "'";
  return success();
}

//===- Nodes ---------------------------------------------------------------===//

LogicalResult Importer::importNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes, Scope &scope) {
  for (const onnx::NodeProto &node : nodes)
    if (failed(importNode(node, scope)))
      return failure();
  return success();
}

LogicalResult Importer::unknownOp(Node &node) {
  const onnx::NodeProto &proto = node.message();
  return node.error() << "unsupported op '" << proto.op_type() << "' of domain '" << proto.domain() << "' (opset "
                      << node.opset() << "), node '" << proto.name() << "'";
}

LogicalResult Importer::importNode(const onnx::NodeProto &proto, Scope &scope) {
  StringRef label = proto.name();
  if (label.empty() && proto.output_size() > 0)
    label = proto.output(0);
  std::string place = proto.op_type() + " '" + label.str() + "'";
  emit.builder.setLoc(NameLoc::get(StringAttr::get(module->getContext(), place)));
  Node node(*this, scope, proto, emit);
  StringRef domain = proto.domain() == "ai.onnx" ? "" : StringRef(proto.domain());
  if (failed(node.resolveInputs()))
    return failure();
  if (const onnx::FunctionProto *body = functions.lookup(functionKey(domain, proto.op_type(), proto.overload()))) {
    if (failed(inlineFunction(node, *body)))
      return failure();
    return storeResults(node, scope);
  }
  const OpHandler *handler = findHandler(domain, proto.op_type());
  if (!handler)
    return unknownOp(node);
  if (!scope.opsets.contains(domain))
    return node.error() << "the model imports no opset for domain '" << domain << "'";
  if (failed(checkInputs(node, *handler)))
    return failure();
  FailureOr<bool> evaluated = evaluateShapeValue(node);
  if (failed(evaluated) || (!*evaluated && failed(handler->import(node))) || node.failed())
    return failure();
  return storeResults(node, scope);
}

LogicalResult Importer::storeResults(Node &node, Scope &scope) {
  for (size_t i = 0; i < node.outputCount(); ++i) {
    if (!node.wantsOutput(i))
      continue;
    const std::string &name = node.message().output(static_cast<int>(i));
    if (!node.results()[i])
      return node.error() << "output " << i << " ('" << name << "') is not supported";
    SmallVector<int64_t> known = node.results()[i]->staticShape();
    llvm::replace(known, ShapedType::kDynamic, int64_t(1));
    if (!checkedBytes(known, node.results()[i]->elementType))
      return node.error() << "output '" << name << "' has a negative size or more than 2^62 bytes";
    if (scope.initializers.contains(name) || !scope.values.try_emplace(name, *node.results()[i]).second)
      return node.error() << "tensor '" << name << "' is defined twice";
  }
  return success();
}

LogicalResult Importer::inlineFunction(Node &node, const onnx::FunctionProto &body) {
  Scope scope;
  scope.callDepth = node.enclosingScope().callDepth + 1;
  if (scope.callDepth > maxCallDepth)
    return node.error() << "local functions call each other in a circle or more than " << maxCallDepth << " deep";
  if (node.inputCount() > size_t(body.input_size()))
    return node.error() << "expects at most " << body.input_size() << " inputs, but got " << node.inputCount();
  if (failed(readOpsets(body.opset_import(), scope)))
    return failure();
  for (const onnx::AttributeProto &attribute : body.attribute_proto())
    scope.callAttributes[attribute.name()] = &attribute;
  for (const onnx::AttributeProto &attribute : node.message().attribute())
    if (const onnx::AttributeProto *value = node.attribute(attribute.name()))
      scope.callAttributes[attribute.name()] = value;
  for (int i = 0; i < body.input_size(); ++i)
    if (node.hasInput(i))
      scope.values[body.input(i)] = node.shapeInput(i);
    else
      scope.absent.insert(body.input(i));
  for (const onnx::NodeProto &inner : body.node())
    scope.produced.insert(inner.output().begin(), inner.output().end());
  if (failed(importNodes(body.node(), scope)))
    return failure();
  for (int i = 0; i < body.output_size(); ++i) {
    if (!node.wantsOutput(i))
      continue;
    Tensor *tensor = lookUp(scope, body.output(i));
    if (!tensor)
      return failure();
    node.setOutput(i, *tensor);
  }
  return success();
}

FailureOr<SmallVector<Tensor>> Importer::importSubgraph(const onnx::GraphProto &graph, Scope &parent) {
  Scope scope;
  scope.parent = &parent;
  scope.callDepth = parent.callDepth;
  scope.opsets = parent.opsets;
  scope.callAttributes = parent.callAttributes;
  if (failed(declareInitializers(graph, scope)) || failed(importNodes(graph.node(), scope)))
    return failure();
  SmallVector<Tensor> results;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    Tensor *tensor = lookUp(scope, output.name());
    if (!tensor)
      return failure();
    results.push_back(*tensor);
  }
  return results;
}

//===- Outputs -------------------------------------------------------------===//

/// The name of an output's dimension: its input symbol if it is one, the model's own name if that is no input's.
static std::string outputDim(const onnx::ValueInfoProto &output, size_t index, const std::string &inputSymbol,
                             const llvm::StringMap<Value> &symbols) {
  if (!inputSymbol.empty())
    return inputSymbol;
  const onnx::TensorShapeProto &shape = output.type().tensor_type().shape();
  if (int(index) < shape.dim_size()) {
    const std::string &declared = shape.dim(int(index)).dim_param();
    if (!declared.empty() && !symbols.contains(declared))
      return declared;
  }
  return output.name() + "_" + std::to_string(index);
}

LogicalResult Importer::importOutputs(Scope &scope) {
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  emit.builder.setLoc(fileLoc);
  if (file.model().graph().output_size() == 0)
    return emitError(fileLoc) << "expects at least one output";
  for (const onnx::ValueInfoProto &output : file.model().graph().output()) {
    Tensor *tensor = lookUp(scope, output.name());
    if (!tensor)
      return failure();
    if (int32_t declared = output.type().tensor_type().elem_type()) {
      FailureOr<ElementType> element = convertElementType(declared, fileLoc);
      if (failed(element))
        return failure();
      if (element->type != tensor->elementType || element->isUnsigned != tensor->isUnsigned)
        return emitError(fileLoc) << "output '" << output.name() << "' is declared as " << element->type
                                  << ", but the nodes compute " << tensor->elementType;
    }
    tensor->value = emit.value(*tensor);
    SmallVector<std::string> dims;
    for (auto [i, size] : llvm::enumerate(tensor->sizes))
      dims.push_back(isa<Attribute>(size) ? ""
                                          : outputDim(output, i, sizeSymbols.lookup(cast<Value>(size)), symbolSizes));
    values.push_back(tensor->value);
    attributes.push_back(interfaceAttributes(output.name(), *tensor, dims));
  }
  func::ReturnOp::create(emit.builder, values);
  function.setType(FunctionType::get(module->getContext(), function.getBody().getArgumentTypes(),
                                     llvm::to_vector(ValueRange(values).getTypes())));
  for (auto [i, dictionary] : llvm::enumerate(attributes))
    function.setResultAttrs(static_cast<unsigned>(i), dictionary);
  return success();
}

void Importer::eraseUnused() {
  Block &entry = function.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(entry)))
    if (isOpTriviallyDead(&op))
      op.erase();
  llvm::StringSet<> used;
  function.walk([&](LoadParameterOp load) { used.insert(load.getParameter()); });
  for (ParameterOp parameter : llvm::make_early_inc_range(module->getOps<ParameterOp>()))
    if (!used.contains(parameter.getSymName()))
      parameter.erase();
}

/// Marks the outputs that are an input with new rows in it, which nothing else reads: they may be the input's memory.
void Importer::declareAliases() {
  auto results = cast<func::ReturnOp>(function.getBody().front().getTerminator()).getOperands();
  for (auto [index, result] : llvm::enumerate(results)) {
    auto write = result.getDefiningOp<WriteRowsOp>();
    auto past = write ? dyn_cast<BlockArgument>(write.getPast()) : BlockArgument();
    if (!past || llvm::count(results, result) != 1)
      continue;
    bool isReadElsewhere =
        llvm::any_of(past.getUsers(), [&](Operation *user) { return user != write && !isa<tensor::DimOp>(user); });
    if (!isReadElsewhere && past != write.getRows())
      function.setResultAttr(index, "thresh.alias", function.getArgAttr(past.getArgNumber(), "thresh.name"));
  }
}

OwningOpRef<ModuleOp> thresh::importOnnx(StringRef path, MLIRContext &context, const OnnxImportOptions &options) {
  context.loadDialect<ThreshDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                      scf::SCFDialect, tensor::TensorDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  FailureOr<std::unique_ptr<OnnxFile>> file = OnnxFile::open(path, loc);
  if (failed(file))
    return nullptr;
  return Importer(**file, context, options).run();
}
