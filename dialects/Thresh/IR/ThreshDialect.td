//===- ThreshDialect.td - The thresh dialect --------------------*- tablegen -*-===//
#ifndef THRESH_IR_THRESHDIALECT_TD
#define THRESH_IR_THRESHDIALECT_TD

include "mlir/IR/OpBase.td"

def Thresh_Dialect : Dialect {
  let name = "thresh";
  let cppNamespace = "::thresh";
  let summary = "Neural-network graphs, sparse ops, and the host code that runs them";
  let description = [{
    The graph-level ops that the frontends produce, and the host-level ops that a compiled module is made of.
    Elementwise maths stays in `arith` and `math` on tensors of equal shapes.
    The specification, with the numbered constraints that the verifiers quote, is dialects/README.md.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
  let useDefaultAttributePrinterParser = 1;
}

#endif // THRESH_IR_THRESHDIALECT_TD
