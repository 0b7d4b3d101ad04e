// Which linalg ops become one: the structure of --emit=linalg on small graphs.
// RUN: thresh-opt %s --thresh-linalg-pipeline | FileCheck %s

// CHECK-DAG: #[[$TRANSPOSED:.*]] = affine_map<(d0, d1) -> (d1, d0)>

// A chain of single uses is one op.
// CHECK-LABEL: func.func @chain(
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK-NEXT: arith.addf
// CHECK-NEXT: arith.negf
// CHECK-NEXT: linalg.yield
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @chain(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %e = math.exp %x : tensor<?x4xf32>
  %s = arith.addf %e, %y : tensor<?x4xf32>
  %r = arith.negf %s : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// A value with two users in different loops is computed once.
// CHECK-LABEL: func.func @two_users(
// CHECK: %[[SHARED:.*]] = linalg.generic
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK: linalg.generic {{.*}}ins(%[[SHARED]]
// CHECK: return %{{.*}}, %[[SHARED]]
func.func @two_users(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %e = math.exp %x : tensor<?x4xf32>
  %n = arith.negf %e : tensor<?x4xf32>
  return %n, %e : tensor<?x4xf32>, tensor<?x4xf32>
}

// Data movement goes into the read of its user.
// CHECK-LABEL: func.func @transpose_into_elementwise(
// CHECK-SAME: %[[X:.*]]: tensor<3x4xf32>, %[[Y:.*]]: tensor<4x3xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$TRANSPOSED]], {{.*}}ins(%[[X]], %[[Y]]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @transpose_into_elementwise(%x: tensor<3x4xf32>, %y: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %t = thresh.transpose %x [1, 0] : tensor<3x4xf32> -> tensor<4x3xf32>
  %s = arith.addf %t, %y : tensor<4x3xf32>
  return %s : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @transpose_into_contraction(
// CHECK-SAME: %[[X:.*]]: tensor<?x2x8xf32>, %[[Y:.*]]: tensor<2x?x8xf32>
// CHECK: linalg.generic {{.*}}"reduction"{{.*}} ins(%[[X]], %[[Y]] :
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @transpose_into_contraction(%x: tensor<?x2x8xf32>, %y: tensor<2x?x8xf32>) -> tensor<2x?x?xf32> {
  %t = thresh.transpose %x [1, 0, 2] : tensor<?x2x8xf32> -> tensor<2x?x8xf32>
  %p = thresh.matmul %t, %y {transpose_rhs} : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x?xf32>
  return %p : tensor<2x?x?xf32>
}

// Arithmetic would be repeated for every column of the contraction.
// CHECK-LABEL: func.func @arithmetic_before_contraction(
// CHECK: %[[E:.*]] = linalg.generic
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK: linalg.generic {{.*}}"reduction"{{.*}} ins(%[[E]],
func.func @arithmetic_before_contraction(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>) -> tensor<?x4xf32> {
  %e = math.exp %x : tensor<?x8xf32>
  %p = thresh.matmul %e, %w : tensor<?x8xf32>, tensor<8x4xf32> -> tensor<?x4xf32>
  return %p : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @arithmetic_before_reduction(
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK: math.exp
// CHECK-NEXT: arith.addf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @arithmetic_before_reduction(%x: tensor<?x8xf32>) -> tensor<?xf32> {
  %e = math.exp %x : tensor<?x8xf32>
  %s = thresh.reduce sum %e dimensions [1] : tensor<?x8xf32> -> tensor<?xf32>
  return %s : tensor<?xf32>
}

// Reshapes stay: between kernels they are free views.
// CHECK-LABEL: func.func @reshape_between(
// CHECK: %[[E:.*]] = linalg.generic
// CHECK: %[[VIEW:.*]] = tensor.expand_shape %[[E]]
// CHECK: linalg.generic {{.*}}"reduction"{{.*}} ins(%[[VIEW]]
func.func @reshape_between(%x: tensor<12xf32>) -> tensor<3xf32> {
  %e = math.exp %x : tensor<12xf32>
  %v = thresh.reshape %e to [] : tensor<12xf32> to tensor<3x4xf32>
  %s = thresh.reduce sum %v dimensions [1] : tensor<3x4xf32> -> tensor<3xf32>
  return %s : tensor<3xf32>
}

// A slice of a slice of unknown offset is one op, whose indices are plain arithmetic that kernels can spell.
// CHECK-LABEL: func.func @slice_of_slice(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[OFFSET:.*]]: index
// CHECK-NOT: affine.apply
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[SHIFTED:.*]] = arith.addi %[[I]], %c3
// CHECK: %[[AT:.*]] = arith.addi %[[OFFSET]], %[[SHIFTED]]
// CHECK: tensor.extract %[[X]][%[[AT]],
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @slice_of_slice(%x: tensor<?x4xf32>, %offset: index) -> tensor<2x4xf32> {
  %outer = tensor.extract_slice %x[%offset, 0] [9, 4] [1, 1] : tensor<?x4xf32> to tensor<9x4xf32>
  %inner = tensor.extract_slice %outer[3, 0] [2, 4] [1, 1] : tensor<9x4xf32> to tensor<2x4xf32>
  %y = math.exp %inner : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
