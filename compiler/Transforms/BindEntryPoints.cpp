//===- BindEntryPoints.cpp - Arguments and results become inputs and outputs -===//
//
// Runs on tensors, after kernels are formed and just before bufferization: a launch or write_rows that computes a
// result writes straight into the output, which from then on is all that keeps it alive. Outputs are asked for before a
// state is written, so that a call whose outputs have no room leaves the session as it was.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Transforms/Passes.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_BINDENTRYPOINTSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

MemRefType bufferTypeOf(RankedTensorType type) { return MemRefType::get(type.getShape(), type.getElementType()); }

void bindInputs(func::FuncOp function, OpBuilder &builder) {
  builder.setInsertionPointToStart(&function.getBody().front());
  for (BlockArgument argument : function.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    Value input = InputOp::create(builder, argument.getLoc(), bufferTypeOf(type), argument.getArgNumber());
    Value tensor = bufferization::ToTensorOp::create(builder, argument.getLoc(), type, input, /*restrict=*/true);
    argument.replaceAllUsesWith(tensor);
  }
}

/// The destination of the op that computes `value` into a tensor of its own, if nothing else needs that value's memory
/// to differ.
OpOperand *ownDestination(Value value) {
  if (!isa_and_nonnull<LaunchOp, WriteRowsOp>(value.getDefiningOp()))
    return nullptr;
  auto writer = cast<DestinationStyleOpInterface>(value.getDefiningOp());
  OpOperand *destination = writer.getTiedOpOperand(cast<OpResult>(value));
  return destination->get().getDefiningOp<tensor::EmptyOp>() ? destination : nullptr;
}

/// Where to ask for an output that `writer` makes: before the first write of a state, if its sizes are known there.
Operation *outputPlace(Operation *writer, ValueRange sizes) {
  for (Operation &op : *writer->getBlock()) {
    if (&op == writer)
      break;
    if (isa<AppendStateOp>(op))
      return llvm::all_of(sizes,
                          [&](Value size) {
                            Operation *def = size.getDefiningOp();
                            return !def || def->isBeforeInBlock(&op);
                          })
                 ? &op
                 : writer;
  }
  return writer;
}

void bindOutput(func::ReturnOp returnOp, unsigned index, llvm::DenseSet<Value> &bound, OpBuilder &builder) {
  Value result = returnOp.getOperand(index);
  Location loc = result.getLoc();
  auto type = cast<RankedTensorType>(result.getType());
  OpOperand *own = bound.insert(result).second ? ownDestination(result) : nullptr;
  builder.setInsertionPoint(returnOp);
  SmallVector<Value> sizes;
  if (own) {
    sizes = llvm::to_vector(own->get().getDefiningOp<tensor::EmptyOp>().getDynamicSizes());
    builder.setInsertionPoint(outputPlace(own->getOwner(), sizes));
  } else {
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(tensor::DimOp::create(builder, loc, result, dim));
  }
  Value output = OutputOp::create(builder, loc, bufferTypeOf(type), index, sizes);
  if (own) {
    own->set(bufferization::ToTensorOp::create(builder, loc, type, output, /*restrict=*/true, /*writable=*/true));
    return;
  }
  bufferization::MaterializeInDestinationOp::create(builder, loc, /*result=*/Type(), result, output, /*restrict=*/true,
                                                    /*writable=*/true);
}

struct BindEntryPointsPass final : impl::BindEntryPointsPassBase<BindEntryPointsPass> {
  using Base::Base;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntryPoint(function)) {
        function.emitError("expects a function of one block, with ranked tensors as inputs and outputs");
        return signalPassFailure();
      }
      bind(function);
    }
  }

  static bool isEntryPoint(func::FuncOp function) {
    return llvm::hasSingleElement(function.getBody()) &&
           llvm::all_of(llvm::concat<const Type>(function.getArgumentTypes(), function.getResultTypes()),
                        llvm::IsaPred<RankedTensorType>);
  }

  void bind(func::FuncOp function) {
    OpBuilder builder(&getContext());
    bindInputs(function, builder);
    auto returnOp = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    llvm::DenseSet<Value> bound;
    for (unsigned index = 0; index < returnOp.getNumOperands(); ++index)
      bindOutput(returnOp, index, bound, builder);
    returnOp.getOperandsMutable().clear();
    llvm::BitVector all(function.getNumArguments(), true);
    (void)function.eraseArguments(all);
    llvm::BitVector results(function.getNumResults(), true);
    (void)function.eraseResults(results);
  }
};

} // namespace
} // namespace thresh
