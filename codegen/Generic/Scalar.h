//===- Scalar.h - One operation as a Halide expression -----------------------===//
#ifndef THRESH_CODEGEN_GENERIC_SCALAR_H
#define THRESH_CODEGEN_GENERIC_SCALAR_H

#include "codegen/KernelSpec.h"

#include <Halide.h>

namespace thresh::codegen {

/// The Halide type of values; Bool is UInt(1).
Halide::Type valueType(DType dtype);
/// The Halide type in memory; Bool is UInt(8), 0 or 1.
Halide::Type storageType(DType dtype);

/// Between the two.
Halide::Expr toStorage(const Halide::Expr &value);
Halide::Expr fromStorage(const Halide::Expr &stored, DType dtype);

/// The value of a Const node.
Halide::Expr constantValue(const Node &node);

/// Applies any operation except Const, Index, Load, Acc and Dim. `argType` is the dtype of the first
/// argument. Integers wrap around; an integer division by zero gives 0 and its remainder 0.
Halide::Expr applyOp(const Node &node, const std::vector<Halide::Expr> &args, DType argType);

/// The same for the integer arithmetic of coordinates, on Int(32) values that never overflow, in a
/// form that Halide's bounds inference understands. Undefined if the operation is not of that kind.
Halide::Expr applyIndexOp(Op op, const std::vector<Halide::Expr> &args);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_GENERIC_SCALAR_H
