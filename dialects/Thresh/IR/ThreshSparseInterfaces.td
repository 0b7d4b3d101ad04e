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

def Thresh_SparseKernelOpInterface : OpInterface<"SparseKernelOpInterface"> {
  let cppNamespace = "::thresh";
  let description = [{
    An op that is a kernel by itself: codegen has an algorithm for its family. The kernel's inputs are the operands in order,
    its outputs the results, whose shapes the op reifies.
  }];
  let methods = [
    InterfaceMethod<"The family that has the algorithm.", "::thresh::KernelFamily", "getKernelFamily">,
    InterfaceMethod<"What the family wants to know, by name: integers (i64), reals (f64) and text.", "::mlir::DictionaryAttr",
                    "getKernelParameters">,
    InterfaceMethod<"Whether the integers of operand number `operand`, of i8, are codes without a sign.", "bool", "isUnsigned",
                    (ins "unsigned":$operand), /*methodBody=*/"", /*defaultImplementation=*/"return true;">,
    InterfaceMethod<"The share of the elements of operand number `operand` that a run is expected to read.", "double",
                    "getExpectedShare", (ins "unsigned":$operand), /*methodBody=*/"", /*defaultImplementation=*/"return 1;">,
    InterfaceMethod<"What a run is expected to read of operand number `operand` where that holds a row for each token of a session.",
                    "::thresh::RowReads", "getRowReads", (ins "unsigned":$operand), /*methodBody=*/"",
                    /*defaultImplementation=*/"return {};">
  ];
}

#endif // THRESH_IR_THRESHSPARSEINTERFACES_TD
