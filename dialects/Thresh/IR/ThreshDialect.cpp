//===- ThreshDialect.cpp - Registration of ops, attributes, enums -----------===//
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace thresh;

#include "dialects/Thresh/IR/ThreshDialect.cpp.inc"
#include "dialects/Thresh/IR/ThreshEnums.cpp.inc"
#include "dialects/Thresh/IR/ThreshSparseEnums.cpp.inc"
#include "dialects/Thresh/IR/ThreshSparseInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Thresh/IR/ThreshAttributes.cpp.inc"

void ThreshDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Thresh/IR/ThreshAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Thresh/IR/ThreshOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Thresh/IR/ThreshSparseOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Thresh/IR/ThreshSparseKernelOps.cpp.inc"
      >();
}
