// One test per numbered constraint of the graph ops (dialects/README.md), named after it.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @broadcast_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects a result of element type 'f32', but got 'f64'}}
  %0 = thresh.broadcast %x to [] : tensor<4xf32> to tensor<4xf64>
  return
}

// -----

func.func @broadcast_c2(%x: tensor<4xf32>, %n: index) {
  // expected-error @+1 {{expects 1 dynamic sizes, but got 2}}
  %0 = thresh.broadcast %x to [%n, %n] : tensor<4xf32> to tensor<?x4xf32>
  return
}

// -----

func.func @broadcast_c3(%x: tensor<1x4xf32>) {
  // expected-error @+1 {{expects a result that 1x4 broadcasts to, but got 4}}
  %0 = thresh.broadcast %x to [] : tensor<1x4xf32> to tensor<4xf32>
  return
}

// -----

func.func @broadcast_c4(%x: tensor<?x3xf32>) {
  // expected-error @+1 {{expects a result that ?x3 broadcasts to, but got 2x4}}
  %0 = thresh.broadcast %x to [] : tensor<?x3xf32> to tensor<2x4xf32>
  return
}

// -----

func.func @reshape_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects a result of element type 'f32', but got 'i32'}}
  %0 = thresh.reshape %x to [] : tensor<4xf32> to tensor<2x2xi32>
  return
}

// -----

func.func @reshape_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 1 dynamic sizes, but got 0}}
  %0 = thresh.reshape %x to [] : tensor<4xf32> to tensor<?x2xf32>
  return
}

// -----

func.func @reshape_c3(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a result with as many elements as 2x3, but got 4x2}}
  %0 = thresh.reshape %x to [] : tensor<2x3xf32> to tensor<4x2xf32>
  return
}

// -----

func.func @reshape_c3_to_dynamic(%x: tensor<2x3xf32>, %n: index) {
  // expected-error @+1 {{expects a result with as many elements as 2x3, but got ?x4}}
  %0 = thresh.reshape %x to [%n] : tensor<2x3xf32> to tensor<?x4xf32>
  return
}

// -----

func.func @reshape_c3_from_dynamic(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{expects a result with as many elements as ?x4, but got scalar}}
  %0 = thresh.reshape %x to [] : tensor<?x4xf32> to tensor<f32>
  return
}

// -----

func.func @reshape_c3_overflow(%x: tensor<?xf32>) {
  // expected-error @+1 {{expects a result with as many elements as ?, but got 4294967296x4294967296}}
  %0 = thresh.reshape %x to [] : tensor<?xf32> to tensor<4294967296x4294967296xf32>
  return
}

// -----

func.func @transpose_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expects a permutation of 2 dimensions, but got [0, 2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.transpose %x [0, 2] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @transpose_c1_too_short(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expects a permutation of 2 dimensions, but got [0]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.transpose %x [0] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @matmul_c1(%a: tensor<2x3xf16>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{expects operands of one integer or float element type, or a rhs of narrower floats, but got 'f16' and 'f32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<2x3xf16>, tensor<3x4xf32> -> tensor<2x4xf16>
  return
}

// -----

func.func @matmul_c2(%a: tensor<3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{expects a lhs of rank >= 2, but got 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<3xf32>, tensor<3x4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @matmul_c3(%a: tensor<5x6x2x3xf32>, %b: tensor<6x3x4xf32>) {
  // expected-error @+2 {{expects a rhs of rank 2 or of the lhs's rank 4, but got 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<5x6x2x3xf32>, tensor<6x3x4xf32> -> tensor<5x6x2x4xf32>
  return
}

// -----

func.func @matmul_c4(%a: tensor<5x2x3xf32>, %b: tensor<6x3x4xf32>) {
  // expected-error @+2 {{expects equal batch extents in dimension 0, but got 5 and 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<5x2x3xf32>, tensor<6x3x4xf32> -> tensor<5x2x4xf32>
  return
}

// -----

func.func @matmul_c5(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error @+2 {{expects equal contraction extents, but got 3 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<2x3xf32>, tensor<4x5xf32> -> tensor<2x5xf32>
  return
}

// -----

func.func @matmul_c5_transposed(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error @+2 {{expects equal contraction extents, but got 3 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b {transpose_rhs} : tensor<2x3xf32>, tensor<3x5xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @matmul_result(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<2x4xf32>' are incompatible with return type(s) of operation 'tensor<2x5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x5xf32>
  return
}

// -----

func.func @softmax_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expects dimension in [0, 2), but got -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.softmax %x dimension(-1) : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @layer_norm_c1(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{expects axis in [0, 2), but got 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.layer_norm %x scale %s axis(2) epsilon(0.0) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @layer_norm_c2(%x: tensor<2x3xf32>, %s: tensor<4xf32>) {
  // expected-error @+2 {{expects a scale of type 'tensor<3xf32>', but got 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.layer_norm %x scale %s axis(1) epsilon(0.0) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @layer_norm_c3(%x: tensor<2x3xf32>, %s: tensor<3xf32>) {
  // expected-error @+2 {{expects a finite epsilon >= 0, but got -1.000000e+00}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.layer_norm %x scale %s axis(1) epsilon(-1.0) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @layer_norm_c4(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %b: tensor<2xf32>) {
  // expected-error @+2 {{expects a bias of the scale's type 'tensor<3xf32>', but got 'tensor<2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.layer_norm %x scale %s bias %b axis(1) epsilon(0.0) : (tensor<2x3xf32>, tensor<3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{expects axis in [0, 2), but got -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rms_norm %x scale %s axis(-1) epsilon(0.0) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @rms_norm_c2(%x: tensor<2x3xf32>, %s: tensor<3xf16>) {
  // expected-error @+2 {{expects a scale of type 'tensor<3xf32>', but got 'tensor<3xf16>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rms_norm %x scale %s axis(1) epsilon(0.0) : (tensor<2x3xf32>, tensor<3xf16>) -> tensor<2x3xf32>
  return
}

// -----

func.func @rms_norm_c3(%x: tensor<2x3xf32>, %s: tensor<3xf32>) {
  // expected-error @+2 {{expects a finite epsilon >= 0, but got INF}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.rms_norm %x scale %s axis(1) epsilon(0x7FF0000000000000) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @reduce_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expects dimensions in [0, 2), but got 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.reduce sum %x dimensions [0, 2] : tensor<2x3xf32> -> tensor<f32>
  return
}

// -----

func.func @reduce_c2(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expects ascending dimensions, but got [1, 1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.reduce sum %x dimensions [1, 1] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @reduce_c3(%x: tensor<2x3xi1>) {
  // expected-error @+2 {{expects float or integer elements for sum, but got 'i1'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.reduce sum %x dimensions [1] : tensor<2x3xi1> -> tensor<2xi1>
  return
}

// -----

func.func @reduce_c3_logical(%x: tensor<2x3xi32>) {
  // expected-error @+2 {{expects i1 elements for and, but got 'i32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.reduce and %x dimensions [1] : tensor<2x3xi32> -> tensor<2xi32>
  return
}

// -----

func.func @arg_reduce_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expects dimension in [0, 2), but got 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.arg_reduce max %x dimension(3) : tensor<2x3xf32> -> tensor<2xi64>
  return
}

// -----

func.func @arg_reduce_c2(%x: tensor<2x3xindex>) {
  // expected-error @+2 {{expects float or integer elements, but got 'index'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.arg_reduce max %x dimension(1) : tensor<2x3xindex> -> tensor<2xi64>
  return
}

// -----

func.func @gather_c1(%x: tensor<f32>, %i: tensor<2xi64>) {
  // expected-error @+2 {{expects dimension in [0, 0), but got 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.gather %x[%i] dimension(0) : tensor<f32>, tensor<2xi64> -> tensor<2xf32>
  return
}

// -----

func.func @gather_c2(%x: tensor<3xf32>, %i: tensor<2xi1>) {
  // expected-error @+2 {{expects indices of 8 to 64 bits, but got 'i1'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.gather %x[%i] dimension(0) : tensor<3xf32>, tensor<2xi1> -> tensor<2xf32>
  return
}
