// The sizes of every graph op's result, in terms of its operands, as upstream's shape passes ask for them.
// RUN: thresh-opt %s -split-input-file -resolve-ranked-shaped-type-result-dims -canonicalize -cse | FileCheck %s

// CHECK-LABEL: func.func @broadcast
// CHECK-SAME: (%{{.*}}: tensor<1x4xf32>, %[[N:.*]]: index)
// CHECK-NEXT: return %[[N]] : index
func.func @broadcast(%x: tensor<1x4xf32>, %n: index) -> index {
  %c0 = arith.constant 0 : index
  %0 = thresh.broadcast %x to [%n] : tensor<1x4xf32> to tensor<?x4xf32>
  %d = tensor.dim %0, %c0 : tensor<?x4xf32>
  return %d : index
}

// -----

// CHECK-LABEL: func.func @reshape
// CHECK-SAME: (%{{.*}}: tensor<?xf32>, %[[M:.*]]: index, %[[N:.*]]: index)
// CHECK-NEXT: return %[[N]] : index
func.func @reshape(%x: tensor<?xf32>, %m: index, %n: index) -> index {
  %c2 = arith.constant 2 : index
  %0 = thresh.reshape %x to [%m, %n] : tensor<?xf32> to tensor<?x4x?xf32>
  %d = tensor.dim %0, %c2 : tensor<?x4x?xf32>
  return %d : index
}

// -----

// CHECK-LABEL: func.func @transpose
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x?xf32>)
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK-NEXT: %[[D:.*]] = tensor.dim %[[X]], %[[C2]]
// CHECK-NEXT: return %[[D]]
func.func @transpose(%x: tensor<?x4x?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %0 = thresh.transpose %x [2, 1, 0] : tensor<?x4x?xf32> -> tensor<?x4x?xf32>
  %d = tensor.dim %0, %c0 : tensor<?x4x?xf32>
  return %d : index
}

// -----

// CHECK-LABEL: func.func @matmul
// CHECK-SAME: (%[[A:.*]]: tensor<?x?x4xf32>, %[[B:.*]]: tensor<?x4xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[M:.*]] = tensor.dim %[[A]], %[[C1]]
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[B]], %[[C0]]
// CHECK: return %[[M]], %[[N]]
func.func @matmul(%a: tensor<?x?x4xf32>, %b: tensor<?x4xf32>) -> (index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %0 = thresh.matmul %a, %b {transpose_rhs} : tensor<?x?x4xf32>, tensor<?x4xf32> -> tensor<?x?x?xf32>
  %m = tensor.dim %0, %c1 : tensor<?x?x?xf32>
  %n = tensor.dim %0, %c2 : tensor<?x?x?xf32>
  return %m, %n : index, index
}

// -----

// CHECK-LABEL: func.func @same_shape
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[D:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-NEXT: return %[[D]], %[[D]], %[[D]]
func.func @same_shape(%x: tensor<?x4xf32>, %s: tensor<4xf32>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %0 = thresh.softmax %x dimension(1) : tensor<?x4xf32> -> tensor<?x4xf32>
  %1 = thresh.layer_norm %x scale %s axis(1) epsilon(0.0) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %2 = thresh.rms_norm %x scale %s axis(1) epsilon(0.0) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %d0 = tensor.dim %0, %c0 : tensor<?x4xf32>
  %d1 = tensor.dim %1, %c0 : tensor<?x4xf32>
  %d2 = tensor.dim %2, %c0 : tensor<?x4xf32>
  return %d0, %d1, %d2 : index, index, index
}

// -----

// CHECK-LABEL: func.func @reductions
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x?xf32>)
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK-NEXT: %[[D:.*]] = tensor.dim %[[X]], %[[C2]]
// CHECK-NEXT: return %[[D]], %[[D]], %[[D]]
func.func @reductions(%x: tensor<?x4x?xf32>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %0 = thresh.reduce sum %x dimensions [0, 1] : tensor<?x4x?xf32> -> tensor<?xf32>
  %1 = thresh.reduce max %x dimensions [0] keep : tensor<?x4x?xf32> -> tensor<1x4x?xf32>
  %2 = thresh.arg_reduce max %x dimension(0) : tensor<?x4x?xf32> -> tensor<4x?xi64>
  %d0 = tensor.dim %0, %c0 : tensor<?xf32>
  %d1 = tensor.dim %1, %c2 : tensor<1x4x?xf32>
  %d2 = tensor.dim %2, %c1 : tensor<4x?xi64>
  return %d0, %d1, %d2 : index, index, index
}

// -----

// CHECK-LABEL: func.func @gather
// CHECK-SAME: (%[[X:.*]]: tensor<?x8x?xf32>, %[[I:.*]]: tensor<?xi64>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[A:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[I]], %[[C0]]
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[X]], %[[C2]]
// CHECK: return %[[A]], %[[N]], %[[B]]
func.func @gather(%x: tensor<?x8x?xf32>, %i: tensor<?xi64>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %0 = thresh.gather %x[%i] dimension(1) : tensor<?x8x?xf32>, tensor<?xi64> -> tensor<?x?x?xf32>
  %a = tensor.dim %0, %c0 : tensor<?x?x?xf32>
  %n = tensor.dim %0, %c1 : tensor<?x?x?xf32>
  %b = tensor.dim %0, %c2 : tensor<?x?x?xf32>
  return %a, %n, %b : index, index, index
}

// -----

// A declared result may know more than its operands.
// CHECK-LABEL: func.func @declared_static
// CHECK: %[[C7:.*]] = arith.constant 7 : index
// CHECK-NEXT: return %[[C7]]
func.func @declared_static(%x: tensor<?x4xf32>) -> index {
  %c0 = arith.constant 0 : index
  %0 = thresh.softmax %x dimension(1) : tensor<?x4xf32> -> tensor<7x4xf32>
  %d = tensor.dim %0, %c0 : tensor<7x4xf32>
  return %d : index
}
