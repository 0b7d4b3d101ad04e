//===- ThreshQuantizedOps.td - Ops on quantised matrices --------*- tablegen -*-===//
//
// A quantised matrix W [rows, K] is two tensors as the packer makes them (#thresh.pack): codes and f16 scales, in panels of 16 rows
// and groups of 32 along K. W[n, k] = scale of (n, k / 32) * (code of (n, k) - zero point).
//
//===----------------------------------------------------------------------------===//
#ifndef THRESH_IR_THRESHQUANTIZEDOPS_TD
#define THRESH_IR_THRESHQUANTIZEDOPS_TD

include "Thresh/IR/ThreshBase.td"

def Thresh_CodesTensor : 4DTensorOf<[I8]>;
def Thresh_ScalesTensor : 3DTensorOf<[F16]>;

def Thresh_QuantizedMatmulOp : Thresh_GraphOp<"quantized_matmul"> {
  let summary = "product with the transpose of a quantised matrix";
  let description = [{
    result[m, n] = sum over k of lhs[m, k] * W[n, k]. The lhs is quantised when the model runs: each group of 32 elements
    of a row becomes integers in [-127, 127] and a scale max|lhs| / 127 (f32). Products of a group are summed exactly in i32, groups in f32.

    ```mlir
    %y = thresh.quantized_matmul q8 %x, %codes, %scales : tensor<?x64xf32>, tensor<3x16x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
    ```
  }];
  let arguments = (ins Thresh_QuantFormat:$format, 2DTensorOf<[F32]>:$lhs, Thresh_CodesTensor:$codes, Thresh_ScalesTensor:$scales);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $format $lhs `,` $codes `,` $scales attr-dict `:` type($lhs) `,` type($codes) `,` type($scales) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Thresh_QuantizedGatherOp : Thresh_GraphOp<"quantized_gather"> {
  let summary = "rows of a quantised matrix picked by indices";
  let description = [{
    result[i..., k] = W[indices[i...], k] of a matrix of `rows` rows. A negative index counts from the end; one outside [-rows, rows)
    stops the call with an error.

    ```mlir
    %x = thresh.quantized_gather q8 %codes, %scales[%ids] rows(40) : tensor<3x16x16x4xi8>, tensor<3x2x16xf16>, tensor<?xi64> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Thresh_QuantFormat:$format, Thresh_CodesTensor:$codes, Thresh_ScalesTensor:$scales,
                       RankedTensorOf<[AnySignlessInteger]>:$indices, I64Attr:$rows);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $format $codes `,` $scales `[` $indices `]` `rows` `(` $rows `)` attr-dict
    `:` type($codes) `,` type($scales) `,` type($indices) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // THRESH_IR_THRESHQUANTIZEDOPS_TD
