// Copies between strided memrefs become linalg; dense ones stay, for memcpy.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(thresh-lower-copies))' | FileCheck %s

// CHECK-LABEL: func.func @dense(
// CHECK: memref.copy
func.func @dense(%x: memref<?x4xf32>, %y: memref<?x4xf32>) {
  memref.copy %x, %y : memref<?x4xf32> to memref<?x4xf32>
  return
}

// CHECK-LABEL: func.func @strided(
// CHECK-SAME: %[[X:.*]]: memref<4xf32, strided<[4]>>, %[[Y:.*]]: memref<4xf32>
// CHECK-NOT: memref.copy
// CHECK: linalg.generic {{.*}} ins(%[[X]] : {{.*}}) outs(%[[Y]] :
func.func @strided(%x: memref<4xf32, strided<[4]>>, %y: memref<4xf32>) {
  memref.copy %x, %y : memref<4xf32, strided<[4]>> to memref<4xf32>
  return
}
