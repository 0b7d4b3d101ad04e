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
  I32EnumAttrCase<"Attention", 4, "attention">
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
    `thresh inspect`); `type` is the type as stored, row-major, little-endian. An empty `file` is the bytes of
    a tensor that the frontend holds in memory (an ONNX initializer inside the protobuf): the frontend
    lists the file of the protobuf and the offset in it instead wherever it can.

    ```mlir
    #thresh.source<file = "model.safetensors", offset = 11416, length = 589824, tensor = "encoder.weight", type = tensor<384x384xf32>>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "int64_t":$offset, "int64_t":$length,
                        "::mlir::StringAttr":$tensor, "::mlir::RankedTensorType":$type);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Thresh_PackAttr : Thresh_Attr<"Pack", "pack"> {
  let summary = "how the packer lays a parameter out";
  let description = [{
    The stored tensor is cast to the parameter's element type, its dimensions are permuted by `permutation`
    (result dimension i is source dimension permutation[i]), and its last dimension N is cut into panels of
    `panel` columns, zero-padded: shape [..., K, N] becomes [..., ceil(N/panel), K, panel]. `panel` 0 keeps
    the permuted row-major order.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$permutation, "int64_t":$panel);
  let assemblyFormat = "`<` `permutation` `=` `[` $permutation `]` `,` `panel` `=` $panel `>`";
}

#endif // THRESH_IR_THRESHATTRIBUTES_TD
