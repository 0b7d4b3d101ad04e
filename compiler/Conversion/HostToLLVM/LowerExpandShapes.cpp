//===- LowerExpandShapes.cpp - Splits into several unknown extents ----------===//
#include "compiler/Conversion/HostToLLVM/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_LOWEREXPANDSHAPESPASS
#include "compiler/Conversion/HostToLLVM/Passes.h.inc"

namespace {

bool splitsIntoUnknowns(memref::ExpandShapeOp op) {
  return llvm::any_of(op.getReassociationIndices(), [&](ArrayRef<int64_t> group) {
    return llvm::count_if(group, [&](int64_t dim) { return op.getResultType().isDynamicDim(dim); }) > 1;
  });
}

OpFoldResult multiply(OpBuilder &builder, Location loc, OpFoldResult a, OpFoldResult b) {
  Value lhs = getValueOrCreateConstantIndexOp(builder, loc, a), rhs = getValueOrCreateConstantIndexOp(builder, loc, b);
  return getAsOpFoldResult(builder.createOrFold<arith::MulIOp>(loc, lhs, rhs));
}

/// Within a group, a stride is the source's stride times the extents to its right.
void replaceByReinterpretCast(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto source = memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  SmallVector<OpFoldResult> sizes = getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), builder);
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [sourceDim, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride = source.getConstifiedMixedStrides()[sourceDim];
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = stride;
      stride = multiply(builder, loc, stride, sizes[dim]);
    }
  }
  Value cast = memref::ReinterpretCastOp::create(builder, loc, source.getBaseBuffer(),
                                                 source.getConstifiedMixedOffset(), sizes, strides);
  if (cast.getType() != op.getType())
    cast = memref::CastOp::create(builder, loc, op.getType(), cast);
  op.replaceAllUsesWith(cast);
  op.erase();
}

struct LowerExpandShapesPass final : impl::LowerExpandShapesPassBase<LowerExpandShapesPass> {
  using Base::Base;

  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) {
      if (splitsIntoUnknowns(op))
        replaceByReinterpretCast(op);
    });
  }
};

} // namespace
} // namespace thresh
