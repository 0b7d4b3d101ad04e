// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// CHECK: #[[$IN:.*]] = affine_map<(d0, d1, d2) -> (0, d2)>
// CHECK: #[[$OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @static
// CHECK-SAME: (%[[X:.*]]: tensor<1x4xf32>)
// CHECK: %[[E:.*]] = tensor.empty() : tensor<2x3x4xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$IN]], #[[$OUT]]], iterator_types = ["parallel", "parallel", "parallel"]}
// CHECK-SAME: ins(%[[X]] : tensor<1x4xf32>) outs(%[[E]] : tensor<2x3x4xf32>)
// CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: linalg.yield %[[V]]
func.func @static(%x: tensor<1x4xf32>) -> tensor<2x3x4xf32> {
  %0 = thresh.broadcast %x to [] : tensor<1x4xf32> to tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// The size is the input's own extent: no question is left for the run.
// CHECK: #[[$IN:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @own_extent
// CHECK-NOT: tensor.extract
// CHECK: linalg.generic {indexing_maps = [#[[$IN]], #{{.*}}]
func.func @own_extent(%x: tensor<?x4xf32>, %n: index) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = thresh.broadcast %x to [%n, %d] : tensor<?x4xf32> to tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// -----

// Two arguments name the extent alike.
// CHECK: #[[$IN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @named_extent
// CHECK-NOT: tensor.extract
// CHECK: linalg.generic {indexing_maps = [#[[$IN]], #{{.*}}]
func.func @named_extent(%x: tensor<?xf32> {thresh.dims = ["seq"]}, %y: tensor<?x?xf32> {thresh.dims = ["batch", "seq"]}) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %y, %c0 : tensor<?x?xf32>
  %s = tensor.dim %y, %c1 : tensor<?x?xf32>
  %0 = thresh.broadcast %x to [%b, %s] : tensor<?xf32> to tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @unknown_extent
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[N:.*]]: index)
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: %[[D:.*]] = tensor.dim %[[X]], %[[ZERO]]
// CHECK: %[[IS_ONE:.*]] = arith.cmpi eq, %[[D]], %[[ONE]]
// CHECK: linalg.generic
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[AT:.*]] = arith.select %[[IS_ONE]], %[[ZERO]], %[[I]]
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK: tensor.extract %[[X]][%[[AT]], %[[J]]]
func.func @unknown_extent(%x: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> {
  %0 = thresh.broadcast %x to [%n] : tensor<?x4xf32> to tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// The unit dimension that a reshape adds is read around: the broadcast uses the reshape's source.
// CHECK: #[[$IN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @unsqueezed
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
// CHECK-NOT: tensor.expand_shape
// CHECK: linalg.generic {indexing_maps = [#[[$IN]], #{{.*}}], {{.*}}} ins(%[[X]]
func.func @unsqueezed(%x: tensor<2x4xf32>) -> tensor<2x3x4xf32> {
  %0 = thresh.reshape %x to [] : tensor<2x4xf32> to tensor<2x1x4xf32>
  %1 = thresh.broadcast %0 to [] : tensor<2x1x4xf32> to tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @nothing_to_do
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @nothing_to_do(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = thresh.broadcast %x to [%d] : tensor<?x4xf32> to tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
