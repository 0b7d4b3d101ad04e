//===- Importer.h - Walks an ONNX graph and imports its nodes ------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_IMPORTER_H
#define THRESH_COMPILER_FRONTEND_ONNX_IMPORTER_H

#include "compiler/Frontend/Onnx/Node.h"
#include "compiler/Frontend/Onnx/OnnxFrontend.h"
#include "compiler/Frontend/Onnx/StoredTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

namespace thresh {

/// The names visible in a graph, a branch of an If, or the body of a local function.
struct Scope {
  /// The graph around this one; null for the main graph and for functions, which see nothing else.
  Scope *parent = nullptr;
  llvm::StringMap<Tensor> values;
  /// Initializers nobody has used yet.
  llvm::StringMap<const onnx::TensorProto *> initializers;
  /// Inputs of a function that its caller left out.
  llvm::StringSet<> absent;
  /// Names that nodes of this graph produce, at any place: tells a wrong order from an unknown name.
  llvm::StringSet<> produced;
  /// Domain -> version.
  llvm::StringMap<int64_t> opsets;
  /// Attributes of the call, for `ref_attr_name` in a function's body.
  llvm::StringMap<const onnx::AttributeProto *> callAttributes;
  /// Calls of local functions around this scope.
  unsigned callDepth = 0;
};

/// Imports one model. The parts below are for handlers; everything else is importOnnx's.
class Importer {
public:
  Importer(const OnnxFile &file, mlir::MLIRContext &context, const OnnxImportOptions &options);

  /// The module, or null after an error.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// The tensor called `name` in `scope`, from an enclosing scope or an initializer too. Null after an error at the
  /// builder's location.
  Tensor *lookUp(Scope &scope, llvm::StringRef name);
  /// A constant or a parameter from a tensor of the model.
  mlir::FailureOr<Tensor> importTensor(const onnx::TensorProto &proto, llvm::StringRef name);
  /// Imports a branch of an If: its nodes, then the tensors that it gives.
  mlir::FailureOr<llvm::SmallVector<Tensor>> importSubgraph(const onnx::GraphProto &graph, Scope &parent);

private:
  mlir::LogicalResult readOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports,
                                 Scope &scope);
  mlir::LogicalResult readFunctions();
  mlir::LogicalResult declareInitializers(const onnx::GraphProto &graph, Scope &scope);
  mlir::LogicalResult declareInputs(Scope &scope);
  mlir::FailureOr<mlir::RankedTensorType> inputType(const onnx::ValueInfoProto &input, bool &isUnsigned,
                                                    llvm::SmallVectorImpl<std::string> &symbols);
  void bindInputSizes(Tensor &tensor, llvm::ArrayRef<std::string> symbols);
  mlir::LogicalResult importNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes, Scope &scope);
  mlir::LogicalResult importNode(const onnx::NodeProto &proto, Scope &scope);
  mlir::LogicalResult storeResults(Node &node, Scope &scope);
  mlir::LogicalResult inlineFunction(Node &node, const onnx::FunctionProto &function);
  mlir::LogicalResult unknownOp(Node &node);
  mlir::LogicalResult importOutputs(Scope &scope);
  mlir::DictionaryAttr interfaceAttributes(llvm::StringRef name, const Tensor &tensor,
                                           llvm::ArrayRef<std::string> dims);
  void eraseUnused();
  void declareAliases();

  const OnnxFile &file;
  const OnnxImportOptions &options;
  mlir::Location fileLoc;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  Emitter emit;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  /// Symbol names in use.
  llvm::StringSet<> symbolNames;
  /// Dimension name -> its extent, and the reverse.
  llvm::StringMap<mlir::Value> symbolSizes;
  llvm::DenseMap<mlir::Value, std::string> sizeSymbols;
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_IMPORTER_H
