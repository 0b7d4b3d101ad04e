//===- ThreshSparseKernelOps.td - Sparse ops that are kernels ---*- tablegen -*-===//
//
// What -thresh-choose-sparse-kernels makes of sparse ops: each op here is one kernel, whose algorithm is codegen's.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHSPARSEKERNELOPS_TD
#define THRESH_IR_THRESHSPARSEKERNELOPS_TD

include "Thresh/IR/ThreshBase.td"
include "Thresh/IR/ThreshSparseEnums.td"
include "Thresh/IR/ThreshSparseInterfaces.td"

class Thresh_SparseKernelOp<string mnemonic, list<string> methods = [], list<Trait> traits = []>
    : Thresh_GraphOp<mnemonic, !listconcat([DeclareOpInterfaceMethods<Thresh_SparseKernelOpInterface, methods>], traits)> {
  let hasVerifier = 1;
}

def Thresh_RowIndices : 2DTensorOf<[I32]>;
def Thresh_RowValues : 2DTensorOf<[F32]>;
def Thresh_RowCount : 1DTensorOf<[I32]>;

def Thresh_ChooseRowsOp : Thresh_SparseKernelOp<"choose_rows"> {
  let summary = "which scores of each row a statistical top-k keeps, and the values of those";
  let description = [{
    t = (x - mean) - std * quantile, the variance multiplied by `variance_factor`; an element survives where not t <= 0. `indices` are
    the survivors of a row in ascending order, `values` the activation of their t, or with `mask` of their x, and `count` is their number. Indices
    and values are 0 from there to the next multiple of 16, and unspecified beyond.

    ```mlir
    %i, %v, %n = thresh.choose_rows gelu_tanh %scores quantile(1.405) variance_factor(1.0)
      : tensor<1x13824xf32> -> tensor<1x13824xi32>, tensor<1x13824xf32>, tensor<1xi32>
    ```
  }];
  let arguments = (ins Thresh_Activation:$activation, 2DTensorOf<[F32]>:$scores, F64Attr:$quantile, F64Attr:$variance_factor,
                       UnitAttr:$mask);
  let results = (outs Thresh_RowIndices:$indices, Thresh_RowValues:$values, Thresh_RowCount:$count);
  let assemblyFormat = [{
    $activation $scores `quantile` `(` $quantile `)` `variance_factor` `(` $variance_factor `)` (`mask` $mask^)? attr-dict
    `:` type($scores) `->` type($indices) `,` type($values) `,` type($count)
  }];
}

def Thresh_ActiveRowsOp : Thresh_SparseKernelOp<"active_rows", ["getExpectedShare"], [AttrSizedOperandSegments]> {
  let summary = "the neurons that were chosen: their up rows times the input, times their down rows";
  let description = [{
    For each row: h_a = values[a] * (up[indices[a]] . input), without an up projection h_a = values[a]; the result is the sum over a < count
    of h_a * down[indices[a]], zeros where none was chosen. Indices and count come from `thresh.choose_rows`. Both projections lie neuron by neuron,
    up [N, K] and down [N, D]: floats, or with a `format` codes and scales by row (`#thresh.pack`). `expected` is the number of neurons that a row
    chooses on average, for reports.

    ```mlir
    %y = thresh.active_rows %i, %v, %n input %x up %u down %d expected(1106)
      : (tensor<1x1280xf32>, tensor<1x13824xi32>, tensor<1x13824xf32>, tensor<1xi32>, tensor<13824x1280xf32>, tensor<13824x2304xf32>) -> tensor<1x2304xf32>
    ```
  }];
  let arguments = (ins Optional<2DTensorOf<[F32]>>:$input, Thresh_RowIndices:$indices, Thresh_RowValues:$values,
                       Thresh_RowCount:$count, Variadic<2DTensorOf<[F32, F16, BF16, I8]>>:$up,
                       Variadic<2DTensorOf<[F32, F16, BF16, I8]>>:$down, I64Attr:$expected, OptionalAttr<Thresh_QuantFormat>:$format);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $indices `,` $values `,` $count (`input` $input^)? (`up` $up^)? `down` $down `expected` `(` $expected `)`
    (`format` `(` $format^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getNumNeurons() { return getIndices().getType().getDimSize(1); }
  }];
}

/// Rows of keys or values as a session stores them: floats, or integers and the scale of each.
def Thresh_CacheRows : Variadic<AnyTypeOf<[3DTensorOf<[F32, F16, BF16, I8]>, 2DTensorOf<[F32]>]>>;

def Thresh_AttendChosenOp : Thresh_SparseKernelOp<"attend_chosen", ["getRowReads", "isUnsigned"], [AttrSizedOperandSegments]> {
  let summary = "attention of one query over the keys that the first dimensions of query and key choose";
  let description = [{
    `thresh.topk_attention` of one query with a statistical top-k, on keys and values as a session stores them: rows 0 to `position`, and any number behind
    them; floats, or integers with their scales as a second operand. `statistics` are Q(1 - k/m) of the m keys seen, any number where m <= k, and what the
    variance is multiplied with. `counts` are the keys chosen by each head.

    ```mlir
    %y, %n = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(256) scale(8.8e-2) softplus(8.8e-2) cap(5.0e+1) window(4096)
      : (tensor<1x8x128xf32>, tensor<1x8x128xf32>, tensor<?x4x128xf16>, tensor<?x4x128xf16>, tensor<?x4x256xf16>, tensor<i64>, tensor<2xf32>)
      -> (tensor<1x8x256xf32>, tensor<1x8xi32>)
    ```
  }];
  let arguments = (ins 3DTensorOf<[F32]>:$query, Optional<3DTensorOf<[F32]>>:$query_rest, Thresh_CacheRows:$key,
                       Thresh_CacheRows:$key_rest, Thresh_CacheRows:$value, 0DTensorOf<[I64]>:$position,
                       1DTensorOf<[F32]>:$statistics, I64Attr:$k, F64Attr:$scale, OptionalAttr<F64Attr>:$softplus_scale,
                       OptionalAttr<F64Attr>:$soft_cap, DefaultValuedAttr<I64Attr, "0">:$window);
  let results = (outs 3DTensorOf<[F32]>:$result, 2DTensorOf<[I32]>:$counts);
  let assemblyFormat = [{
    $query (`rest` $query_rest^)? `key` $key (`rest` $key_rest^)? `value` $value `at` $position `by` $statistics `topk` `(` $k `)`
    `scale` `(` $scale `)` (`softplus` `(` $softplus_scale^ `)`)? (`cap` `(` $soft_cap^ `)`)? (`window` `(` $window^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasCanonicalizer = 1;
}

#endif // THRESH_IR_THRESHSPARSEKERNELOPS_TD
