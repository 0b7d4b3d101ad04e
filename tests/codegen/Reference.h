//===- Reference.h - What a KernelSpec means, one point at a time ------------===//
//
// A plain interpreter: every node is computed in double precision or 64-bit integers and rounded to
// its dtype. Slow and readable; the generated kernels are compared with it.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_TESTS_CODEGEN_REFERENCE_H
#define THRESH_TESTS_CODEGEN_REFERENCE_H

#include "tests/codegen/Tensor.h"

namespace thresh::codegen::test {

/// Applies one operation to arguments of dtype `argType`.
Value applyReference(const Node &node, const std::vector<Value> &args, DType argType);

/// Computes the outputs (shaped by the caller) from the inputs; `operands` in the spec's order.
void runReference(const KernelSpec &spec, std::vector<Tensor> &operands);

} // namespace thresh::codegen::test

#endif // THRESH_TESTS_CODEGEN_REFERENCE_H
