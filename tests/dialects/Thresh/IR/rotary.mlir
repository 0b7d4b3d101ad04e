// RUN: thresh-opt %s | FileCheck %s
// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(resolve-ranked-shaped-type-result-dims))' | FileCheck %s --check-prefix=SHAPE

// CHECK-LABEL: func.func @whole
// CHECK: thresh.rotary_embedding %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4x16xf32>
// SHAPE-LABEL: func.func @whole
// SHAPE-SAME: (%[[X:.*]]: tensor<?x4x16xf32>
// SHAPE: %[[C0:.*]] = arith.constant 0 : index
// SHAPE: %[[D:.*]] = tensor.dim %[[X]], %[[C0]]
// SHAPE: return %[[D]]
func.func @whole(%x: tensor<?x4x16xf32>, %cos: tensor<?x8xf32>, %sin: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %y = thresh.rotary_embedding %x, %cos, %sin : (tensor<?x4x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4x16xf32>
  %n = tensor.dim %y, %c0 : tensor<?x4x16xf32>
  return %n : index
}

// CHECK-LABEL: func.func @part_interleaved
// CHECK: thresh.rotary_embedding %{{.*}}, %{{.*}}, %{{.*}} interleaved : (tensor<3x4x16xf16>, tensor<3x2xf16>, tensor<3x2xf16>) -> tensor<3x4x16xf16>
func.func @part_interleaved(%x: tensor<3x4x16xf16>, %cos: tensor<3x2xf16>, %sin: tensor<3x2xf16>) -> tensor<3x4x16xf16> {
  %y = thresh.rotary_embedding %x, %cos, %sin interleaved : (tensor<3x4x16xf16>, tensor<3x2xf16>, tensor<3x2xf16>) -> tensor<3x4x16xf16>
  return %y : tensor<3x4x16xf16>
}
