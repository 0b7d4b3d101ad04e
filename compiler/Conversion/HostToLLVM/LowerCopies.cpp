//===- LowerCopies.cpp - Copies between strided memrefs become linalg --------===//
#include "compiler/Conversion/HostToLLVM/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_LOWERCOPIESPASS
#include "compiler/Conversion/HostToLLVM/Passes.h.inc"

namespace {

bool isDense(Value memref) { return cast<MemRefType>(memref.getType()).getLayout().isIdentity(); }

struct LowerCopiesPass final : impl::LowerCopiesPassBase<LowerCopiesPass> {
  using Base::Base;

  void runOnOperation() override {
    getOperation().walk([](memref::CopyOp copy) {
      if (isDense(copy.getSource()) && isDense(copy.getTarget()))
        return;
      OpBuilder builder(copy);
      linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
  }
};

} // namespace
} // namespace thresh
