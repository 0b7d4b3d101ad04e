//===- Kernels.h - The algorithms of the sparse families ---------------------===//
//
// A kernel of a sparse family has no stages: one function per family builds its Funcs from the operands
// (`Pipeline::input`, `Pipeline::operand`) and the parameters of the spec, schedules them, and hands every
// result to `Pipeline::addOutput` in the order of the operands. The spec is verified: operands are present
// and fit each other as SparseRules.cpp says.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_KERNELS_KERNELS_H
#define THRESH_CODEGEN_KERNELS_KERNELS_H

#include "codegen/Generic/Pipeline.h"

namespace thresh::codegen {

void buildChooseRows(Pipeline &pipeline);
void buildActiveRows(Pipeline &pipeline);
/// What `buildActiveRows` builds where there can be more than one row of x.
void buildActiveRowsOfMany(Pipeline &pipeline);
/// Rows of x up to this number are taken one after the other also there.
constexpr int kFewTokens = 32;
/// Of (column, token): active_rows, a row of x after the other. The caller says where it is computed.
Halide::Func activeRowsOneByOne(const Pipeline &pipeline);
void buildTopkAttention(Pipeline &pipeline);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_KERNELS_H
