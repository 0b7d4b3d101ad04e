// A parameter has to have its place in the packed weights before code reads it.
// RUN: thresh-opt %s --thresh-lower-host-ops -verify-diagnostics

thresh.parameter @scale : tensor<4xf32> from <file = "m", offset = 0, length = 16, tensor = "scale", type = tensor<4xf32>>
func.func @main() {
  // expected-error @+1 {{expects its parameter to have been given a place in the weights file}}
  %w = thresh.load_parameter @scale : memref<4xf32>
  return
}
