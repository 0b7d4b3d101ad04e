// Sparse ops become dense ones; what they compute is checked in tests/compiler/Pipeline/test_sparse_values.py.
// RUN: thresh-opt %s -thresh-expand-sparse=silent=true -canonicalize | FileCheck %s
// RUN: thresh-opt %s -thresh-expand-sparse -verify-diagnostics -o /dev/null

// CHECK-NOT: thresh.statistical_topk
// CHECK-NOT: thresh.sparse_ffn
// CHECK-NOT: thresh.topk

// Q(1 - 8/64) is a constant, and there is no branch for short rows.
// CHECK-LABEL: func.func @static_quantile
// CHECK: arith.constant dense<1.15034938> : tensor<f32>
// CHECK-NOT: math.log
// CHECK-NOT: arith.select
// CHECK: arith.maximumf
// CHECK-NEXT: return
func.func @static_quantile(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = thresh.statistical_topk %x k(8) : tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// The quantile follows the length, and rows of at most 8 stay.
// CHECK-LABEL: func.func @dynamic_quantile
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf32>)
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: math.log
// CHECK: %[[SHORT:.*]] = arith.cmpi ule, %[[N]], %c8
// CHECK: %[[FLAG:.*]] = tensor.from_elements %[[SHORT]]
// CHECK: %[[FLAGS:.*]] = thresh.broadcast %[[FLAG]]
// CHECK: %[[Y:.*]] = arith.select %[[FLAGS]], %[[X]]
// CHECK: return %[[Y]]
func.func @dynamic_quantile(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %0 = thresh.statistical_topk %x k(8) : tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// Three products and a threshold: what quantisation then finds.
// CHECK-LABEL: func.func @block
// CHECK-COUNT-3: thresh.matmul
// CHECK-NOT: thresh.matmul
// CHECK: return
func.func @block(%x: tensor<?x8xf32>, %a: tensor<96x3xf32>, %b: tensor<96x5xf32>, %d: tensor<8x96xf32>) -> tensor<?x8xf32> {
  // expected-remark @+1 {{'thresh.sparse_ffn' is computed densely: it reads 6144 bytes a token where a sparse one would read about 1776 (4096 tokens of context)}}
  %0 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %a up %b down %d topk(12)
    : (tensor<?x8xf32>, tensor<96x3xf32>, tensor<96x5xf32>, tensor<8x96xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @attention
// CHECK: math.log
// CHECK: thresh.softmax
// CHECK: math.log1p
// CHECK: return
func.func @attention(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x8xf32>, %p: index) -> tensor<?x4x8xf32> {
  // expected-remark @+1 {{reads 524288 bytes a token where a sparse one would read about 141248}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(53) scale(0.5) softplus(0.5)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x8xf32>, index) -> tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}

// Without a selection no statistics are made, and there is nothing to save.
// CHECK-LABEL: func.func @all_keys
// CHECK-NOT: math.sqrt
// CHECK: thresh.softmax
// CHECK: return
func.func @all_keys(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x8xf32>, %p: index) -> tensor<?x4x8xf32> {
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(0.5) softplus(0.5)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x8xf32>, index) -> tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}

// CHECK-LABEL: func.func @approximate
// CHECK: linalg.generic
// CHECK: return
func.func @approximate(%x: tensor<?x8192xf32>) -> (tensor<?x410xf32>, tensor<?x410xi64>) {
  // expected-remark @+1 {{32 buckets that keep 15 each hand on 480 of 8192 elements: expected recall 0.9558}}
  %0:2 = thresh.topk %x k(410) recall(0.95) : tensor<?x8192xf32> -> tensor<?x410xf32>, tensor<?x410xi64>
  return %0#0, %0#1 : tensor<?x410xf32>, tensor<?x410xi64>
}
