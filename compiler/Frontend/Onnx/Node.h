//===- Node.h - One ONNX node, as its handler sees it --------------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_NODE_H
#define THRESH_COMPILER_FRONTEND_ONNX_NODE_H

#include "compiler/Frontend/Onnx/Emitter.h"

#include "llvm/ADT/StringMap.h"

namespace onnx {
class AttributeProto;
class NodeProto;
} // namespace onnx

namespace thresh {

class Importer;
struct Scope;

/// The inputs, attributes and outputs of a node. A getter that meets a value of the wrong kind emits an error,
/// remembers it
/// (`failed()`) and gives the default, so that handlers need not check each.
class Node {
public:
  Node(Importer &importer, Scope &scope, const onnx::NodeProto &proto, Emitter &emit);

  Emitter &emit;

  llvm::StringRef opType() const;
  /// The version of the operator set of the node's domain.
  int64_t opset() const { return version; }
  const onnx::NodeProto &message() const { return proto; }
  Scope &enclosingScope() { return scope; }
  bool failed() const { return hasError; }
  /// Emits an error at the node.
  mlir::InFlightDiagnostic error();

  //===- Inputs --------------------------------------------------------------===//

  /// Looks up every input. Fails for a name that nothing defines.
  mlir::LogicalResult resolveInputs();
  size_t inputCount() const { return inputs.size(); }
  /// Whether input `index` is there and not the empty name.
  bool hasInput(size_t index) const { return index < inputs.size() && inputs[index]; }
  /// Input `index`, which is there; a shape value may have no SSA value yet.
  const Tensor &shapeInput(size_t index) const { return *inputs[index]; }
  /// Input `index`, which is there, with its SSA value.
  const Tensor &input(size_t index);
  /// The elements of an integer input as index values: known ones where possible, else extracted from the tensor. Fails
  /// for a tensor that is not integer, of rank above 1, or of unknown or great length.
  mlir::FailureOr<Sizes> elements(size_t index);
  /// The elements of an integer input that are extents or counts: none is known to be negative, nor their product to
  /// exceed 2^62.
  mlir::FailureOr<Sizes> extents(size_t index);
  /// The elements of an integer input that has to be constant.
  mlir::FailureOr<llvm::SmallVector<int64_t>> constants(size_t index);

  //===- Attributes ----------------------------------------------------------===//

  const onnx::AttributeProto *attribute(llvm::StringRef name) const;
  int64_t intAttribute(llvm::StringRef name, int64_t otherwise);
  double floatAttribute(llvm::StringRef name, double otherwise);
  std::string stringAttribute(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<llvm::SmallVector<int64_t>> intsAttribute(llvm::StringRef name);
  /// A tensor attribute as a tensor; nothing when it is not given.
  mlir::FailureOr<std::optional<Tensor>> tensorAttribute(llvm::StringRef name);
  /// Imports the graph in attribute `name` in place and gives its outputs.
  mlir::FailureOr<llvm::SmallVector<Tensor>> graphAttribute(llvm::StringRef name);
  /// Integers that are an attribute in older opsets and a constant input in newer ones; nothing when neither is given.
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>> intsFromAttributeOrInput(llvm::StringRef name,
                                                                                      size_t index);
  /// `axis` counted from 0, for a tensor of `rank` dimensions.
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  /// `axes` counted from 0; fails for one given twice.
  mlir::FailureOr<llvm::SmallVector<int64_t>> normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===- Outputs -------------------------------------------------------------===//

  size_t outputCount() const;
  bool wantsOutput(size_t index) const;
  /// Sets output `index` unless the node leaves it out.
  void setOutput(size_t index, Tensor tensor);
  /// The outputs set so far, by index.
  llvm::ArrayRef<std::optional<Tensor>> results() const { return outputs; }

  //===- Types ---------------------------------------------------------------===//

  /// Fails unless all inputs that are there have the element type of input 0.
  mlir::LogicalResult requireSameTypes();
  /// Fails unless a == b; where that is not known now, the check is made when the model runs. `what` completes "expects
  /// equal ...".
  mlir::LogicalResult requireEqual(Size a, Size b, llvm::StringRef what);
  /// The ONNX element type of `dataType`, failing for an unsupported one.
  mlir::FailureOr<std::pair<mlir::Type, bool>> elementType(int64_t dataType);

private:
  friend class Importer;

  Importer &importer;
  Scope &scope;
  const onnx::NodeProto &proto;
  int64_t version;
  bool hasError = false;
  llvm::SmallVector<Tensor *> inputs;
  llvm::SmallVector<std::optional<Tensor>> outputs;
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_NODE_H
