// A token reads a ring in place; what several tokens see is copied out before the ring is written.
// RUN: thresh-opt %s --thresh-bind-entry-points --thresh-bufferize-entry-points --canonicalize | FileCheck %s

thresh.state @ring window 3 : tensor<8x4xf32>

// CHECK-LABEL: func.func @several() {
// CHECK: %[[ROWS:.*]] = thresh.input 0 : memref<?x4xf32>
// CHECK: %[[OUT:.*]] = memref.alloc({{.*}}) {{.*}}: memref<?x4xf32>
// CHECK: thresh.recall_state @ring[%{{.*}}], %[[ROWS]] : memref<?x4xf32> outs(%[[OUT]] : memref<?x4xf32>)
// CHECK-NEXT: thresh.append_state @ring[%{{.*}}], %[[ROWS]] : memref<?x4xf32>
// CHECK: memref.copy %[[OUT]], %{{.*}}
func.func @several(%rows: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %position = thresh.position : index
  %most = arith.constant 2 : index
  %before = arith.minsi %position, %most : index
  %c0 = arith.constant 0 : index
  %count = tensor.dim %rows, %c0 : tensor<?x4xf32>
  %length = arith.addi %before, %count : index
  %empty = tensor.empty(%length) : tensor<?x4xf32>
  %seen = thresh.recall_state @ring[%position], %rows : tensor<?x4xf32> outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  thresh.append_state @ring[%position], %rows : tensor<?x4xf32>
  return %seen : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @one() {
// CHECK: thresh.append_state @ring
// CHECK: %[[READ:.*]] = thresh.read_state @ring[%{{.*}}] : memref<?x4xf32>
// CHECK-NOT: memref.alloc
// CHECK: memref.copy %[[READ]], %{{.*}}
func.func @one(%rows: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %position = thresh.position : index
  %capacity = arith.constant 8 : index
  %c1 = arith.constant 1 : index
  %length = arith.addi %position, %c1 : index
  %held = arith.minsi %length, %capacity : index
  thresh.append_state @ring[%position], %rows : tensor<1x4xf32>
  %seen = thresh.read_state @ring[%held] : tensor<?x4xf32>
  return %seen : tensor<?x4xf32>
}
