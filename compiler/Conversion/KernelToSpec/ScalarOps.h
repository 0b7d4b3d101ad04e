//===- ScalarOps.h - Scalar ops of linalg bodies to KernelSpec nodes ---------===//
#ifndef THRESH_COMPILER_CONVERSION_KERNELTOSPEC_SCALAROPS_H
#define THRESH_COMPILER_CONVERSION_KERNELTOSPEC_SCALAROPS_H

#include "codegen/KernelSpec.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace thresh {

/// Appends nodes to one stage's expression graph.
class NodeBuilder {
public:
  explicit NodeBuilder(codegen::Stage &stage) : stage(stage) {}

  int add(codegen::Op op, codegen::DType dtype, std::vector<int> args = {});
  int constant(codegen::DType dtype, double real, int64_t integer);
  int index(int loop);
  int load(int source, codegen::DType dtype, std::vector<int> coordinates, int result = 0);
  int accumulator(int result, codegen::DType dtype);
  int cast(int node, codegen::DType dtype);
  codegen::DType dtypeOf(int node) const { return stage.body[node].dtype; }

private:
  codegen::Stage &stage;
};

/// True if a body op has a spelling in KernelSpec.
bool isKernelScalarOp(mlir::Operation *op);

/// Appends the nodes of `op`, whose operands have the nodes `args`; returns the node of its result.
int buildScalarOp(mlir::Operation *op, llvm::ArrayRef<int> args, NodeBuilder &nodes);

} // namespace thresh

#endif // THRESH_COMPILER_CONVERSION_KERNELTOSPEC_SCALAROPS_H
