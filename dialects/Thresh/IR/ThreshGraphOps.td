//===- ThreshGraphOps.td - Ops that the frontends produce -------*- tablegen -*-===//
//
// Values are ranked tensors. The numbered constraints (C1), (C2), ... are stated in dialects/README.md.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHGRAPHOPS_TD
#define THRESH_IR_THRESHGRAPHOPS_TD

include "Thresh/IR/ThreshBase.td"

//===- Parameters ----------------------------------------------------------------===//

def Thresh_ParameterOp : Thresh_Op<"parameter", [Symbol]> {
  let summary = "declares a weight tensor that stays in its file";
  let description = [{
    Names a tensor of the model by where it is stored; the module never holds its bytes. `pack` is set by
    -thresh-pack-parameters and then `type` is the packed type. `record` is set by -thresh-interleave-rows.

    ```mlir
    thresh.parameter @w0 : tensor<384x1536xf32> from #thresh.source<...>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, Thresh_SourceAttr:$source,
                       OptionalAttr<Thresh_PackAttr>:$pack, OptionalAttr<Thresh_RecordAttr>:$record);
  let assemblyFormat = "$sym_name `:` $type `from` $source (`pack` $pack^)? (`record` $record^)? attr-dict";
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type, "SourceAttr":$source, "PackAttr":$pack),
              [{ build($_builder, $_state, name, type, source, pack, RecordAttr()); }]>
  ];
  let extraClassDeclaration = [{
    /// The packed weights as memory: dense, or with rows that a record holds apart.
    ::mlir::MemRefType getMemRefType();
    /// Bytes of a row of a matrix.
    int64_t getRowBytes();
  }];
  let hasVerifier = 1;
}

def Thresh_LoadParameterOp : Thresh_Op<"load_parameter", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a declared parameter";
  let description = [{ On tensors in the graph; a memref into the mapped weights after bufferization. }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$parameter `:` type($result) attr-dict";
}

//===- Shapes --------------------------------------------------------------------===//

def Thresh_BroadcastOp : Thresh_GraphOp<"broadcast"> {
  let summary = "numpy broadcasting to a given shape";
  let description = [{
    result[i...] = input[j...], trailing dimensions aligned, j = 0 where the input's extent is 1.
    Dynamic result extents are the `dynamic_sizes`, in order of the `?` in the result type. A dynamic input
    extent that meets a result extent may turn out to be 1 when the model runs.

    ```mlir
    %y = thresh.broadcast %x to [%n] : tensor<1x4xf32> to tensor<?x4xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<Index>:$dynamic_sizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `to` ` ` `[` $dynamic_sizes `]` attr-dict `:` type($input) `to` type($result)";
  let extraClassDeclaration = [{
    /// Whether the shapes alone allow `input` to become `result`.
    static bool canProduce(::mlir::RankedTensorType input, ::mlir::RankedTensorType result);
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes)>
  ];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Thresh_ReshapeOp : Thresh_GraphOp<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    Dynamic result extents are the `dynamic_sizes`, in order of the `?` in the result type.

    ```mlir
    %y = thresh.reshape %x to [%b, %s] : tensor<?x384xf32> to tensor<?x?x12x32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<Index>:$dynamic_sizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `to` ` ` `[` $dynamic_sizes `]` attr-dict `:` type($input) `to` type($result)";
  let extraClassDeclaration = [{
    /// Whether the shapes alone allow `input` to become `result`.
    static bool canProduce(::mlir::RankedTensorType input, ::mlir::RankedTensorType result);
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes)>
  ];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Thresh_TransposeOp : Thresh_InferredOp<"transpose"> {
  let summary = "result dimension i is input dimension permutation[i]";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

//===- Linear algebra ------------------------------------------------------------===//

def Thresh_MatmulOp : Thresh_InferredOp<"matmul"> {
  let summary = "batched matrix product";
  let description = [{
    result[b..., m, n] = sum_k lhs[b..., m, k] * rhs[b..., k, n]; with `transpose_rhs`, rhs[b..., n, k].
    `rhs` is either of rank 2 (one matrix for the whole batch) or has the batch dimensions of `lhs`.
    Floats accumulate in f32 at least, integers in the result type.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, UnitAttr:$transpose_rhs);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
  let hasCanonicalizer = 1;
}

//===- Normalisation -------------------------------------------------------------===//

def Thresh_SoftmaxOp : Thresh_InferredOp<"softmax"> {
  let summary = "exp(x - max) / sum(exp(x - max)) along one dimension; with `log`, its logarithm";
  let arguments = (ins Thresh_FloatTensor:$input, I64Attr:$dimension, UnitAttr:$log);
  let results = (outs Thresh_FloatTensor:$result);
  let assemblyFormat = "$input `dimension` `(` $dimension `)` (`log` $log^)? attr-dict `:` type($input) `->` type($result)";
}

def Thresh_LayerNormOp : Thresh_InferredOp<"layer_norm"> {
  let summary = "layer normalisation over the trailing dimensions";
  let description = [{
    result = (x - mean) / sqrt(var + epsilon) * scale + bias, mean and biased variance over the dimensions from
    `axis` to the last. `scale` and `bias` have the shape of these dimensions.
  }];
  let arguments = (ins Thresh_FloatTensor:$input, Thresh_FloatTensor:$scale, Optional<Thresh_FloatTensor>:$bias,
                       I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs Thresh_FloatTensor:$result);
  let assemblyFormat = [{
    $input `scale` $scale (`bias` $bias^)? `axis` `(` $axis `)` `epsilon` `(` $epsilon `)` attr-dict
    `:` functional-type(operands, results)
  }];
}

def Thresh_RmsNormOp : Thresh_InferredOp<"rms_norm"> {
  let summary = "root-mean-square normalisation over the trailing dimensions";
  let description = [{ result = x / sqrt(mean(x^2) + epsilon) * scale, the mean over the dimensions from `axis` to the last. }];
  let arguments = (ins Thresh_FloatTensor:$input, Thresh_FloatTensor:$scale, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs Thresh_FloatTensor:$result);
  let assemblyFormat = [{
    $input `scale` $scale `axis` `(` $axis `)` `epsilon` `(` $epsilon `)` attr-dict `:` functional-type(operands, results)
  }];
}

def Thresh_RotaryEmbeddingOp : Thresh_InferredOp<"rotary_embedding"> {
  let summary = "rotates pairs of elements of each head by the angles of its position";
  let description = [{
    The first R elements of the last dimension of `input` [n, heads, d] form R/2 pairs: (i, i + R/2), or with `interleaved`
    (2i, 2i + 1). Pair (a, b) becomes (a cos - b sin, b cos + a sin) with cos and sin [n, R/2] of its row and of i. Elements
    from R on stay.
  }];
  let arguments = (ins Thresh_FloatTensor:$input, Thresh_FloatTensor:$cos, Thresh_FloatTensor:$sin, UnitAttr:$interleaved);
  let results = (outs Thresh_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin (`interleaved` $interleaved^)? attr-dict `:` functional-type(operands, results)
  }];
}

//===- Reductions ----------------------------------------------------------------===//

def Thresh_ReduceOp : Thresh_InferredOp<"reduce"> {
  let summary = "reduces dimensions to extent 1 (keep_dims) or away";
  let description = [{
    Float max and min propagate NaN. An empty reduction gives the neutral element (0, 1, -inf or the
    least value, +inf or the greatest value, NaN for a mean). `and` and `or` work on i1.
  }];
  let arguments = (ins Thresh_ReduceKind:$kind, AnyRankedTensor:$input, DenseI64ArrayAttr:$dimensions, UnitAttr:$keep_dims);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input `dimensions` $dimensions (`keep` $keep_dims^)? attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

def Thresh_ArgReduceOp : Thresh_InferredOp<"arg_reduce"> {
  let summary = "index (i64) of the greatest or least element along a dimension";
  let description = [{ The first of equal elements, or with `select_last` the last. }];
  let arguments = (ins Thresh_ArgReduceKind:$kind, AnyRankedTensor:$input, I64Attr:$dimension, UnitAttr:$select_last, UnitAttr:$keep_dims);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "$kind $input `dimension` `(` $dimension `)` (`last` $select_last^)? (`keep` $keep_dims^)? attr-dict `:` type($input) `->` type($result)";
}

//===- Indexing ------------------------------------------------------------------===//

def Thresh_GatherOp : Thresh_InferredOp<"gather"> {
  let summary = "slices of a tensor picked by indices along one dimension";
  let description = [{
    result[a..., i..., b...] = input[a..., indices[i...], b...], a before and b after `dimension`. A negative index
    counts from the end. An index outside [-extent, extent) stops the call with an error.
  }];
  let arguments = (ins AnyRankedTensor:$input, RankedTensorOf<[AnySignlessInteger]>:$indices, I64Attr:$dimension);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `[` $indices `]` `dimension` `(` $dimension `)` attr-dict `:` type($input) `,` type($indices) `->` type($result)";
}

#endif // THRESH_IR_THRESHGRAPHOPS_TD
