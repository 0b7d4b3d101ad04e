// Round trip of the sparse ops, with every attribute and with none.
// RUN: thresh-opt %s | thresh-opt | FileCheck %s

// CHECK-LABEL: func.func @statistical_topk
func.func @statistical_topk(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // CHECK: thresh.statistical_topk %{{.*}} k(5) : tensor<?x?xf32>
  %0 = thresh.statistical_topk %x k(5) : tensor<?x?xf32>
  // CHECK: thresh.statistical_topk %{{.*}} k(5) mask unbiased : tensor<?x?xf32>
  %1 = thresh.statistical_topk %0 k(5) mask unbiased : tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @sparse_ffn
func.func @sparse_ffn(%x: tensor<?x8xf32>, %r: tensor<6x8xf32>, %a: tensor<3x8xf32>, %b: tensor<6x3xf32>, %k1: tensor<12x3xf32>,
                      %k2: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf16>, %d: tensor<8x12xbf16>) {
  // CHECK: thresh.sparse_ffn gelu_tanh first_dims(3) %{{.*}} gate %{{.*}} up %{{.*}} down %{{.*}} topk(4) :
  %0 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %k1 up %k2 down %d topk(4)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x5xf32>, tensor<8x12xbf16>) -> tensor<?x8xf32>
  // CHECK: thresh.sparse_ffn silu router %{{.*}} by %{{.*}} up %{{.*}} down %{{.*}} topk(2) granularity(2) mask :
  // CHECK-SAME: -> (tensor<?x8xf32>, tensor<?xi64>)
  %1, %n = thresh.sparse_ffn silu router %x by %r up %u down %d topk(2) granularity(2) mask
    : (tensor<?x8xf32>, tensor<6x8xf32>, tensor<12x8xf16>, tensor<8x12xbf16>) -> (tensor<?x8xf32>, tensor<?xi64>)
  // CHECK: thresh.sparse_ffn relu low_rank %{{.*}} by %{{.*}}, %{{.*}} gate %{{.*}} up %{{.*}} down %{{.*}} topk(2) granularity(2) mask unbiased approximate :
  %2 = thresh.sparse_ffn relu low_rank %x by %a, %b gate %g up %u down %d topk(2) granularity(2) mask unbiased approximate
    : (tensor<?x8xf32>, tensor<3x8xf32>, tensor<6x3xf32>, tensor<12x8xf32>, tensor<12x8xf16>, tensor<8x12xbf16>) -> tensor<?x8xf32>
  // CHECK: thresh.sparse_ffn relu2 none %{{.*}} up %{{.*}} down %{{.*}} :
  %3 = thresh.sparse_ffn relu2 none %x up %u down %d : (tensor<?x8xf32>, tensor<12x8xf16>, tensor<8x12xbf16>) -> tensor<?x8xf32>
  return
}

// CHECK-LABEL: func.func @topk_attention
func.func @topk_attention(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // CHECK: thresh.topk_attention %{{.*}} rest %{{.*}} key %{{.*}} rest %{{.*}} value %{{.*}} at %{{.*}} topk(3) unbiased scale(5.000000e-01) softplus(2.500000e-01) cap(5.000000e+01) window(9) approximate :
  %0, %n = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) unbiased scale(0.5) softplus(0.25) cap(50.0) window(9) approximate
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> (tensor<?x4x6xf32>, tensor<?x4xi64>)
  // CHECK: thresh.topk_attention %{{[a-z0-9]*}} key %{{[a-z0-9]*}} value %{{.*}} at %{{.*}} topk(3) exact scale(1.000000e+00) :
  %1 = thresh.topk_attention %q key %k value %v at %p topk(3) exact scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// CHECK-LABEL: func.func @topk
func.func @topk(%x: tensor<?x100xf32>) {
  // CHECK: thresh.topk %{{.*}} k(8) : tensor<?x100xf32> -> tensor<?x8xf32>, tensor<?x8xi64>
  %0:2 = thresh.topk %x k(8) : tensor<?x100xf32> -> tensor<?x8xf32>, tensor<?x8xi64>
  // CHECK: thresh.topk %{{.*}} k(8) recall(7.500000e-01) buckets(20) kept(2) :
  %1:2 = thresh.topk %x k(8) recall(0.75) buckets(20) kept(2) : tensor<?x100xf32> -> tensor<?x8xf32>, tensor<?x8xi64>
  return
}
