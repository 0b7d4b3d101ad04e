//===- ThreshStateOps.td - What a session keeps between calls ---*- tablegen -*-===//
//
// A state is memory that the session owns: a key or value cache, one row per token. Calls append rows and read them
// in place; the session counts the tokens. Ops of the graph stage that live until the host code is lowered.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHSTATEOPS_TD
#define THRESH_IR_THRESHSTATEOPS_TD

include "Thresh/IR/ThreshBase.td"

def Thresh_StateOp : Thresh_Op<"state", [Symbol]> {
  let summary = "declares memory that a session keeps between calls";
  let description = [{
    A static tensor whose first dimension counts tokens: its extent is the context window. Zero when a session starts.

    ```mlir
    thresh.state @key_0 : tensor<4096x4x256xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

def Thresh_PositionOp : Thresh_Op<"position", [Pure]> {
  let summary = "the number of tokens that the session held before this call";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Thresh_AppendStateOp : Thresh_Op<"append_state", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                                      MemoryEffects<[MemWrite]>]> {
  let summary = "writes rows [position, position + n) of a state";
  let description = [{ `rows` is [n, ...] with the state's other dimensions. The runtime has checked that the rows fit. }];
  let arguments = (ins FlatSymbolRefAttr:$state, AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$rows, Index:$position);
  let assemblyFormat = "$state `[` $position `]` `,` $rows `:` type($rows) attr-dict";
}

def Thresh_ReadStateOp : Thresh_Op<"read_state", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                                  MemoryEffects<[MemRead]>]> {
  let summary = "rows [0, length) of a state, in place";
  let description = [{ Sees the appends before it. The value stays valid until the next append of the same state. }];
  let arguments = (ins FlatSymbolRefAttr:$state, Index:$length);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$state `[` $length `]` `:` type($result) attr-dict";
}

#endif // THRESH_IR_THRESHSTATEOPS_TD
