// Functions that are no entry points are refused at their place.
// RUN: thresh-opt %s --thresh-bind-entry-points -split-input-file -verify-diagnostics

// expected-error @+1 {{expects a function of one block, with ranked tensors as inputs and outputs}}
func.func @scalar(%x: f32) -> tensor<4xf32> {
  %y = arith.constant dense<1.0> : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @+1 {{expects a function of one block, with ranked tensors as inputs and outputs}}
func.func private @declared(tensor<4xf32>) -> tensor<4xf32>

// -----

// expected-error @+1 {{expects a function of one block, with ranked tensors as inputs and outputs}}
func.func @unranked(%x: tensor<4xf32>) -> tensor<*xf32> {
  %y = tensor.cast %x : tensor<4xf32> to tensor<*xf32>
  return %y : tensor<*xf32>
}
