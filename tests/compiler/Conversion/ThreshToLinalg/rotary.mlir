// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// Each element and its partner are read at affine indices, so that the loop over pairs is dense.
// CHECK-DAG: #[[$OWN:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$PARTNER:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, -d2 + 1, d3)>
// CHECK-DAG: #[[$ANGLE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
// CHECK-LABEL: func.func @whole
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x16xf32>, %[[COS:.*]]: tensor<?x8xf32>, %[[SIN:.*]]: tensor<?x8xf32>)
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] {{.*}} into tensor<?x4x2x8xf32>
// CHECK: %[[TURNED:.*]] = linalg.generic {indexing_maps = [#[[$OWN]], #[[$PARTNER]], #[[$ANGLE]], #[[$ANGLE]], #[[$OWN]]]
// CHECK-SAME: ins(%[[SPLIT]], %[[SPLIT]], %[[COS]], %[[SIN]] :
// CHECK: linalg.index 2
// CHECK: tensor.collapse_shape %[[TURNED]]
// CHECK-NOT: linalg.generic
func.func @whole(%x: tensor<?x4x16xf32>, %cos: tensor<?x8xf32>, %sin: tensor<?x8xf32>) -> tensor<?x4x16xf32> {
  %y = thresh.rotary_embedding %x, %cos, %sin : (tensor<?x4x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4x16xf32>
  return %y : tensor<?x4x16xf32>
}

// -----

// CHECK-DAG: #[[$PARTNER:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, -d3 + 1)>
// CHECK-DAG: #[[$ANGLE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2)>
// CHECK-LABEL: func.func @interleaved
// CHECK: tensor.expand_shape {{.*}} into tensor<?x4x8x2xf32>
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$PARTNER]], #[[$ANGLE]], #[[$ANGLE]], #{{.*}}]
// CHECK: linalg.index 3
func.func @interleaved(%x: tensor<?x4x16xf32>, %cos: tensor<?x8xf32>, %sin: tensor<?x8xf32>) -> tensor<?x4x16xf32> {
  %y = thresh.rotary_embedding %x, %cos, %sin interleaved : (tensor<?x4x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4x16xf32>
  return %y : tensor<?x4x16xf32>
}

// -----

// CHECK-LABEL: func.func @part
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x16xf32>
// CHECK: %[[TURNING:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [%{{.*}}, 4, 6] [1, 1, 1]
// CHECK: tensor.expand_shape %[[TURNING]]
// CHECK: %[[TURNED:.*]] = tensor.collapse_shape
// CHECK: %[[REST:.*]] = tensor.extract_slice %[[X]][0, 0, 6] [%{{.*}}, 4, 10] [1, 1, 1]
// CHECK: tensor.concat dim(2) %[[TURNED]], %[[REST]]
func.func @part(%x: tensor<?x4x16xf32>, %cos: tensor<?x3xf32>, %sin: tensor<?x3xf32>) -> tensor<?x4x16xf32> {
  %y = thresh.rotary_embedding %x, %cos, %sin : (tensor<?x4x16xf32>, tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x4x16xf32>
  return %y : tensor<?x4x16xf32>
}
