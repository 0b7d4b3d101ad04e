// What cannot be quantised stays as it is, and a remark says why.
// RUN: thresh-opt %s --thresh-quantize-parameters=format=q8 -split-input-file -verify-diagnostics | FileCheck %s
// RUN: thresh-opt %s --thresh-quantize-parameters=format=q4 -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-NOT: quantized
// CHECK-NOT: pack

// expected-remark @+1 {{'layer.w' is not quantised: its depth of 48 is no multiple of 32}}
thresh.parameter @depth : tensor<40x48xf32> from <file = "m", offset = 0, length = 7680, tensor = "layer.w", type = tensor<40x48xf32>>
// CHECK-LABEL: func.func @depth_of_rows
func.func @depth_of_rows(%x: tensor<?x48xf32>) -> tensor<?x40xf32> {
  %w = thresh.load_parameter @depth : tensor<40x48xf32>
  %y = thresh.matmul %x, %w {transpose_rhs} : tensor<?x48xf32>, tensor<40x48xf32> -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// -----

// The other dimension is a multiple of 32.
// expected-remark @+1 {{'w' is not quantised: its depth of 48 is no multiple of 32}}
thresh.parameter @depth : tensor<48x64xf32> from <file = "m", offset = 0, length = 12288, tensor = "w", type = tensor<48x64xf32>>
// CHECK-LABEL: func.func @depth_of_columns
func.func @depth_of_columns(%x: tensor<?x48xf32>) -> tensor<?x64xf32> {
  %w = thresh.load_parameter @depth : tensor<48x64xf32>
  %y = thresh.matmul %x, %w : tensor<?x48xf32>, tensor<48x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// expected-remark @+1 {{'w' is not quantised: it is read both as a matrix and as its transpose}}
thresh.parameter @both : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "w", type = tensor<64x64xf32>>
// CHECK-LABEL: func.func @both_ways
func.func @both_ways(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = thresh.load_parameter @both : tensor<64x64xf32>
  %y = thresh.matmul %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %z = thresh.matmul %y, %w {transpose_rhs} : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// -----

// Rows that are gathered are rows of the matrix, not of its transpose.
// expected-remark @+1 {{'w' is not quantised: it is read both as a matrix and as its transpose}}
thresh.parameter @gathered : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "w", type = tensor<64x64xf32>>
// CHECK-LABEL: func.func @gathered_across
func.func @gathered_across(%ids: tensor<?xi64>) -> tensor<?x64xf32> {
  %w = thresh.load_parameter @gathered : tensor<64x64xf32>
  %x = thresh.gather %w[%ids] dimension(0) : tensor<64x64xf32>, tensor<?xi64> -> tensor<?x64xf32>
  %y = thresh.matmul %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// expected-remark @+1 {{'w' is not quantised: 'arith.negf' reads its values}}
thresh.parameter @other : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "w", type = tensor<64x64xf32>>
// CHECK-LABEL: func.func @other_reader
func.func @other_reader(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<64x64xf32>) {
  %w = thresh.load_parameter @other : tensor<64x64xf32>
  %y = thresh.matmul %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %z = arith.negf %w : tensor<64x64xf32>
  return %y, %z : tensor<?x64xf32>, tensor<64x64xf32>
}

// -----

// A matrix on the left, or gathered by columns.
// expected-remark @+1 {{'w' is not quantised: 'thresh.matmul' reads its values}}
thresh.parameter @left : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "w", type = tensor<64x64xf32>>
// expected-remark @+1 {{'v' is not quantised: 'thresh.gather' reads its values}}
thresh.parameter @across : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "v", type = tensor<64x64xf32>>
// CHECK-LABEL: func.func @left_and_columns
func.func @left_and_columns(%x: tensor<?x64xf32>, %ids: tensor<?xi64>) -> (tensor<?x64xf32>, tensor<64x64xf32>, tensor<64x?xf32>) {
  %w = thresh.load_parameter @left : tensor<64x64xf32>
  %v = thresh.load_parameter @across : tensor<64x64xf32>
  %y = thresh.matmul %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %z = thresh.matmul %w, %v : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  %u = thresh.gather %v[%ids] dimension(1) : tensor<64x64xf32>, tensor<?xi64> -> tensor<64x?xf32>
  return %y, %z, %u : tensor<?x64xf32>, tensor<64x64xf32>, tensor<64x?xf32>
}

// -----

// expected-remark @+1 {{'w' is not quantised: its elements are not f32}}
thresh.parameter @half : tensor<64x64xf16> from <file = "m", offset = 0, length = 8192, tensor = "w", type = tensor<64x64xf16>>
// CHECK-LABEL: func.func @half_floats
func.func @half_floats(%x: tensor<?x64xf16>) -> tensor<?x64xf16> {
  %w = thresh.load_parameter @half : tensor<64x64xf16>
  %y = thresh.matmul %x, %w : tensor<?x64xf16>, tensor<64x64xf16> -> tensor<?x64xf16>
  return %y : tensor<?x64xf16>
}

// -----

// expected-remark @+1 {{'w' is not quantised: it multiplies elements that are not f32}}
thresh.parameter @wide : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "w", type = tensor<64x64xf32>>
// CHECK-LABEL: func.func @doubles
func.func @doubles(%x: tensor<?x64xf64>) -> tensor<?x64xf64> {
  %w = thresh.load_parameter @wide : tensor<64x64xf32>
  %y = thresh.matmul %x, %w : tensor<?x64xf64>, tensor<64x64xf32> -> tensor<?x64xf64>
  return %y : tensor<?x64xf64>
}

// -----

// Matrices that no product and no gather reads, of rank 1 or 3, or packed by their model already: not a word.
thresh.parameter @unread : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "u", type = tensor<64x64xf32>>
thresh.parameter @added : tensor<64x64xf32> from <file = "m", offset = 0, length = 16384, tensor = "a", type = tensor<64x64xf32>>
thresh.parameter @batch : tensor<2x64x64xf32> from <file = "m", offset = 0, length = 32768, tensor = "b", type = tensor<2x64x64xf32>>
thresh.parameter @vector : tensor<64xf32> from <file = "m", offset = 0, length = 256, tensor = "v", type = tensor<64xf32>>
thresh.parameter @integers : tensor<64x64xi32> from <file = "m", offset = 0, length = 16384, tensor = "i", type = tensor<64x64xi32>>
// CHECK-LABEL: func.func @not_matrices
func.func @not_matrices(%x: tensor<2x3x64xf32>, %i: tensor<3x64xi32>, %ids: tensor<?xi64>) -> (tensor<64x64xf32>, tensor<2x3x64xf32>, tensor<?xf32>, tensor<3x64xi32>) {
  %a = thresh.load_parameter @added : tensor<64x64xf32>
  %b = thresh.load_parameter @batch : tensor<2x64x64xf32>
  %v = thresh.load_parameter @vector : tensor<64xf32>
  %k = thresh.load_parameter @integers : tensor<64x64xi32>
  %0 = arith.addf %a, %a : tensor<64x64xf32>
  %1 = thresh.matmul %x, %b : tensor<2x3x64xf32>, tensor<2x64x64xf32> -> tensor<2x3x64xf32>
  %2 = thresh.gather %v[%ids] dimension(0) : tensor<64xf32>, tensor<?xi64> -> tensor<?xf32>
  %3 = thresh.matmul %i, %k : tensor<3x64xi32>, tensor<64x64xi32> -> tensor<3x64xi32>
  return %0, %1, %2, %3 : tensor<64x64xf32>, tensor<2x3x64xf32>, tensor<?xf32>, tensor<3x64xi32>
}
