//===- ThreshDialect.h - The thresh dialect: ops, attributes, enums ---------===//
#ifndef THRESH_DIALECTS_THRESH_IR_THRESHDIALECT_H
#define THRESH_DIALECTS_THRESH_IR_THRESHDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace thresh {
/// Whether declared types name the same ranks and element types as inferred ones, and no contradicting extents.
bool areCompatibleTypes(mlir::TypeRange inferred, mlir::TypeRange declared);
} // namespace thresh

#include "dialects/Thresh/IR/ThreshDialect.h.inc"
#include "dialects/Thresh/IR/ThreshEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Thresh/IR/ThreshAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Thresh/IR/ThreshOps.h.inc"

#endif // THRESH_DIALECTS_THRESH_IR_THRESHDIALECT_H
