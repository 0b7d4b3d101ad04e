//===- ThreshHostOps.td - Ops that host code is made of ---------*- tablegen -*-===//
//
// From the kernels stage on, an entry point is a function without arguments over these ops, memref and arith.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHHOSTOPS_TD
#define THRESH_IR_THRESHHOSTOPS_TD

include "Thresh/IR/ThreshBase.td"

def Thresh_KernelOp : Thresh_Op<"kernel", [Symbol, IsolatedFromAbove, SingleBlock]> {
  let summary = "a group of linalg ops, or one sparse op, that becomes one Halide pipeline";
  let description = [{
    The body works on tensors: the block arguments are the inputs and then one destination per output, as linalg has
    them; `thresh.yield` gives the outputs. An op of SparseKernelOpInterface is alone in its kernel.
    -thresh-form-kernels makes them; compiler/Conversion/KernelToSpec turns each into a KernelSpec.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Thresh_KernelFamily:$family);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $family attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumOutputs();
    /// The body arguments that launches pass as `ins`, and those they pass as `outs`.
    ::mlir::Block::BlockArgListType getInputs();
    ::mlir::Block::BlockArgListType getDestinations();
  }];
}

def Thresh_YieldOp : Thresh_Op<"yield", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "the outputs of a kernel";
  let arguments = (ins Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "($results^ `:` type($results))? attr-dict";
}

def Thresh_LaunchOp : Thresh_Op<"launch", [AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "runs a kernel";
  let description = [{ Destination style: `outs` give the memory and the shapes of the results. On tensors first, on memrefs after bufferization. }];
  let arguments = (ins FlatSymbolRefAttr:$kernel,
                       Variadic<AnyTypeOf<[AnyRankedTensor, AnyMemRef]>>:$inputs,
                       Variadic<AnyTypeOf<[AnyRankedTensor, AnyMemRef]>>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$kernel `ins` `(` ($inputs^ `:` type($inputs))? `)` `outs` `(` $outs `:` type($outs) `)` attr-dict (`->` type($results)^)?";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
  }];
}

def Thresh_InputOp : Thresh_Op<"input", [Pure]> {
  let summary = "input number `index` of the running call";
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$index);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$index attr-dict `:` type($result)";
}

def Thresh_OutputOp : Thresh_Op<"output", [MemoryEffects<[MemAlloc]>]> {
  let summary = "the memory of output number `index`, for the given dynamic extents";
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$index, Variadic<Index>:$dynamic_sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$index `[` $dynamic_sizes `]` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Thresh_ArenaOp : Thresh_Op<"arena", [MemoryEffects<[MemAlloc]>]> {
  let summary = "the scratch memory of the running call, `bytes` long, 64-byte aligned";
  let arguments = (ins Index:$bytes);
  let results = (outs MemRefRankOf<[I8], [1]>:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($result)";
}

def Thresh_CheckOp : Thresh_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "stops the call with a message unless the condition holds";
  let description = [{
    `format` is a printf format with at most two `%lld`, filled with `values`.
    ```mlir
    thresh.check %ok, "index %lld is outside a dimension of extent %lld" [%i, %n] : i64, i64
    ```
  }];
  let arguments = (ins I1:$condition, StrAttr:$format, Variadic<I64>:$values);
  let assemblyFormat = "$condition `,` $format (`[` $values^ `]` `:` type($values))? attr-dict";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

#endif // THRESH_IR_THRESHHOSTOPS_TD
