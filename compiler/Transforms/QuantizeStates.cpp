//===- QuantizeStates.cpp - Caches of integers and scales --------------------===//
#include "compiler/Conversion/ThreshToLinalg/ScaledIntegers.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_QUANTIZESTATESPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Rewrites the states of one module. The integers keep the state's name.
class StateQuantizer {
public:
  explicit StateQuantizer(ModuleOp module) : module(module), symbols(module), builder(module.getContext()) {}

  void run() {
    for (auto state : llvm::make_early_inc_range(module.getOps<StateOp>())) {
      auto type = cast<RankedTensorType>(state.getType());
      if (!type.getElementType().isF32() || type.getRank() < 2)
        continue;
      builder.setInsertionPointAfter(state);
      auto scales = StateOp::create(builder, state.getLoc(), (state.getSymName() + "_scale").str(),
                                    RankedTensorType::get(type.getShape().drop_back(), builder.getF32Type()),
                                    state.getWindowAttr());
      scaleNames[state.getSymNameAttr()] = symbols.insert(scales);
      state.setType(type.clone(builder.getI8Type()));
    }
    SmallVector<Operation *> uses;
    module.walk([&](Operation *op) {
      if (isa<AppendStateOp, ReadStateOp, RecallStateOp>(op))
        uses.push_back(op);
    });
    for (Operation *op : uses)
      rewrite(op);
    module.walk([&](AttendChosenOp op) { readIntegers(op); });
  }

private:
  void rewrite(Operation *op) {
    auto state = op->getAttrOfType<FlatSymbolRefAttr>("state");
    auto scales = scaleNames.find(state.getAttr());
    if (scales == scaleNames.end())
      return;
    auto scaleState = FlatSymbolRefAttr::get(scales->second);
    builder.setInsertionPoint(op);
    if (auto append = dyn_cast<AppendStateOp>(op))
      rewriteAppend(append, scaleState);
    else if (auto read = dyn_cast<ReadStateOp>(op))
      rewriteRead(read, scaleState);
    else
      rewriteRecall(cast<RecallStateOp>(op), scaleState);
    op->erase();
  }

  void rewriteAppend(AppendStateOp op, FlatSymbolRefAttr scaleState) {
    ScaledIntegers rows = quantised(op.getRows());
    AppendStateOp::create(builder, op.getLoc(), op.getStateAttr(), rows.integers, op.getPosition());
    AppendStateOp::create(builder, op.getLoc(), scaleState, rows.scales, op.getPosition());
  }

  void rewriteRead(ReadStateOp op, FlatSymbolRefAttr scaleState) {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    auto read = [&](FlatSymbolRefAttr state, RankedTensorType rows) {
      return ReadStateOp::create(builder, op.getLoc(), rows, state, op.getLength()).getResult();
    };
    replace(op, {read(op.getStateAttr(), type.clone(builder.getI8Type())), read(scaleState, scaleType(type))});
  }

  void rewriteRecall(RecallStateOp op, FlatSymbolRefAttr scaleState) {
    auto type = cast<RankedTensorType>(op.getOut().getType());
    ScaledIntegers rows = quantised(op.getRows());
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, op.getLoc(), op.getOut());
    auto recall = [&](FlatSymbolRefAttr state, Value fresh, RankedTensorType all) {
      Value out = tensor::EmptyOp::create(builder, op.getLoc(), ArrayRef(sizes).take_front(all.getRank()),
                                          all.getElementType());
      return RecallStateOp::create(builder, op.getLoc(), all, state, op.getPosition(), fresh, out).getResult();
    };
    replace(op, {recall(op.getStateAttr(), rows.integers, type.clone(builder.getI8Type())),
                 recall(scaleState, rows.scales, scaleType(type))});
  }

  /// The rows as they are stored, computed once for all that store them.
  ScaledIntegers quantised(Value rows) {
    ScaledIntegers &known = quantisedRows[rows];
    if (!known.integers)
      known = quantizeRows(builder, rows.getLoc(), rows, tensor::getMixedSizes(builder, rows.getLoc(), rows));
    return known;
  }

  void replace(Operation *op, const ScaledIntegers &rows) {
    Value floats = dequantizeRows(builder, op->getLoc(), rows);
    dequantized[floats] = rows;
    op->getResult(0).replaceAllUsesWith(floats);
  }

  /// The kernel takes integers and their scales, if its keys and values all are that.
  void readIntegers(AttendChosenOp op) {
    SmallVector<Value> rows(op.getKey());
    llvm::append_range(rows, op.getKeyRest());
    llvm::append_range(rows, op.getValue());
    if (!llvm::all_of(rows, [&](Value value) { return dequantized.contains(value); }))
      return;
    auto parts = [&](ValueRange floats) {
      SmallVector<Value> values;
      for (Value value : floats)
        llvm::append_values(values, dequantized[value].integers, dequantized[value].scales);
      return values;
    };
    SmallVector<Value> key = parts(op.getKey()), rest = parts(op.getKeyRest()), value = parts(op.getValue());
    op.getKeyMutable().assign(key);
    op.getKeyRestMutable().assign(rest);
    op.getValueMutable().assign(value);
  }

  RankedTensorType scaleType(RankedTensorType rows) {
    return RankedTensorType::get(rows.getShape().drop_back(), builder.getF32Type());
  }

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder builder;
  llvm::DenseMap<StringAttr, StringAttr> scaleNames; ///< of states that were quantised
  llvm::DenseMap<Value, ScaledIntegers> quantisedRows;
  llvm::DenseMap<Value, ScaledIntegers> dequantized; ///< what floats were read from
};

struct QuantizeStatesPass final : impl::QuantizeStatesPassBase<QuantizeStatesPass> {
  using Base::Base;

  void runOnOperation() override { StateQuantizer(getOperation()).run(); }
};

} // namespace
} // namespace thresh
