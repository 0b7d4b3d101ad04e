//===- Handlers.h - The table of ONNX ops --------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_HANDLERS_H
#define THRESH_COMPILER_FRONTEND_ONNX_HANDLERS_H

#include "compiler/Frontend/Onnx/Node.h"

namespace thresh {

/// Element types that an op's first input may have.
enum class TypeClass { Any, Numeric, Float, Integer, Bool };

/// How one ONNX op is imported.
struct OpHandler {
  /// "Add", or "com.microsoft:FastGelu" outside the default domain.
  const char *name;
  unsigned minInputs;
  unsigned maxInputs;
  TypeClass firstInput;
  /// Sets the node's outputs; inputs up to `minInputs` are there. May return failure without an error
  /// when the node already has one.
  mlir::LogicalResult (*import)(Node &node);
  /// The least opset in which the op means what the handler does.
  int64_t since = 11;
};

constexpr unsigned anyNumber = ~0u;

/// One family of ops each; together the ops that the importer knows.
llvm::ArrayRef<OpHandler> activationHandlers();
llvm::ArrayRef<OpHandler> attentionHandlers();
llvm::ArrayRef<OpHandler> blockQuantizedHandlers();
llvm::ArrayRef<OpHandler> creationHandlers();
llvm::ArrayRef<OpHandler> einsumHandlers();
llvm::ArrayRef<OpHandler> elementwiseHandlers();
llvm::ArrayRef<OpHandler> groupQueryAttentionHandlers();
llvm::ArrayRef<OpHandler> indexingHandlers();
llvm::ArrayRef<OpHandler> matMulHandlers();
llvm::ArrayRef<OpHandler> normalizationHandlers();
llvm::ArrayRef<OpHandler> reduceHandlers();
llvm::ArrayRef<OpHandler> shapeHandlers();

/// The handler of `opType` in `domain` ("" is ONNX's own), or null.
const OpHandler *findHandler(llvm::StringRef domain, llvm::StringRef opType);

/// Fails with an error when the opset, the number of inputs or the first input's element type is not what `handler`
/// takes.
mlir::LogicalResult checkInputs(Node &node, const OpHandler &handler);

/// Evaluates a node on the elements of its inputs when these are shape values and the op is one of shape arithmetic.
/// False when it does not apply; the node's handler takes it then.
mlir::FailureOr<bool> evaluateShapeValue(Node &node);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_HANDLERS_H
