//===- ThreshSparseOps.td - Ops that choose what they read ------*- tablegen -*-===//
//
// The formulas are stated in full in dialects/README.md; -thresh-expand-sparse rewrites each op into the dense ops that it means.
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHSPARSEOPS_TD
#define THRESH_IR_THRESHSPARSEOPS_TD

include "Thresh/IR/ThreshBase.td"
include "Thresh/IR/ThreshSparseEnums.td"
include "Thresh/IR/ThreshSparseInterfaces.td"

def Thresh_Matrix : 2DTensorOf<[AnyFloat]>;

class Thresh_SparseOp<string mnemonic, list<Trait> traits = []>
    : Thresh_GraphOp<mnemonic, !listconcat([DeclareOpInterfaceMethods<Thresh_SparseOpInterface>], traits)> {
  let hasVerifier = 1;
}

def Thresh_StatisticalTopkOp : Thresh_SparseOp<"statistical_topk", [SameOperandsAndResultType]> {
  let summary = "about k of the n elements of each row, chosen by the row's mean and deviation";
  let description = [{
    theta = mean + std * Q(1 - k/n), Q the quantile of the normal distribution. The result is max(x - theta, 0), or with `mask`
    x where x > theta and 0 elsewhere. Rows of n <= k elements stay as they are.

    ```mlir
    %y = thresh.statistical_topk %x k(1106) : tensor<?x13824xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, I64Attr:$k, UnitAttr:$mask, UnitAttr:$unbiased);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input `k` `(` $k `)` (`mask` $mask^)? (`unbiased` $unbiased^)? attr-dict `:` type($input)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Thresh_SparseFfnOp : Thresh_SparseOp<"sparse_ffn", [AttrSizedOperandSegments]> {
  let summary = "a feed-forward block of which each row uses the neurons that a predictor chooses";
  let description = [{
    Weights are [neurons, inputs], `down` is [outputs, neurons]. Scores, one per block of `granularity` neurons, come from the gate on
    the first dimensions of the input (the up projection then gets the rest), from the gate, from a router, or from a product of two
    thin matrices; a statistical top-k picks the blocks that take part. `survivors` counts the neurons of each row that did.

    ```mlir
    %y = thresh.sparse_ffn gelu_tanh first_dims(1024) %x gate %k1 up %k2 down %v topk(1106)
      : (tensor<?x2304xf32>, tensor<13824x1024xf32>, tensor<13824x1280xf32>, tensor<2304x13824xf32>) -> tensor<?x2304xf32>
    ```
  }];
  let arguments = (ins Thresh_Activation:$activation, Thresh_FfnPredictor:$predictor, DefaultValuedAttr<I64Attr, "0">:$first_dims,
                       2DTensorOf<[F32]>:$input, Variadic<Thresh_Matrix>:$predictor_weights, Optional<Thresh_Matrix>:$gate,
                       Thresh_Matrix:$up, Thresh_Matrix:$down, OptionalAttr<I64Attr>:$k,
                       DefaultValuedAttr<I64Attr, "1">:$granularity, UnitAttr:$mask, UnitAttr:$unbiased, UnitAttr:$approximate);
  let results = (outs 2DTensorOf<[F32]>:$result, Optional<1DTensorOf<[I64]>>:$survivors);
  let assemblyFormat = [{
    $activation $predictor (`(` $first_dims^ `)`)? $input (`by` $predictor_weights^)? (`gate` $gate^)? `up` $up `down` $down
    (`topk` `(` $k^ `)`)? (`granularity` `(` $granularity^ `)`)? (`mask` $mask^)? (`unbiased` $unbiased^)?
    (`approximate` $approximate^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getNumNeurons() { return getUp().getType().getDimSize(0); }
    /// What k counts: blocks of neurons.
    int64_t getNumBlocks() { return getNumNeurons() / getGranularity(); }
    /// Whether each row uses every neuron.
    bool isDense() { return !getK() || static_cast<int64_t>(*getK()) >= getNumBlocks(); }
    /// What the gate and the up projection multiply: the parts of the input, or twice the whole.
    ::std::pair<::mlir::Value, ::mlir::Value> buildParts(::mlir::OpBuilder &builder);
    /// The graph ops that the op means; values of its results, in order.
    ::llvm::SmallVector<::mlir::Value> buildMeaning(::mlir::OpBuilder &builder);
  }];
  let hasCanonicalizer = 1;
}

def Thresh_TopkAttentionOp : Thresh_SparseOp<"topk_attention", [AttrSizedOperandSegments]> {
  let summary = "attention of each query over the keys that the first dimensions of query and key choose";
  let description = [{
    Query i is at `position` + i; it sees the keys up to its own, of which the last `window` if there is one. The first dimensions of
    queries and keys, `query` and `key`, give the scores that choose: a statistical top-k, or with `exact` the k greatest. With
    `softplus(s)` those scores are also the ones of the softmax, whose weights are multiplied by softplus(s * product of the other
    dimensions, the `rest` of both); without it the softmax is over the products of all dimensions. Without a `rest` all dimensions
    choose. `survivors` counts the keys that each query and head read.

    ```mlir
    %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(256) scale(8.8e-2) softplus(8.8e-2) cap(5.0e+1) window(4096)
      : (tensor<?x8x128xf32>, tensor<?x8x128xf32>, tensor<?x4x128xf32>, tensor<?x4x128xf32>, tensor<?x4x256xf32>, index) -> tensor<?x8x256xf32>
    ```
  }];
  let arguments = (ins 3DTensorOf<[F32]>:$query, Optional<3DTensorOf<[F32]>>:$query_rest, 3DTensorOf<[F32]>:$key,
                       Optional<3DTensorOf<[F32]>>:$key_rest, 3DTensorOf<[F32]>:$value, Index:$position, OptionalAttr<I64Attr>:$k,
                       UnitAttr:$exact, UnitAttr:$unbiased, F64Attr:$scale, OptionalAttr<F64Attr>:$softplus_scale,
                       OptionalAttr<F64Attr>:$soft_cap, DefaultValuedAttr<I64Attr, "0">:$window, UnitAttr:$approximate);
  let results = (outs 3DTensorOf<[F32]>:$result, Optional<2DTensorOf<[I64]>>:$survivors);
  let assemblyFormat = [{
    $query (`rest` $query_rest^)? `key` $key (`rest` $key_rest^)? `value` $value `at` $position (`topk` `(` $k^ `)`)? (`exact` $exact^)?
    (`unbiased` $unbiased^)? `scale` `(` $scale `)` (`softplus` `(` $softplus_scale^ `)`)? (`cap` `(` $soft_cap^ `)`)?
    (`window` `(` $window^ `)`)? (`approximate` $approximate^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasCanonicalizer = 1;
}

def Thresh_TopkOp : Thresh_SparseOp<"topk"> {
  let summary = "the k greatest elements of each row and their indices, in descending order";
  let description = [{
    Of equal elements the one of the lower index comes first; NaN beats every number. With `recall` an implementation may miss elements, as
    long as it finds the wanted share of the k greatest on average; `buckets` and `kept` then say how: element i is in bucket i mod buckets,
    each bucket hands on its `kept` greatest, and the k greatest of those are the result.

    ```mlir
    %values, %indices = thresh.topk %x k(8) : tensor<?x100xf32> -> tensor<?x8xf32>, tensor<?x8xi64>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, I64Attr:$k, OptionalAttr<F64Attr>:$recall, OptionalAttr<I64Attr>:$buckets,
                       OptionalAttr<I64Attr>:$kept);
  let results = (outs RankedTensorOf<[F32]>:$values, RankedTensorOf<[I64]>:$indices);
  let assemblyFormat = [{
    $input `k` `(` $k `)` (`recall` `(` $recall^ `)`)? (`buckets` `(` $buckets^ `)`)? (`kept` `(` $kept^ `)`)? attr-dict
    `:` type($input) `->` type($values) `,` type($indices)
  }];
  let hasCanonicalizer = 1;
}

#endif // THRESH_IR_THRESHSPARSEOPS_TD
