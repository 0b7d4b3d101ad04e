// Probabilities that are multiplied by another contraction: the scores of the softmax belong to the attention kernel, the
// factors are computed before.
// RUN: thresh-opt %s -thresh-expand-sparse=silent=true -thresh-linalg-pipeline -thresh-form-kernels -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @softplus
// CHECK: %[[FACTORS:.*]] = thresh.launch @[[MATMUL:thresh_matmul_[0-9]+]]
// CHECK: thresh.launch @[[ATTENTION:thresh_attention_[0-9]+]] ins({{.*}}%[[FACTORS]]
// CHECK-NOT: thresh.launch
// CHECK: thresh.kernel @[[MATMUL]] matmul
// CHECK-NOT: math.exp
// CHECK: thresh.kernel @[[ATTENTION]] attention
// CHECK: arith.mulf
// CHECK: math.exp
func.func @softplus(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<?x4x6xf32> {
  %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(0.5) softplus(0.25)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return %y : tensor<?x4x6xf32>
}
