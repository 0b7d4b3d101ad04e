// Folders and canonicalisers: what they rewrite, and what they must leave alone.
// RUN: thresh-opt %s -canonicalize -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @broadcast_keeps_shape
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @broadcast_keeps_shape(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = thresh.broadcast %x to [%n] : tensor<?x4xf32> to tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// The types agree, but the input's extent may be 1.
// CHECK-LABEL: func.func @broadcast_to_another_size
// CHECK: thresh.broadcast
func.func @broadcast_to_another_size(%x: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> {
  %0 = thresh.broadcast %x to [%n] : tensor<?x4xf32> to tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @broadcast_of_broadcast
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[N:.*]]: index)
// CHECK-NEXT: %[[Y:.*]] = thresh.broadcast %[[X]] to [%[[N]]] : tensor<4xf32> to tensor<?x3x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @broadcast_of_broadcast(%x: tensor<4xf32>, %n: index) -> tensor<?x3x4xf32> {
  %0 = thresh.broadcast %x to [] : tensor<4xf32> to tensor<1x4xf32>
  %1 = thresh.broadcast %0 to [%n] : tensor<1x4xf32> to tensor<?x3x4xf32>
  return %1 : tensor<?x3x4xf32>
}

// -----

// 3 does not broadcast to 4: the error is left for the run.
// CHECK-LABEL: func.func @broadcast_of_contradicting_broadcast
// CHECK-COUNT-2: thresh.broadcast
func.func @broadcast_of_contradicting_broadcast(%x: tensor<3xf32>, %n: index) -> tensor<4xf32> {
  %0 = thresh.broadcast %x to [%n] : tensor<3xf32> to tensor<?xf32>
  %1 = thresh.broadcast %0 to [] : tensor<?xf32> to tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @broadcast_constant_size
// CHECK: thresh.broadcast %{{.*}} to [%{{.*}}] : tensor<4xf32> to tensor<?x3x4xf32>
// CHECK: tensor.cast %{{.*}} : tensor<?x3x4xf32> to tensor<?x?x4xf32>
func.func @broadcast_constant_size(%x: tensor<4xf32>, %n: index) -> tensor<?x?x4xf32> {
  %c3 = arith.constant 3 : index
  %0 = thresh.broadcast %x to [%n, %c3] : tensor<4xf32> to tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @broadcast_impossible_size
// CHECK: thresh.broadcast %{{.*}} to [%{{.*}}] : tensor<4xf32> to tensor<?xf32>
func.func @broadcast_impossible_size(%x: tensor<4xf32>) -> tensor<?xf32> {
  %c5 = arith.constant 5 : index
  %0 = thresh.broadcast %x to [%c5] : tensor<4xf32> to tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_keeps_shape
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %{{.*}}: index)
// CHECK-NEXT: return %[[X]]
func.func @reshape_keeps_shape(%x: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> {
  %0 = thresh.reshape %x to [%n] : tensor<?x4xf32> to tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// With two unknown extents equal types say nothing.
// CHECK-LABEL: func.func @reshape_two_unknowns
// CHECK: thresh.reshape
func.func @reshape_two_unknowns(%x: tensor<?x?xf32>, %m: index, %n: index) -> tensor<?x?xf32> {
  %0 = thresh.reshape %x to [%m, %n] : tensor<?x?xf32> to tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_of_reshape
// CHECK-SAME: (%[[X:.*]]: tensor<2x6xf32>)
// CHECK-NEXT: thresh.reshape %[[X]] to [] : tensor<2x6xf32> to tensor<4x3xf32>
func.func @reshape_of_reshape(%x: tensor<2x6xf32>) -> tensor<4x3xf32> {
  %0 = thresh.reshape %x to [] : tensor<2x6xf32> to tensor<12xf32>
  %1 = thresh.reshape %0 to [] : tensor<12xf32> to tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_of_contradicting_reshape
// CHECK-COUNT-2: thresh.reshape
func.func @reshape_of_contradicting_reshape(%x: tensor<7xf32>, %n: index, %m: index) -> tensor<2x3xf32> {
  %0 = thresh.reshape %x to [%n, %m] : tensor<7xf32> to tensor<?x?xf32>
  %1 = thresh.reshape %0 to [] : tensor<?x?xf32> to tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_constant_size
// CHECK: thresh.reshape %{{.*}} to [%{{.*}}] : tensor<?xf32> to tensor<?x8xf32>
// CHECK: tensor.cast %{{.*}} : tensor<?x8xf32> to tensor<?x?xf32>
func.func @reshape_constant_size(%x: tensor<?xf32>, %n: index) -> tensor<?x?xf32> {
  %c8 = arith.constant 8 : index
  %0 = thresh.reshape %x to [%n, %c8] : tensor<?xf32> to tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @transpose_identity
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @transpose_identity(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = thresh.transpose %x [0, 1] : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @transpose_of_transpose
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
// CHECK-NEXT: thresh.transpose %[[X]] [0, 2, 1] : tensor<2x3x4xf32> -> tensor<2x4x3xf32>
func.func @transpose_of_transpose(%x: tensor<2x3x4xf32>) -> tensor<2x4x3xf32> {
  %0 = thresh.transpose %x [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  %1 = thresh.transpose %0 [1, 0, 2] : tensor<4x2x3xf32> -> tensor<2x4x3xf32>
  return %1 : tensor<2x4x3xf32>
}

// -----

// CHECK-LABEL: func.func @transpose_of_unit_dims
// CHECK: thresh.reshape %{{.*}} to [%{{.*}}] : tensor<1x?x4xf32> to tensor<?x1x4xf32>
func.func @transpose_of_unit_dims(%x: tensor<1x?x4xf32>) -> tensor<?x1x4xf32> {
  %0 = thresh.transpose %x [1, 0, 2] : tensor<1x?x4xf32> -> tensor<?x1x4xf32>
  return %0 : tensor<?x1x4xf32>
}

// -----

// CHECK-LABEL: func.func @transpose_of_maybe_unit_dims
// CHECK: thresh.transpose
func.func @transpose_of_maybe_unit_dims(%x: tensor<?x3x4xf32>) -> tensor<3x?x4xf32> {
  %0 = thresh.transpose %x [1, 0, 2] : tensor<?x3x4xf32> -> tensor<3x?x4xf32>
  return %0 : tensor<3x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @matmul_of_transposed_rhs
// CHECK-SAME: (%[[A:.*]]: tensor<2x3x4xf32>, %[[B:.*]]: tensor<2x5x4xf32>)
// CHECK-NEXT: thresh.matmul %[[A]], %[[B]] {transpose_rhs} : tensor<2x3x4xf32>, tensor<2x5x4xf32> -> tensor<2x3x5xf32>
func.func @matmul_of_transposed_rhs(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %0 = thresh.transpose %b [0, 2, 1] : tensor<2x5x4xf32> -> tensor<2x4x5xf32>
  %1 = thresh.matmul %a, %0 : tensor<2x3x4xf32>, tensor<2x4x5xf32> -> tensor<2x3x5xf32>
  return %1 : tensor<2x3x5xf32>
}

// -----

// CHECK-LABEL: func.func @matmul_of_twice_transposed_rhs
// CHECK-NOT: thresh.transpose
// CHECK: thresh.matmul %{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
func.func @matmul_of_twice_transposed_rhs(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = thresh.transpose %b [1, 0] : tensor<4x5xf32> -> tensor<5x4xf32>
  %1 = thresh.matmul %a, %0 {transpose_rhs} : tensor<3x4xf32>, tensor<5x4xf32> -> tensor<3x5xf32>
  return %1 : tensor<3x5xf32>
}

// -----

// The transpose also moves a batch dimension.
// CHECK-LABEL: func.func @matmul_of_moved_batch
// CHECK: thresh.transpose
// CHECK: thresh.matmul
func.func @matmul_of_moved_batch(%a: tensor<2x3x4xf32>, %b: tensor<4x2x5xf32>) -> tensor<2x3x5xf32> {
  %0 = thresh.transpose %b [1, 0, 2] : tensor<4x2x5xf32> -> tensor<2x4x5xf32>
  %1 = thresh.matmul %a, %0 : tensor<2x3x4xf32>, tensor<2x4x5xf32> -> tensor<2x3x5xf32>
  return %1 : tensor<2x3x5xf32>
}

// -----

// CHECK-LABEL: func.func @reduce_nothing
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[X]]
func.func @reduce_nothing(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = thresh.reduce sum %x dimensions [] : tensor<?xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @reduce_something
// CHECK: thresh.reduce
func.func @reduce_something(%x: tensor<1xf32>) -> tensor<1xf32> {
  %0 = thresh.reduce sum %x dimensions [0] keep : tensor<1xf32> -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

// CHECK-LABEL: func.func @checks
// CHECK-SAME: (%[[OK:.*]]: i1)
func.func @checks(%ok: i1) {
  %true = arith.constant true
  %false = arith.constant false
  // CHECK-NOT: "holds"
  thresh.check %true, "holds"
  // CHECK: thresh.check %[[OK]], "may fail"
  thresh.check %ok, "may fail"
  // CHECK: thresh.check %{{.*}}, "fails"
  thresh.check %false, "fails"
  return
}

// -----

// On tensors a launch is pure; on memrefs it writes.
thresh.kernel @id elementwise {
^bb0(%x: tensor<2xf32>, %y: tensor<2xf32>):
  thresh.yield %x : tensor<2xf32>
}
// CHECK-LABEL: func.func @unread_launches
func.func @unread_launches(%t: tensor<2xf32>, %m: memref<2xf32>, %n: memref<2xf32>) {
  // CHECK-NOT: -> tensor<2xf32>
  %0 = thresh.launch @id ins(%t : tensor<2xf32>) outs(%t : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: thresh.launch @id ins(%{{.*}} : memref<2xf32>) outs(%{{.*}} : memref<2xf32>)
  thresh.launch @id ins(%m : memref<2xf32>) outs(%n : memref<2xf32>)
  return
}
