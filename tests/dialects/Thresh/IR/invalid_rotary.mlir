// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @rotary_embedding_c1(%x: tensor<3x4x?xf32>, %c: tensor<3x2xf32>) {
  // expected-error @+2 {{expects an input of rank 3 with a static last extent, but got 'tensor<3x4x?xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rotary_embedding %x, %c, %c : (tensor<3x4x?xf32>, tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4x?xf32>
  return
}

// -----

func.func @rotary_embedding_c2(%x: tensor<3x4x8xf32>, %c: tensor<2x2xf32>) {
  // expected-error @+2 {{expects cosines [n, pairs] of the input's rows and elements, but got 'tensor<2x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rotary_embedding %x, %c, %c : (tensor<3x4x8xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<3x4x8xf32>
  return
}

// -----

func.func @rotary_embedding_c3(%x: tensor<3x4x8xf32>, %c: tensor<3x2xf32>, %s: tensor<3x4xf32>) {
  // expected-error @+2 {{expects sines of type 'tensor<3x2xf32>', but got 'tensor<3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rotary_embedding %x, %c, %s : (tensor<3x4x8xf32>, tensor<3x2xf32>, tensor<3x4xf32>) -> tensor<3x4x8xf32>
  return
}

// -----

func.func @rotary_embedding_c4(%x: tensor<3x4x8xf32>, %c: tensor<3x5xf32>) {
  // expected-error @+2 {{expects 1 to 4 pairs, but got 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rotary_embedding %x, %c, %c : (tensor<3x4x8xf32>, tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x4x8xf32>
  return
}
