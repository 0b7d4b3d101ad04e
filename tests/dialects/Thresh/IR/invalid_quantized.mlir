// One test per numbered constraint of quantised matrices and how they are packed (dialects/README.md), named after it.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @matmul_c1_narrower_lhs(%a: tensor<2x3xbf16>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{expects operands of one integer or float element type, or a rhs of narrower floats, but got 'bf16' and 'f32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<2x3xbf16>, tensor<3x4xf32> -> tensor<2x4xbf16>
  return
}

// -----

func.func @matmul_c1_other_half(%a: tensor<2x3xbf16>, %b: tensor<3x4xf16>) {
  // expected-error @+2 {{or a rhs of narrower floats, but got 'bf16' and 'f16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<2x3xbf16>, tensor<3x4xf16> -> tensor<2x4xbf16>
  return
}

// -----

func.func @matmul_c1_narrower_integers(%a: tensor<2x3xi32>, %b: tensor<3x4xi8>) {
  // expected-error @+2 {{or a rhs of narrower floats, but got 'i32' and 'i8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = thresh.matmul %a, %b : tensor<2x3xi32>, tensor<3x4xi8> -> tensor<2x4xi32>
  return
}

// -----

// expected-error @+1 {{expects panels of a matrix whose k is a multiple of 32 for q8_codes, but got}}
thresh.parameter @parameter_c7_depth : tensor<1x12x16x4xi8> from <file = "m", offset = 0, length = 3072, tensor = "w", type = tensor<16x48xf32>> pack <permutation = [1, 0], panel = 16, format = q8_codes>

// -----

// expected-error @+1 {{expects panels of a matrix whose k is a multiple of 32 for q4_scales, but got}}
thresh.parameter @parameter_c7_panel : tensor<32x16xf16> from <file = "m", offset = 0, length = 2048, tensor = "w", type = tensor<32x16xf32>> pack <permutation = [0, 1], panel = 0, format = q4_scales>

// -----

// expected-error @+1 {{expects panels of a matrix whose k is a multiple of 32 for q8_scales, but got}}
thresh.parameter @parameter_c7_rank : tensor<2x1x1x16xf16> from <file = "m", offset = 0, length = 4096, tensor = "w", type = tensor<2x32x16xf32>> pack <permutation = [0, 1, 2], panel = 16, format = q8_scales>

// -----

// expected-error @+1 {{expects elements of type 'i8' for q4_codes, but got 'f32'}}
thresh.parameter @parameter_c8_codes : tensor<1x4x16x4xf32> from <file = "m", offset = 0, length = 2048, tensor = "w", type = tensor<16x32xf32>> pack <permutation = [1, 0], panel = 16, format = q4_codes>

// -----

// expected-error @+1 {{expects elements of type 'f16' for q8_scales, but got 'f32'}}
thresh.parameter @parameter_c8_scales : tensor<1x1x16xf32> from <file = "m", offset = 0, length = 2048, tensor = "w", type = tensor<16x32xf32>> pack <permutation = [1, 0], panel = 16, format = q8_scales>

// -----

// expected-error @+1 {{expects no source file with a seed, but got "m"}}
thresh.parameter @parameter_c9 : tensor<2xf32> from <file = "m", offset = 0, length = 8, tensor = "w", type = tensor<2xf32>, seed = 0>

// -----

// expected-error @+1 {{expects shape 1x4x16x4 of its source, but got 1x8x16x4}}
thresh.parameter @parameter_c6_codes : tensor<1x8x16x4xi8> from <file = "m", offset = 0, length = 2048, tensor = "w", type = tensor<16x32xf32>> pack <permutation = [1, 0], panel = 16, format = q4_codes>

// -----

func.func @quantized_matmul_c1_panels(%x: tensor<2x64xf32>, %c: tensor<2x16x16x4xi8>, %s: tensor<2x2x16xf16>) {
  // expected-error @+1 {{expects codes [3, K / 4, 16, 4] of 40 rows, K a multiple of 32, but got 2x16x16x4}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x64xf32>, tensor<2x16x16x4xi8>, tensor<2x2x16xf16> -> tensor<2x40xf32>
  return
}

// -----

func.func @quantized_matmul_c1_depth(%x: tensor<2x48xf32>, %c: tensor<1x6x16x4xi8>, %s: tensor<1x1x16xf16>) {
  // expected-error @+1 {{expects codes [1, K / 8, 16, 4] of 16 rows, K a multiple of 32, but got 1x6x16x4}}
  %0 = thresh.quantized_matmul q4 %x, %c, %s : tensor<2x48xf32>, tensor<1x6x16x4xi8>, tensor<1x1x16xf16> -> tensor<2x16xf32>
  return
}

// -----

func.func @quantized_matmul_c1_width(%x: tensor<2x64xf32>, %c: tensor<2x16x8x4xi8>, %s: tensor<2x2x8xf16>) {
  // expected-error @+1 {{expects codes [1, K / 4, 16, 4] of 16 rows, K a multiple of 32, but got 2x16x8x4}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x64xf32>, tensor<2x16x8x4xi8>, tensor<2x2x8xf16> -> tensor<2x16xf32>
  return
}

// -----

func.func @quantized_matmul_c1_static(%x: tensor<2x64xf32>, %c: tensor<1x?x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects codes [1, K / 4, 16, 4] of 16 rows, K a multiple of 32, but got 1x?x16x4}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x64xf32>, tensor<1x?x16x4xi8>, tensor<1x2x16xf16> -> tensor<2x16xf32>
  return
}

// -----

func.func @quantized_matmul_c2(%x: tensor<2x64xf32>, %c: tensor<1x8x16x4xi8>, %s: tensor<1x1x16xf16>) {
  // expected-error @+1 {{expects scales 1x2x16 for these codes, but got 1x1x16}}
  %0 = thresh.quantized_matmul q4 %x, %c, %s : tensor<2x64xf32>, tensor<1x8x16x4xi8>, tensor<1x1x16xf16> -> tensor<2x16xf32>
  return
}

// -----

func.func @quantized_matmul_c3_rows(%x: tensor<2x64xf32>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects a result of the lhs's rows and a static number of columns, but got 'tensor<3x16xf32>'}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x64xf32>, tensor<1x16x16x4xi8>, tensor<1x2x16xf16> -> tensor<3x16xf32>
  return
}

// -----

func.func @quantized_matmul_c3_columns(%x: tensor<2x64xf32>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects a result of the lhs's rows and a static number of columns, but got 'tensor<2x?xf32>'}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x64xf32>, tensor<1x16x16x4xi8>, tensor<1x2x16xf16> -> tensor<2x?xf32>
  return
}

// -----

func.func @quantized_matmul_c4(%x: tensor<2x32xf32>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects a lhs of 64 columns, but got 'tensor<2x32xf32>'}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x32xf32>, tensor<1x16x16x4xi8>, tensor<1x2x16xf16> -> tensor<2x16xf32>
  return
}

// -----

func.func @quantized_matmul_c4_dynamic(%x: tensor<2x?xf32>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects a lhs of 64 columns, but got 'tensor<2x?xf32>'}}
  %0 = thresh.quantized_matmul q8 %x, %c, %s : tensor<2x?xf32>, tensor<1x16x16x4xi8>, tensor<1x2x16xf16> -> tensor<2x16xf32>
  return
}

// -----

func.func @quantized_gather_c1(%i: tensor<2xi64>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects codes [2, K / 4, 16, 4] of 17 rows, K a multiple of 32, but got 1x16x16x4}}
  %0 = thresh.quantized_gather q8 %c, %s[%i] rows(17) : tensor<1x16x16x4xi8>, tensor<1x2x16xf16>, tensor<2xi64> -> tensor<2x64xf32>
  return
}

// -----

func.func @quantized_gather_c2(%i: tensor<2xi64>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x4x16xf16>) {
  // expected-error @+1 {{expects scales 1x2x16 for these codes, but got 1x4x16}}
  %0 = thresh.quantized_gather q8 %c, %s[%i] rows(16) : tensor<1x16x16x4xi8>, tensor<1x4x16xf16>, tensor<2xi64> -> tensor<2x64xf32>
  return
}

// -----

func.func @quantized_gather_c3(%i: tensor<2xi64>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects at least one row, but got 0}}
  %0 = thresh.quantized_gather q8 %c, %s[%i] rows(0) : tensor<1x16x16x4xi8>, tensor<1x2x16xf16>, tensor<2xi64> -> tensor<2x64xf32>
  return
}

// -----

func.func @quantized_gather_c4(%i: tensor<2xi64>, %c: tensor<1x16x16x4xi8>, %s: tensor<1x2x16xf16>) {
  // expected-error @+1 {{expects a result of type 'tensor<2x64xf32>', but got 'tensor<2x1x64xf32>'}}
  %0 = thresh.quantized_gather q8 %c, %s[%i] rows(16) : tensor<1x16x16x4xi8>, tensor<1x2x16xf16>, tensor<2xi64> -> tensor<2x1x64xf32>
  return
}
