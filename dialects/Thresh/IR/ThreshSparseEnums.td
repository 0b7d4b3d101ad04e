//===- ThreshSparseEnums.td - Choices of the sparse ops ---------*- tablegen -*-===//
#ifndef THRESH_IR_THRESHSPARSEENUMS_TD
#define THRESH_IR_THRESHSPARSEENUMS_TD

include "mlir/IR/EnumAttr.td"

def Thresh_Activation : I32EnumAttr<"Activation", "what a feed-forward block applies to its inner values", [
  I32EnumAttrCase<"Identity", 0, "identity">,
  I32EnumAttrCase<"Relu", 1, "relu">,
  I32EnumAttrCase<"Relu2", 2, "relu2">,
  I32EnumAttrCase<"Silu", 3, "silu">,
  I32EnumAttrCase<"Gelu", 4, "gelu">,
  I32EnumAttrCase<"GeluTanh", 5, "gelu_tanh">,
  I32EnumAttrCase<"QuickGelu", 6, "quick_gelu">,
  I32EnumAttrCase<"Sigmoid", 7, "sigmoid">,
  I32EnumAttrCase<"Tanh", 8, "tanh">
]> {
  let cppNamespace = "::thresh";
}

def Thresh_FfnPredictor : I32EnumAttr<"FfnPredictor", "where the scores come from that choose a layer's neurons", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"FirstDims", 1, "first_dims">,
  I32EnumAttrCase<"Gate", 2, "gate">,
  I32EnumAttrCase<"Router", 3, "router">,
  I32EnumAttrCase<"LowRank", 4, "low_rank">
]> {
  let cppNamespace = "::thresh";
}

#endif // THRESH_IR_THRESHSPARSEENUMS_TD
