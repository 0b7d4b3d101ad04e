//===- NarrowStates.cpp - Caches in half floats -------------------------------===//
#include "compiler/Transforms/Passes.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_NARROWSTATESPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// What is appended is rounded, what is read is widened.
struct NarrowStatesPass final : impl::NarrowStatesPassBase<NarrowStatesPass> {
  using Base::Base;

  void runOnOperation() override {
    if (format == CacheFormat::F32)
      return;
    FloatType element =
        format == CacheFormat::BF16 ? FloatType(BFloat16Type::get(&getContext())) : Float16Type::get(&getContext());
    auto isWide = [](Type type) { return cast<RankedTensorType>(type).getElementType().isF32(); };
    auto narrow = [&](Type type) { return cast<RankedTensorType>(type).clone(element); };
    OpBuilder builder(&getContext());
    auto round = [&](Value rows) -> Value {
      return arith::TruncFOp::create(builder, rows.getLoc(), narrow(rows.getType()), rows);
    };
    auto widen = [&](Value rows) {
      Type wide = rows.getType();
      rows.setType(narrow(wide));
      builder.setInsertionPointAfterValue(rows);
      auto widened = arith::ExtFOp::create(builder, rows.getLoc(), wide, rows);
      rows.replaceAllUsesExcept(widened, widened);
    };
    getOperation().walk([&](Operation *op) {
      builder.setInsertionPoint(op);
      if (auto append = dyn_cast<AppendStateOp>(op); append && isWide(append.getRows().getType())) {
        append.getRowsMutable().assign(round(append.getRows()));
      } else if (auto read = dyn_cast<ReadStateOp>(op); read && isWide(read.getResult().getType())) {
        widen(read.getResult());
      } else if (auto recall = dyn_cast<RecallStateOp>(op); recall && isWide(recall.getRows().getType())) {
        recall.getRowsMutable().assign(round(recall.getRows()));
        SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, op->getLoc(), recall.getOut());
        recall.getOutMutable().assign(tensor::EmptyOp::create(builder, op->getLoc(), sizes, element));
        widen(recall.getResult());
      } else if (auto state = dyn_cast<StateOp>(op); state && isWide(state.getType())) {
        state.setType(narrow(state.getType()));
      }
    });
  }
};

} // namespace
} // namespace thresh
