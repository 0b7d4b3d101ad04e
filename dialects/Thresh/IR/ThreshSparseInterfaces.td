//===- ThreshSparseInterfaces.td - What sparse ops tell ---------*- tablegen -*-===//
#ifndef THRESH_IR_THRESHSPARSEINTERFACES_TD
#define THRESH_IR_THRESHSPARSEINTERFACES_TD

include "mlir/IR/OpBase.td"

def Thresh_SparseOpInterface : OpInterface<"SparseOpInterface"> {
  let cppNamespace = "::thresh";
  let description = [{ An op that need not read all of its operands: reports and choices ask it what it touches. }];
  let methods = [
    InterfaceMethod<[{
      Bytes of weights, keys and values that one row (one token) makes the op read: as a dense op, and as a sparse one where
      exactly k survive. `tokens` stands for every dynamic extent.
    }], "::thresh::TouchedBytes", "getTouchedBytes", (ins "int64_t":$tokens)>
  ];
}

#endif // THRESH_IR_THRESHSPARSEINTERFACES_TD
