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
    FloatType element = format == CacheFormat::BF16 ? FloatType(BFloat16Type::get(&getContext())) : Float16Type::get(&getContext());
    auto isWide = [](Type type) { return cast<RankedTensorType>(type).getElementType().isF32(); };
    auto narrow = [&](Type type) { return cast<RankedTensorType>(type).clone(element); };
    OpBuilder builder(&getContext());
    getOperation().walk([&](Operation *op) {
      builder.setInsertionPoint(op);
      if (auto append = dyn_cast<AppendStateOp>(op); append && isWide(append.getRows().getType())) {
        Value rows = append.getRows();
        append.getRowsMutable().assign(arith::TruncFOp::create(builder, op->getLoc(), narrow(rows.getType()), rows));
      } else if (auto read = dyn_cast<ReadStateOp>(op); read && isWide(read.getResult().getType())) {
        Type wide = read.getResult().getType();
        read.getResult().setType(narrow(wide));
        builder.setInsertionPointAfter(op);
        auto widened = arith::ExtFOp::create(builder, op->getLoc(), wide, read.getResult());
        read.getResult().replaceAllUsesExcept(widened, widened);
      } else if (auto state = dyn_cast<StateOp>(op); state && isWide(state.getType())) {
        state.setType(narrow(state.getType()));
      }
    });
  }
};

} // namespace
} // namespace thresh
