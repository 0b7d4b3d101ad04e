//===- Emitter.h - Builds graph-stage ops on importer tensors ------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_EMITTER_H
#define THRESH_COMPILER_FRONTEND_ONNX_EMITTER_H

#include "compiler/Frontend/Onnx/Tensor.h"

#include "dialects/Thresh/IR/ThreshDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace thresh {

/// Emits ops at the end of `main` and keeps each tensor's sizes. A function that can fail emits the error itself, at
/// the builder's location (the ONNX node).
class Emitter {
public:
  explicit Emitter(mlir::Location loc, mlir::OpBuilder opBuilder) : builder(loc, opBuilder), math(builder) {}

  mlir::ImplicitLocOpBuilder builder;
  SizeMath math;

  mlir::InFlightDiagnostic error() { return mlir::emitError(builder.getLoc()); }

  //===- Making tensors ------------------------------------------------------===//

  /// A computed value. Extents that its type knows are taken from the type.
  Tensor wrap(mlir::Value value, llvm::ArrayRef<Size> sizes, bool isUnsigned = false);
  Tensor constant(mlir::DenseElementsAttr elements, bool isUnsigned = false);
  /// Small integers known element by element; `sizes` are all known.
  Tensor shapeValue(Sizes elements, Sizes sizes, mlir::Type elementType);
  /// The SSA value of `tensor`; makes it first when only the elements are known.
  mlir::Value value(const Tensor &tensor);
  /// A tensor of `sizes` filled with `number`, converted to the element type.
  mlir::Value splat(mlir::Type elementType, llvm::ArrayRef<Size> sizes, double number);
  mlir::Value splatLike(const Tensor &tensor, double number) { return splat(tensor.elementType, tensor.sizes, number); }
  /// The same for an integer that a double may not hold.
  mlir::Value splatInteger(mlir::Type elementType, llvm::ArrayRef<Size> sizes, int64_t number);
  /// An uninitialised tensor.
  mlir::Value empty(mlir::Type elementType, llvm::ArrayRef<Size> sizes);
  /// The SSA values of the sizes that are not known now: the operands of many ops.
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<Size> sizes);

  //===- Shapes --------------------------------------------------------------===//

  /// The common shape by numpy's rules. Emits runtime checks where it depends on unknown sizes.
  mlir::FailureOr<Sizes> broadcastSizes(llvm::ArrayRef<Size> a, llvm::ArrayRef<Size> b);
  /// `tensor` at `sizes`, which broadcastSizes has given for it.
  Tensor broadcast(const Tensor &tensor, llvm::ArrayRef<Size> sizes);
  /// All of `tensors` at their common shape.
  mlir::FailureOr<llvm::SmallVector<Tensor>> broadcastAll(llvm::ArrayRef<Tensor> tensors);
  /// The same elements under `sizes`, whose product is the caller's promise.
  Tensor reshape(const Tensor &tensor, llvm::ArrayRef<Size> sizes);
  Tensor transpose(const Tensor &tensor, llvm::ArrayRef<int64_t> permutation);
  /// Elements offsets[i] + strides[i] * n; all within the tensor, strides > 0.
  Tensor slice(const Tensor &tensor, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes,
               llvm::ArrayRef<Size> strides);
  /// `tensor` between `low` and `high` elements of `fill` in each dimension: `sizes` together.
  Tensor pad(const Tensor &tensor, llvm::ArrayRef<Size> low, llvm::ArrayRef<Size> high, llvm::ArrayRef<Size> sizes,
             mlir::Value fill);
  /// At least one tensor; all sizes but the one of `axis` equal.
  Tensor concat(llvm::ArrayRef<Tensor> tensors, int64_t axis);
  /// Stops the call with `format` (two %lld, for `a` and `b`) unless `condition` is 1.
  void check(Size condition, llvm::StringRef format, Size a, Size b);
  /// Stops the call with `format` (two %lld) unless a == b.
  void checkEqual(Size a, Size b, llvm::StringRef format);

  //===- Elementwise ---------------------------------------------------------===//

  /// A value of the shape of `tensor`, computed by an op on whole tensors.
  Tensor like(const Tensor &tensor, mlir::Value value) { return wrap(value, tensor.sizes, tensor.isUnsigned); }
  /// ONNX Cast: float to integer truncates, a number to bool is x != 0.
  Tensor cast(const Tensor &tensor, mlir::Type elementType, bool isUnsigned);
  /// `tensor` in f32 if its floats are narrower, to compute in.
  Tensor widen(const Tensor &tensor);

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value max(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value min(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  /// `float` and `integer` predicates for a < b, in ONNX's sense (ordered).
  mlir::Value less(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);

  //===- Others --------------------------------------------------------------===//

  Tensor reduce(ReduceKind kind, const Tensor &tensor, llvm::ArrayRef<int64_t> dimensions, bool keepDims);
  /// i64 indices along `dimension`.
  Tensor argReduce(ArgReduceKind kind, const Tensor &tensor, int64_t dimension, bool selectLast, bool keepDims);
  /// thresh.matmul; operands as the op wants them.
  Tensor matmul(const Tensor &lhs, const Tensor &rhs, bool transposeRhs);

  /// A sum of products over one loop, the last: loops 0 to rank - 1 index the result of `sizes`, and `lhsDims` and
  /// `rhsDims` say which loop indexes each dimension of an operand.
  Tensor contract(const Tensor &lhs, llvm::ArrayRef<int64_t> lhsDims, const Tensor &rhs,
                  llvm::ArrayRef<int64_t> rhsDims, llvm::ArrayRef<Size> sizes);

  /// thresh.write_rows: `past` at `sizes` (its own but along `axis`) with `rows` in it from row starts[i] of entry i
  /// on.
  Tensor writeRows(const Tensor &past, const Tensor &rows, const Tensor &starts, int64_t axis,
                   llvm::ArrayRef<Size> sizes);

  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange indices,
                                              mlir::ValueRange inputs)>;
  /// A tensor of `sizes` computed element by element: `body` gets the index of the element and the elements of `inputs`
  /// (of the same sizes) at that index.
  Tensor generate(mlir::Type elementType, llvm::ArrayRef<Size> sizes, llvm::ArrayRef<Tensor> inputs, Body body,
                  bool isUnsigned = false);

private:
  /// Pairs of sizes that checkEqual has seen.
  llvm::DenseSet<std::pair<void *, void *>> checked;
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_EMITTER_H
