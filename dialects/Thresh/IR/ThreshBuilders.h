//===- ThreshBuilders.h - Creation of graph ops from unchecked input --------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHBUILDERS_H
#define THRESH_DIALECTS_THRESH_IR_THRESHBUILDERS_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/IR/Builders.h"

namespace thresh {

/// Creates a graph op whose operands come from a model that nobody has checked: a broken constraint is a diagnostic
/// at `loc` and failure, where `OpTy::create` would end the process. Only for ops that infer their result type.
///
///   MatmulOp::Properties properties;
///   properties.transpose_rhs = builder.getUnitAttr();
///   FailureOr<MatmulOp> product = createChecked<MatmulOp>(builder, loc, {lhs, rhs}, properties);
template <typename OpTy>
mlir::FailureOr<OpTy> createChecked(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange operands,
                                    typename OpTy::Properties properties) {
  llvm::SmallVector<mlir::Type> types;
  if (failed(OpTy::inferReturnTypes(builder.getContext(), loc, operands, mlir::DictionaryAttr(),
                                    mlir::OpaqueProperties(&properties), mlir::RegionRange(), types)))
    return mlir::failure();
  return OpTy::create(builder, loc, types, operands, properties);
}

} // namespace thresh

#endif // THRESH_DIALECTS_THRESH_IR_THRESHBUILDERS_H
