//===- ThreshAttributes.td - Attributes and enums ---------------*- tablegen -*-===//
#ifndef THRESH_IR_THRESHATTRIBUTES_TD
#define THRESH_IR_THRESHATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "Thresh/IR/ThreshDialect.td"

def Thresh_ReduceKind : I32EnumAttr<"ReduceKind", "what a reduction computes", [
  I32EnumAttrCase<"Sum", 0, "sum">,
  I32EnumAttrCase<"Prod", 1, "prod">,
  I32EnumAttrCase<"Max", 2, "max">,
  I32EnumAttrCase<"Min", 3, "min">,
  I32EnumAttrCase<"Mean", 4, "mean">,
  I32EnumAttrCase<"And", 5, "and">,
  I32EnumAttrCase<"Or", 6, "or">
]> {
  let cppNamespace = "::thresh";
}

def Thresh_ArgReduceKind : I32EnumAttr<"ArgReduceKind", "which element an arg-reduction finds", [
  I32EnumAttrCase<"Max", 0, "max">,
  I32EnumAttrCase<"Min", 1, "min">
]> {
  let cppNamespace = "::thresh";
}

def Thresh_KernelFamily : I32EnumAttr<"KernelFamily", "the schedule class of a kernel (codegen/KernelSpec.h)", [
  I32EnumAttrCase<"Elementwise", 0, "elementwise">,
  I32EnumAttrCase<"Reduction", 1, "reduction">,
  I32EnumAttrCase<"Rowwise", 2, "rowwise">,
  I32EnumAttrCase<"Matmul", 3, "matmul">,
  I32EnumAttrCase<"Attention", 4, "attention">,
  I32EnumAttrCase<"QuantizedMatmul", 5, "quantized_matmul">,
  I32EnumAttrCase<"ChooseRows", 6, "choose_rows">,
  I32EnumAttrCase<"ActiveRows", 7, "active_rows">,
  I32EnumAttrCase<"TopkAttention", 8, "topk_attention">
]> {
  let cppNamespace = "::thresh";
}

def Thresh_PackFormat : I32Enum<"PackFormat", "what the packer makes of the elements of a matrix", [
  I32EnumCase<"Elements", 0, "elements">,
  I32EnumCase<"Q8Codes", 1, "q8_codes">,
  I32EnumCase<"Q8Scales", 2, "q8_scales">,
  I32EnumCase<"Q4Codes", 3, "q4_codes">,
  I32EnumCase<"Q4Scales", 4, "q4_scales">,
  I32EnumCase<"Q8RowCodes", 5, "q8_row_codes">,
  I32EnumCase<"Q8RowScales", 6, "q8_row_scales">,
  I32EnumCase<"Q4RowCodes", 7, "q4_row_codes">,
  I32EnumCase<"Q4RowScales", 8, "q4_row_scales">
]> {
  let cppNamespace = "::thresh";
}

def Thresh_QuantFormat : I32EnumAttr<"QuantFormat", "how the elements of a matrix are quantised", [
  I32EnumAttrCase<"Q8", 0, "q8">,
  I32EnumAttrCase<"Q4", 1, "q4">
]> {
  let cppNamespace = "::thresh";
}

class Thresh_Attr<string name, string mnemonic_> : AttrDef<Thresh_Dialect, name> {
  let mnemonic = mnemonic_;
}

def Thresh_SourceAttr : Thresh_Attr<"Source", "source"> {
  let summary = "where a parameter's bytes lie before packing";
  let description = [{
    `offset` and `length` are bytes within `file`; `tensor` is the name that the model gives it (for messages and
    `thresh inspect`); `type` is the type as stored, row-major, little-endian. With a `seed` >= 0 there is no file: the
    packer generates noise from the seed and the tensor's name.

    ```mlir
    #thresh.source<file = "model.safetensors", offset = 11416, length = 589824, tensor = "encoder.weight", type = tensor<384x384xf32>>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "int64_t":$offset, "int64_t":$length,
                        "::mlir::StringAttr":$tensor, "::mlir::RankedTensorType":$type,
                        DefaultValuedParameter<"int64_t", "-1">:$seed);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Thresh_PackAttr : Thresh_Attr<"Pack", "pack"> {
  let summary = "how the packer lays a parameter out";
  let description = [{
    The stored tensor's dimensions are permuted by `permutation` (result dimension i is source dimension
    permutation[i]), and its last dimension N is cut into P = ceil(N/panel) panels of `panel` columns; `panel` 0 keeps the
    permuted row-major order. `format` says what becomes of the elements. In all but `elements`, 32 elements along k share a
    scale (w = scale * q) and K is a multiple of 32. Of a matrix [K, N] after the permutation, in panels:

    - `elements`: cast to the parameter's element type, zero-padded: [..., K, N] becomes [..., P, K, panel].
    - `q8_codes`: i8 [P, K/4, panel, 4]; element (p, i, c, j) is q + 128 (unsigned) of row 4i + j and column panel*p + c, q in [-127, 127].
    - `q4_codes`: i8 [P, K/8, panel, 4]; the low half of byte (p, i, c, j) is q + 8 of row 8i + j, the high half that of row
      8i + 4 + j; q in [-8, 7].
    - `q8_scales`, `q4_scales`: f16 [P, K/32, panel]; element (p, g, c) is the scale of rows 32g to 32g + 31 of the column.
    Columns past N have q = 0 and scale 0.

    Of a matrix [N, K] after the permutation, with panel 0, every row by itself:
    - `q8_row_codes`: i8 [N, K]; q + 128 (unsigned).
    - `q4_row_codes`: i8 [N, K/2]; byte 16g + j of a row, j < 16, holds q + 8 of column 32g + j in its low half and of column
      32g + 16 + j in its high half.
    - `q8_row_scales`, `q4_row_scales`: f16 [N, K/32].
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$permutation, "int64_t":$panel,
                        DefaultValuedParameter<"PackFormat", "PackFormat::Elements">:$format);
  let assemblyFormat = "`<` `permutation` `=` `[` $permutation `]` `,` `panel` `=` $panel (`,` `format` `=` $format^)? `>`";
  let extraClassDeclaration = [{
    /// Columns of a panel: one AVX-512 vector of floats, two of AVX2; matmul tiles take several panels.
    static constexpr int64_t kPanel = 16;
    /// Rows that share one scale.
    static constexpr int64_t kGroup = 32;
    /// Codes of one column that lie side by side, as one dot product of bytes takes them.
    static constexpr int64_t kTogether = 4;
    /// Whether the elements become codes or scales, and whether these lie row by row instead of in panels.
    bool isQuantized() const;
    bool isCodes() const;
    bool isByRow() const;
    /// Bits of a code of the format, also where it is that of scales; 0 for `elements`.
    int64_t getCodeBits() const;
    /// Which dimension of the permuted matrix a quantised format groups.
    int64_t getGroupedDim() const { return isByRow() ? 1 : 0; }
    /// The shape that `source` gets, whose permutation must fit.
    ::llvm::SmallVector<int64_t> packShape(::llvm::ArrayRef<int64_t> source) const;
    /// The element type that the format demands; null where the parameter chooses.
    ::mlir::Type getElementType() const;
  }];
}

def Thresh_RecordAttr : Thresh_Attr<"Record", "record"> {
  let summary = "where the rows of a parameter lie among those of others";
  let description = [{
    Parameters of one `name` are matrices of as many rows, which lie side by side: rows number i of all of them are one
    record of `bytes` bytes, in which that of this parameter begins at byte `offset`. What no row covers is 0.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "int64_t":$offset, "int64_t":$bytes);
  let assemblyFormat = "`<` $name `,` `offset` `=` $offset `,` `bytes` `=` $bytes `>`";
  let extraClassDeclaration = [{
    /// Records begin at multiples of so many bytes: a line of the cache.
    static constexpr int64_t kAlignment = 64;
  }];
}

#endif // THRESH_IR_THRESHATTRIBUTES_TD
