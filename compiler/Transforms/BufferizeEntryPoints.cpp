//===- BufferizeEntryPoints.cpp - One-shot bufferization of the host code ----===//
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_BUFFERIZEENTRYPOINTSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

struct BufferizeEntryPointsPass final : impl::BufferizeEntryPointsPassBase<BufferizeEntryPointsPass> {
  using Base::Base;

  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    options.bufferAlignment = 0;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      bufferization::BufferizationState state;
      if (failed(bufferization::runOneShotBufferize(function, options, state)))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace thresh
