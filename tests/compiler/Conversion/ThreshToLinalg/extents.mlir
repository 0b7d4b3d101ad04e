// Extents of intermediate tensors are read from the arguments that they stem from.
// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func.func @through_ops
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x8xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-DAG: %[[S:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK-NOT: tensor.dim
// CHECK: return %{{.*}}, %[[S]], %[[B]]
func.func @through_ops(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) -> (tensor<?x?x8xf32>, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = thresh.matmul %x, %w : tensor<?x?x8xf32>, tensor<8x8xf32> -> tensor<?x?x8xf32>
  %1 = arith.addf %0, %x : tensor<?x?x8xf32>
  %2 = thresh.transpose %1 [1, 0, 2] : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  %3 = thresh.softmax %2 dimension(2) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  %s = tensor.dim %3, %c0 : tensor<?x?x8xf32>
  %b = tensor.dim %3, %c1 : tensor<?x?x8xf32>
  return %3, %s, %b : tensor<?x?x8xf32>, index, index
}

// -----

// CHECK-LABEL: func.func @one_name
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32> {thresh.dims = ["n"]}, %{{.*}}: tensor<?xf32>
// CHECK: %[[D:.*]] = tensor.dim %[[X]]
// CHECK: return %[[D]], %[[D]]
func.func @one_name(%x: tensor<?xf32> {thresh.dims = ["n"]}, %y: tensor<?xf32> {thresh.dims = ["n"]}) -> (index, index) {
  %c0 = arith.constant 0 : index
  %0 = tensor.dim %x, %c0 : tensor<?xf32>
  %1 = tensor.dim %y, %c0 : tensor<?xf32>
  return %0, %1 : index, index
}

// -----

// CHECK-LABEL: func.func @two_names
// CHECK: %[[M:.*]] = tensor.dim %arg0
// CHECK: %[[N:.*]] = tensor.dim %arg1
// CHECK: return %[[M]], %[[N]]
func.func @two_names(%x: tensor<?xf32> {thresh.dims = ["m"]}, %y: tensor<?xf32> {thresh.dims = ["n"]}) -> (index, index) {
  %c0 = arith.constant 0 : index
  %0 = tensor.dim %x, %c0 : tensor<?xf32>
  %1 = tensor.dim %y, %c0 : tensor<?xf32>
  return %0, %1 : index, index
}

// -----

// A concatenation's own dimension is a sum: there is nothing to read it from.
// CHECK-LABEL: func.func @concat
// CHECK: %[[C:.*]] = tensor.concat dim(0)
// CHECK: %[[N:.*]] = tensor.dim %[[C]]
// CHECK: return %[[C]], %[[N]]
func.func @concat(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> (tensor<?x?xf32>, index) {
  %c0 = arith.constant 0 : index
  %0 = tensor.concat dim(0) %x, %y : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = tensor.dim %0, %c0 : tensor<?x?xf32>
  return %0, %1 : tensor<?x?xf32>, index
}
