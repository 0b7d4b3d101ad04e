//===- ChooseSparseKernels.cpp - Sparse ops that kernels compute -------------===//
#include "compiler/Transforms/ChooseSparseKernels.h"

#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_CHOOSESPARSEKERNELSPASS
#include "compiler/Transforms/Passes.h.inc"

Value RowParameters::load(OpBuilder &builder, LoadParameterOp load, bool isTransposed) {
  auto original = symbols.lookup<ParameterOp>(load.getParameter());
  originals.insert(original);
  ParameterOp &copy = copies[isTransposed][original];
  if (!copy) {
    OpBuilder atOriginal(original);
    int64_t permutation[] = {isTransposed, !isTransposed};
    auto pack = PackAttr::get(builder.getContext(), permutation, /*panel=*/0, PackFormat::Elements);
    auto type = cast<RankedTensorType>(original.getType());
    copy = ParameterOp::create(atOriginal, original.getLoc(), (original.getSymName() + "_rows").str(),
                               type.clone(pack.packShape(type.getShape())), original.getSource(), pack);
    symbols.insert(copy);
  }
  return LoadParameterOp::create(builder, load.getLoc(), cast<RankedTensorType>(copy.getType()), copy.getSymName());
}

void RowParameters::eraseUnused() {
  for (ParameterOp original : originals)
    if (SymbolTable::symbolKnownUseEmpty(original, module))
      original.erase();
}

void replaceByKernel(OpBuilder &builder, Operation *op, Value result, Value counts) {
  auto replace = [&](Value old, Value value) {
    if (value.getType() != old.getType())
      value = tensor::CastOp::create(builder, op->getLoc(), old.getType(), value);
    old.replaceAllUsesWith(value);
  };
  replace(op->getResult(0), result);
  if (op->getNumResults() > 1) {
    Type wide = cast<RankedTensorType>(counts.getType()).clone(builder.getI64Type());
    replace(op->getResult(1), arith::ExtSIOp::create(builder, op->getLoc(), wide, counts));
  }
  op->erase();
}

namespace {

struct ChooseSparseKernelsPass final : impl::ChooseSparseKernelsPassBase<ChooseSparseKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    RowParameters parameters(getOperation());
    SmallVector<SparseOpInterface> ops;
    getOperation().walk([&](SparseOpInterface op) { ops.push_back(op); });
    for (SparseOpInterface op : ops)
      if (std::optional<std::string> reason = choose(op, parameters))
        op->emitRemark() << "'" << op->getName() << "' gets no sparse kernel: " << *reason;
    getOperation().walk([](LoadParameterOp load) {
      if (load->use_empty())
        load.erase();
    });
    parameters.eraseUnused();
  }

  /// Replaces the op, or says why not. Ops that read all of their operands have no sparse kernel to choose.
  std::optional<std::string> choose(Operation *op, RowParameters &parameters) {
    return llvm::TypeSwitch<Operation *, std::optional<std::string>>(op)
        .Case([&](SparseFfnOp block) { return chooseFfnKernels(block, parameters); })
        .Case([&](TopkAttentionOp attention) { return chooseAttentionKernel(attention); })
        .Default([](Operation *) { return std::nullopt; });
  }
};

} // namespace
} // namespace thresh
