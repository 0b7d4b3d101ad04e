//===- ThreshCacheOps.td - Caches that callers keep -------------*- tablegen -*-===//
//
// A cache that is an input and, with new rows in it, an output: the caller keeps it from call to call.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHCACHEOPS_TD
#define THRESH_IR_THRESHCACHEOPS_TD

include "Thresh/IR/ThreshBase.td"

def Thresh_WriteRowsOp : Thresh_Op<"write_rows", [DestinationStyleOpInterface,
                                                  DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a cache with new rows in it";
  let description = [{
    The destination becomes `past`, zero from its last row along `axis` on, with rows[b, ..., s, ...] at row
    starts[b] + s of entry b (dimension 0). Rows outside the destination stop the call. Where the destination is the
    memory of `past`, only the new rows are written. On tensors first, on memrefs after bufferization.

    ```mlir
    %present = thresh.write_rows %past, %rows at %starts axis(2) outs(%memory : tensor<?x4x?x64xf32>)
        : tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32>, tensor<?xi64> -> tensor<?x4x?x64xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$past, AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$rows,
                       AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$starts, AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$dest,
                       I64Attr:$axis);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $past `,` $rows `at` $starts `axis` `(` $axis `)` `outs` `(` $dest `:` type($dest) `)` attr-dict
    `:` type($past) `,` type($rows) `,` type($starts) (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return ::mlir::MutableOperandRange(getDestMutable()); }
  }];
}

#endif // THRESH_IR_THRESHCACHEOPS_TD
