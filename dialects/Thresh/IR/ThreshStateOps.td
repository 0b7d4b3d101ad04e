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
    A static tensor whose rows hold one token each, zero when a session starts: row t is token t, and there are as many
    rows as the context window has tokens. With a window it is a ring of fewer rows: token t is in row t modulo the
    number of rows, and a token looks back on the last `window` tokens only, itself included. Rows beyond the window let
    a session step back.

    ```mlir
    thresh.state @key_0 : tensor<4096x4x256xf32>
    thresh.state @key_1 window 512 : tensor<576x4x256xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<I64Attr>:$window);
  let assemblyFormat = "$sym_name (`window` $window^)? `:` $type attr-dict";
  let hasVerifier = 1;
}

def Thresh_PositionOp : Thresh_Op<"position", [Pure]> {
  let summary = "the number of tokens that the session held before this call";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Thresh_AppendStateOp : Thresh_Op<"append_state", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                                      MemoryEffects<[MemWrite]>]> {
  let summary = "writes the rows of tokens [position, position + n)";
  let description = [{
    `rows` is [n, ...] with the state's other dimensions. The runtime has checked that the tokens fit into the context.
    A ring keeps the last of the tokens if there are more than it has rows.
  }];
  let arguments = (ins FlatSymbolRefAttr:$state, AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$rows, Index:$position);
  let assemblyFormat = "$state `[` $position `]` `,` $rows `:` type($rows) attr-dict";
}

def Thresh_ReadStateOp : Thresh_Op<"read_state", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemRead]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "rows [0, length) of a state, in place";
  let description = [{
    Sees the appends before it. The value stays valid until the next append of the same state. `length` is at most the
    state's number of rows; which tokens the rows of a ring hold is the reader's to know.
  }];
  let arguments = (ins FlatSymbolRefAttr:$state, Index:$length);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$state `[` $length `]` `:` type($result) attr-dict";
}

def Thresh_RecallStateOp : Thresh_Op<"recall_state", [DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies the rows of the last tokens before `position`, and `rows` behind them";
  let description = [{
    Destination style: of the m rows of `out` the last n are `rows` [n, ...], and those before are the rows of tokens
    [position - (m - n), position), in this order. The state must still hold these. On tensors first, on memrefs after
    bufferization.
  }];
  let arguments = (ins FlatSymbolRefAttr:$state, Index:$position, AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$rows,
                       AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$out);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $state `[` $position `]` `,` $rows `:` type($rows) `outs` `(` $out `:` type($out) `)` attr-dict (`->` type($result)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutMutable(); }
  }];
}

#endif // THRESH_IR_THRESHSTATEOPS_TD
