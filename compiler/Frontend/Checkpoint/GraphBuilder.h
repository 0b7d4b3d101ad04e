//===- GraphBuilder.h - What the architectures' builders share ---------------===//
//
// Declares parameters and entry points, and builds the layers that most architectures are made of.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_GRAPHBUILDER_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_GRAPHBUILDER_H

#include "compiler/Frontend/Checkpoint/CheckpointTensors.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

namespace thresh {

/// A declared input of an entry point: int64, every dimension dynamic unless it is fixed by name.
struct EntryInput {
  llvm::StringRef name;
  llvm::SmallVector<llvm::StringRef> dims; ///< names; equal names mean equal extents; "1": always of extent 1
  std::optional<int64_t> defaultValue;     ///< set: the caller may leave the input out
  bool isTokens = false;                   ///< its last extent counts the tokens that a call appends to the states
};

/// A declared output of an entry point.
struct EntryOutput {
  llvm::StringRef name;
  mlir::Value value;
  llvm::SmallVector<llvm::StringRef> dims; ///< as in EntryInput; used where the value's extent is dynamic
};

/// How a checkpoint stores a linear layer.
struct LinearForm {
  bool hasBias = true;
  bool isTransposed = false; ///< the weight is [in, out] instead of [out, in]
};

/// Builds one module. The first error about a tensor sticks (`finish`); building may go on after it, on
/// values of the right types, and the module is then thrown away.
class GraphBuilder {
public:
  using Sizes = llvm::ArrayRef<mlir::OpFoldResult>;

  /// `tensors` and `fixedDims` must outlive the builder.
  GraphBuilder(mlir::ModuleOp module, const CheckpointTensors &tensors, const llvm::StringMap<int64_t> &fixedDims);
  ~GraphBuilder() { llvm::consumeError(std::move(error)); }

  const CheckpointTensors &getTensors() const { return tensors; }

  /// Whether an error is recorded.
  bool hasFailed() { return static_cast<bool>(error); }
  /// Ends the module: the first error, or success.
  llvm::Error finish();

  //===- Entry points ------------------------------------------------------===//

  /// Starts the entry point `name`; the builder then inserts into its body. Returns its arguments.
  llvm::SmallVector<mlir::Value> beginEntry(llvm::StringRef name, llvm::ArrayRef<EntryInput> inputs);
  /// Ends the entry point.
  void endEntry(llvm::ArrayRef<EntryOutput> outputs);
  /// Demands extent <= limit of the dimension called `dim`: an error here if it is fixed, else the call
  /// stops with a message. `limitName` is the field of config.json that sets the limit.
  void limitExtent(llvm::StringRef dim, mlir::OpFoldResult extent, int64_t limit, llvm::StringRef limitName);

  //===- Values ------------------------------------------------------------===//

  /// The tensor `name` of the checkpoint, computed in f32; it must have `shape` and be stored as F32, F16
  /// or BF16. `oldName`, if given, is what old checkpoints call it.
  mlir::Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef oldName = "");
  /// Declares the state `name`, f32, one row per token; entry points share it. With a window it is a ring.
  void declareState(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, int64_t window = 0);
  /// Says how many tokens a session can hold.
  void declareContext(int64_t tokens);
  /// A tensor of `sizes`, every element `value`.
  mlir::Value splat(double value, Sizes sizes);
  mlir::Value broadcast(mlir::Value value, Sizes sizes);
  mlir::Value reshape(mlir::Value value, Sizes sizes);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);

  //===- Layers: `rows` are the sizes before the last dimension ------------===//

  /// x [rows..., in] times NAME.weight transposed, plus NAME.bias [out].
  mlir::Value linear(mlir::Value x, Sizes rows, llvm::StringRef name, int64_t in, int64_t out,
                     LinearForm form = LinearForm());
  /// Layer normalisation over the last dimension with NAME.weight and NAME.bias [width].
  mlir::Value layerNorm(mlir::Value x, llvm::StringRef name, int64_t width, double epsilon);

  mlir::OpBuilder builder;
  mlir::Location loc;

private:
  const StoredTensor *findTensor(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef oldName);
  SourceAttr findSource(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef oldName);
  mlir::DictionaryAttr signatureAttrs(llvm::StringRef name, mlir::RankedTensorType type,
                                      llvm::ArrayRef<llvm::StringRef> dims, std::optional<int64_t> defaultValue);
  void checkFixedDims();
  mlir::func::FuncOp firstEntry();
  void fail(llvm::Error newError);

  mlir::ModuleOp module;
  mlir::func::FuncOp entry;
  const CheckpointTensors &tensors;
  const llvm::StringMap<int64_t> &fixedDims;
  llvm::StringMap<mlir::Value> loads;  ///< of the entry point being built, by tensor name
  llvm::StringSet<> declared;          ///< tensor names that have a parameter
  llvm::SmallVector<std::string> dims; ///< names of all entry points' dimensions
  llvm::Error error = llvm::Error::success();
};

/// Checks that `name` is an activation that `buildActivation` knows; the error lists those it knows.
llvm::Error checkActivation(llvm::StringRef name);

/// The activation that config.json calls `name`, on x of `sizes`.
mlir::Value buildActivation(GraphBuilder &graph, llvm::StringRef name, mlir::Value x, GraphBuilder::Sizes sizes);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_GRAPHBUILDER_H
