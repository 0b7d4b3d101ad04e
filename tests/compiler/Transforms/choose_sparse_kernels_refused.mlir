// A block that no kernel computes stays as it is, its parameters as well, and a remark says why.
// RUN: thresh-opt %s -thresh-choose-sparse-kernels -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-NOT: _rows
// CHECK-NOT: thresh.choose_rows

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @many_of_two_rows(
// CHECK: thresh.sparse_ffn
func.func @many_of_two_rows(%x: tensor<2x8xf32>, %g: tensor<96x8xf32>) -> tensor<2x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: each of its rows chooses 48 of 96 neurons, which dense products compute faster}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(48)
    : (tensor<2x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @router(
// CHECK: thresh.sparse_ffn
func.func @router(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its predictor is 'router'}}
  %0 = thresh.sparse_ffn relu router %x by %g up %u down %d topk(12) mask
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @low_rank(
// CHECK: thresh.sparse_ffn
func.func @low_rank(%x: tensor<1x8xf32>, %a: tensor<4x8xf32>, %b: tensor<96x4xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its predictor is 'low_rank'}}
  %0 = thresh.sparse_ffn relu low_rank %x by %a, %b up %u down %d topk(12) mask
    : (tensor<1x8xf32>, tensor<4x8xf32>, tensor<96x4xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @blocks(
// CHECK: thresh.sparse_ffn
func.func @blocks(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its neurons are chosen in blocks of 4}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(12) granularity(4) mask
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// Canonicalisation would have written these out.
thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @all(
// CHECK: thresh.sparse_ffn
func.func @all(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: all of its neurons are active}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(96)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @without_predictor(
// CHECK: thresh.sparse_ffn
func.func @without_predictor(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its predictor is 'none'}}
  %0 = thresh.sparse_ffn relu none %x gate %g up %u down %d
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @none(
// CHECK: thresh.sparse_ffn
func.func @none(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: none of its neurons are active}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(0)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @weights_of_arguments(
// CHECK: thresh.sparse_ffn
func.func @weights_of_arguments(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>, %u: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its weights are not parameters}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(12)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// CHECK-LABEL: func.func @down_of_arguments(
// CHECK: thresh.sparse_ffn
func.func @down_of_arguments(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>, %d: tensor<8x96xf32>) -> tensor<1x8xf32> {
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its weights are not parameters}}
  %0 = thresh.sparse_ffn relu gate %x up %g down %d topk(12)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<8x96xf16> from <file = "m", offset = 0, length = 3072, tensor = "d", type = tensor<8x96xf32>>
// CHECK-LABEL: func.func @two_types(
// CHECK: thresh.sparse_ffn
func.func @two_types(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf16>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its weights are not of one type of f32, f16 and bf16}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(12)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<8x96xf16>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf64> from <file = "m", offset = 0, length = 6144, tensor = "u", type = tensor<96x8xf64>>
thresh.parameter @down : tensor<8x96xf64> from <file = "m", offset = 0, length = 6144, tensor = "d", type = tensor<8x96xf64>>
// CHECK-LABEL: func.func @doubles(
// CHECK: thresh.sparse_ffn
func.func @doubles(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x8xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf64>
  %d = thresh.load_parameter @down : tensor<8x96xf64>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its weights are not of one type of f32, f16 and bf16}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(12)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf64>, tensor<8x96xf64>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

thresh.parameter @up : tensor<96x8xf32> from <file = "m", offset = 0, length = 3072, tensor = "u", type = tensor<96x8xf32>>
thresh.parameter @down : tensor<0x96xf32> from <file = "m", offset = 0, length = 0, tensor = "d", type = tensor<0x96xf32>>
// CHECK-LABEL: func.func @no_outputs(
// CHECK: thresh.sparse_ffn
func.func @no_outputs(%x: tensor<1x8xf32>, %g: tensor<96x8xf32>) -> tensor<1x0xf32> {
  %u = thresh.load_parameter @up : tensor<96x8xf32>
  %d = thresh.load_parameter @down : tensor<0x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: its weights are empty}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(12)
    : (tensor<1x8xf32>, tensor<96x8xf32>, tensor<96x8xf32>, tensor<0x96xf32>) -> tensor<1x0xf32>
  return %0 : tensor<1x0xf32>
}

// -----

// Ops that read all of their operands have no kernel to choose: not a word.
// CHECK-LABEL: func.func @others
// CHECK: thresh.statistical_topk
// CHECK: thresh.topk
func.func @others(%x: tensor<1x96xf32>) -> (tensor<1x96xf32>, tensor<1x4xf32>) {
  %0 = thresh.statistical_topk %x k(12) : tensor<1x96xf32>
  %v, %i = thresh.topk %x k(4) : tensor<1x96xf32> -> tensor<1x4xf32>, tensor<1x4xi64>
  return %0, %v : tensor<1x96xf32>, tensor<1x4xf32>
}
