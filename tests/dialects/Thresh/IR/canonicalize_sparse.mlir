// Folders and canonicalisers of the sparse ops: what they rewrite, and what they must leave alone.
// RUN: thresh-opt %s -canonicalize -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @everything_survives
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>)
// CHECK-NEXT: return %[[X]]
func.func @everything_survives(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = thresh.statistical_topk %x k(64) : tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @all_but_one_survive
// CHECK: thresh.statistical_topk
func.func @all_but_one_survive(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = thresh.statistical_topk %x k(63) : tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// A row may turn out to be longer than k.
// CHECK-LABEL: func.func @length_is_unknown
// CHECK: thresh.statistical_topk
func.func @length_is_unknown(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %0 = thresh.statistical_topk %x k(64) : tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----

// CHECK-LABEL: func.func @nothing_survives
// CHECK-NOT: thresh.statistical_topk
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<f32>
// CHECK: thresh.broadcast %[[ZERO]]
func.func @nothing_survives(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %0 = thresh.statistical_topk %x k(0) : tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----

// CHECK-LABEL: func.func @every_neuron
// CHECK-NOT: thresh.sparse_ffn
// CHECK-NOT: thresh.statistical_topk
// CHECK: %[[REST:.*]] = tensor.extract_slice %{{.*}}[0, 3]
// CHECK: %[[UP:.*]] = thresh.matmul %[[REST]], %{{.*}} {transpose_rhs}
// CHECK: math.tanh
// CHECK: %[[INNER:.*]] = arith.mulf %{{.*}}, %[[UP]]
// CHECK: %[[Y:.*]] = thresh.matmul %[[INNER]], %{{.*}} {transpose_rhs}
// CHECK: return %[[Y]]
func.func @every_neuron(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %d: tensor<8x12xf32>) -> tensor<?x8xf32> {
  %0 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %a up %b down %d topk(12)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x5xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @all_but_one_neuron
// CHECK: thresh.sparse_ffn
func.func @all_but_one_neuron(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %d: tensor<8x12xf32>) -> tensor<?x8xf32> {
  %0 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %a up %b down %d topk(11)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x5xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Four of six blocks are chosen, though four is fewer than the neurons.
// CHECK-LABEL: func.func @k_counts_blocks
// CHECK-NOT: thresh.sparse_ffn
// CHECK: return
func.func @k_counts_blocks(%x: tensor<?x8xf32>, %r: tensor<4x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>) -> tensor<?x8xf32> {
  %0 = thresh.sparse_ffn relu router %x by %r up %u down %d topk(4) granularity(3) mask
    : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @no_predictor
// CHECK-NOT: thresh.sparse_ffn
// CHECK: thresh.matmul
// CHECK: thresh.matmul
// CHECK-NOT: thresh.matmul
// CHECK: return
func.func @no_predictor(%x: tensor<?x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>) -> tensor<?x8xf32> {
  %0 = thresh.sparse_ffn relu none %x up %u down %d : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @unused_count
// CHECK: thresh.sparse_ffn {{.*}} -> tensor<?x8xf32>
// CHECK: thresh.topk_attention {{.*}} -> tensor<?x4x6xf32>
func.func @unused_count(%x: tensor<?x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> (tensor<?x8xf32>, tensor<?x4x6xf32>) {
  %0, %n = thresh.sparse_ffn relu gate %x up %u down %d topk(3)
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> (tensor<?x8xf32>, tensor<?xi64>)
  %1, %m = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> (tensor<?x4x6xf32>, tensor<?x4xi64>)
  return %0, %1 : tensor<?x8xf32>, tensor<?x4x6xf32>
}

// -----

// CHECK-LABEL: func.func @used_count
// CHECK: thresh.sparse_ffn {{.*}} -> (tensor<?x8xf32>, tensor<?xi64>)
// CHECK: thresh.topk_attention {{.*}} -> (tensor<?x4x6xf32>, tensor<?x4xi64>)
func.func @used_count(%x: tensor<?x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> (tensor<?xi64>, tensor<?x4xi64>) {
  %0, %n = thresh.sparse_ffn relu gate %x up %u down %d topk(3)
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> (tensor<?x8xf32>, tensor<?xi64>)
  %1, %m = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> (tensor<?x4x6xf32>, tensor<?x4xi64>)
  return %n, %m : tensor<?xi64>, tensor<?x4xi64>
}

// -----

// CHECK-LABEL: func.func @window_holds_k
// CHECK: thresh.topk_attention %{{.*}} at %{{[a-z0-9]*}} scale(1.000000e+00) window(5) :
func.func @window_holds_k(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<?x4x6xf32> {
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(5) unbiased scale(1.0) window(5)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return %0 : tensor<?x4x6xf32>
}

// -----

// CHECK-LABEL: func.func @few_keys
// CHECK: thresh.topk_attention %{{.*}} at %{{[a-z0-9]*}} scale(1.000000e+00) :
func.func @few_keys(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<5x2x4xf32>, %kr: tensor<5x2x4xf32>, %v: tensor<5x2x6xf32>, %p: index) -> tensor<?x4x6xf32> {
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(5) exact scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<5x2x4xf32>, tensor<5x2x4xf32>, tensor<5x2x6xf32>, index) -> tensor<?x4x6xf32>
  return %0 : tensor<?x4x6xf32>
}

// -----

// CHECK-LABEL: func.func @window_above_k
// CHECK: topk(5)
// CHECK: topk(5)
func.func @window_above_k(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> (tensor<?x4x6xf32>, tensor<?x4x6xf32>) {
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(5) scale(1.0) window(6)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  %1 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(5) scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return %0, %1 : tensor<?x4x6xf32>, tensor<?x4x6xf32>
}

// -----

// CHECK-LABEL: func.func @all_wanted
// CHECK: thresh.topk %{{.*}} k(8) : tensor<?x8xf32>
func.func @all_wanted(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0:2 = thresh.topk %x k(8) recall(0.9) : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi64>
  return %0#0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @some_wanted
// CHECK: thresh.topk %{{.*}} k(7) recall(9.000000e-01) :
func.func @some_wanted(%x: tensor<?x8xf32>) -> tensor<?x7xf32> {
  %0:2 = thresh.topk %x k(7) recall(0.9) : tensor<?x8xf32> -> tensor<?x7xf32>, tensor<?x7xi64>
  return %0#0 : tensor<?x7xf32>
}
