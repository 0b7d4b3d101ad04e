//===- SizeMath.h - Arithmetic on sizes and shape elements ---------------===//
#ifndef THRESH_COMPILER_FRONTEND_ONNX_SIZEMATH_H
#define THRESH_COMPILER_FRONTEND_ONNX_SIZEMATH_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>
#include <tuple>

namespace thresh {

/// A number known now (an index attribute) or when the model runs (an SSA value of type index).
using Size = mlir::OpFoldResult;
using Sizes = llvm::SmallVector<Size, 4>;

/// Folds what is constant and emits `arith` ops on index values for the rest. Equal expressions give the same SSA
/// value, so that two tensors of the same symbolic shape can be seen to agree. Booleans are 0 and 1.
class SizeMath {
public:
  explicit SizeMath(mlir::ImplicitLocOpBuilder &builder) : builder(builder) {}

  Size constant(int64_t number) { return builder.getIndexAttr(number); }
  Sizes constants(llvm::ArrayRef<int64_t> numbers);
  /// The number, when it is known now.
  static std::optional<int64_t> known(Size size);
  static bool isKnown(Size size, int64_t number) { return known(size) == number; }
  /// `size` as an SSA value of type index.
  mlir::Value value(Size size);

  /// Declares that `value` is never negative (a dimension).
  void markNonNegative(mlir::Value value) { nonNegative.insert(value); }
  bool isNonNegative(Size size) const;

  Size add(Size a, Size b);
  Size sub(Size a, Size b);
  Size mul(Size a, Size b);
  /// Quotient rounded toward zero; `b` is not a known 0.
  Size div(Size a, Size b);
  /// Remainder with the sign of the divisor.
  Size mod(Size a, Size b);
  Size min(Size a, Size b);
  Size max(Size a, Size b);
  Size less(Size a, Size b);
  Size equal(Size a, Size b);
  Size select(Size condition, Size a, Size b);
  Size logicalAnd(Size a, Size b) { return min(a, b); }
  Size logicalOr(Size a, Size b) { return max(a, b); }
  /// a / b rounded up, for a >= 0 and b > 0.
  Size ceilDiv(Size a, Size b);
  Size product(llvm::ArrayRef<Size> factors);
  /// product(numerator) / product(denominator) where the division is known to leave no rest: common
  /// factors cancel, so the result is often known or one of the factors.
  Size exactQuotient(llvm::ArrayRef<Size> numerator, llvm::ArrayRef<Size> denominator);

  /// If `size` was made as min(other, bound): {other, bound}.
  std::optional<std::pair<Size, Size>> minimumOf(Size size) const;

private:
  enum class Op { Add, Sub, Mul, Div, Mod, Min, Max, Less, Equal, Select };

  /// `size` as base + offset, base null for a known number.
  std::pair<mlir::Value, int64_t> asSum(Size size) const;
  /// a - b where that is known now.
  std::optional<int64_t> difference(Size a, Size b) const;
  Size emit(Op op, Size a, Size b, Size c = {});
  mlir::Value create(Op op, mlir::Value a, mlir::Value b, mlir::Value c);

  mlir::ImplicitLocOpBuilder &builder;
  llvm::DenseMap<mlir::Attribute, mlir::Value> constantValues;
  llvm::DenseMap<std::tuple<int, void *, void *, void *>, mlir::Value> emitted;
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, int64_t>> sums;
  llvm::DenseMap<mlir::Value, std::pair<Size, Size>> minima;
  llvm::DenseSet<mlir::Value> nonNegative;
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_ONNX_SIZEMATH_H
