// Attention of one query with a statistical top-k becomes a kernel that reads the keys that it chooses.
// RUN: thresh-opt %s -thresh-choose-sparse-kernels -verify-diagnostics | FileCheck %s
// RUN: thresh-opt %s -thresh-choose-sparse-kernels -thresh-linalg-pipeline -thresh-form-kernels -canonicalize -verify-diagnostics | FileCheck %s --check-prefix=KERNEL

// The quantile is that of the keys seen, min(position + 1, window); the counts become the survivors; results keep their types.
// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[Q:.*]]: tensor<1x4x4xf32>, %[[QR:.*]]: tensor<1x4x4xf32>, %[[K:.*]]: tensor<?x2x4xf32>, %[[KR:.*]]: tensor<?x2x4xf32>, %[[V:.*]]: tensor<?x2x6xf32>, %[[P:.*]]: index)
// CHECK-DAG: %[[WIDE:.*]] = arith.index_cast %[[P]] : index to i64
// CHECK-DAG: %[[AT:.*]] = tensor.from_elements %[[WIDE]] : tensor<i64>
// CHECK-DAG: %[[END:.*]] = arith.addi %[[P]], %{{.*}} : index
// CHECK: %[[SEEN:.*]] = arith.minsi %[[END]], %{{.*}} : index
// CHECK: math.log
// CHECK: %[[STATISTICS:.*]] = tensor.from_elements %{{.*}}, %{{.*}} : tensor<2xf32>
// CHECK: %[[Y:.*]], %[[N:.*]] = thresh.attend_chosen %[[Q]] rest %[[QR]] key %[[K]] rest %[[KR]] value %[[V]] at %[[AT]] by %[[STATISTICS]] topk(3) scale(5.000000e-01) softplus(2.500000e-01) cap(5.000000e+00) window(7) : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
// CHECK: %[[RESULT:.*]] = tensor.cast %[[Y]] : tensor<1x4x6xf32> to tensor<?x4x6xf32>
// CHECK: %[[COUNT:.*]] = arith.extsi %[[N]] : tensor<1x4xi32> to tensor<1x4xi64>
// CHECK: return %[[RESULT]], %[[COUNT]]
// KERNEL-LABEL: func.func @decode
// KERNEL: thresh.launch @thresh_topk_attention_{{[0-9]+}} ins(%{{.*}} : tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) outs(%{{.*}}, %{{.*}} : tensor<1x4x6xf32>, tensor<1x4xi32>)
func.func @decode(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> (tensor<?x4x6xf32>, tensor<1x4xi64>) {
  %y, %n = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(0.5) softplus(0.25) cap(5.0) window(7)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> (tensor<?x4x6xf32>, tensor<1x4xi64>)
  return %y, %n : tensor<?x4x6xf32>, tensor<1x4xi64>
}

// Without a window all keys before are seen; an unbiased variance is multiplied by m / (m - 1).
// CHECK-LABEL: func.func @plain
// CHECK-NOT: arith.minsi
// CHECK: %[[M:.*]] = arith.sitofp
// CHECK: %[[FACTOR:.*]] = arith.divf %[[M]], %{{.*}}
// CHECK: tensor.from_elements %{{.*}}, %[[FACTOR]] : tensor<2xf32>
// CHECK: thresh.attend_chosen {{.*}} topk(3) scale(5.000000e-01) : (tensor<1x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x6xf32>,
func.func @plain(%q: tensor<1x4x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<1x4x6xf32> {
  %y = thresh.topk_attention %q key %k value %v at %p topk(3) unbiased scale(0.5)
    : (tensor<1x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x6xf32>, index) -> tensor<1x4x6xf32>
  return %y : tensor<1x4x6xf32>
}
