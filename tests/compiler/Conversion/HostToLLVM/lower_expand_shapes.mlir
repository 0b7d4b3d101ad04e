// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(thresh-lower-expand-shapes,canonicalize,cse))' | FileCheck %s
// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(thresh-lower-expand-shapes,expand-strided-metadata))' | FileCheck %s --check-prefix=NEXT

// NEXT-NOT: memref.expand_shape

// CHECK-LABEL: func.func @two_unknowns
// CHECK-SAME: (%[[X:.*]]: memref<?x8xf32>, %[[M:.*]]: index, %[[N:.*]]: index)
// CHECK: %[[STRIDE:.*]] = arith.muli %[[N]], %{{.*}} : index
// CHECK: memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[M]], %[[N]], 2, 4], strides: [%[[STRIDE]], 8, 4, 1]
func.func @two_unknowns(%x: memref<?x8xf32>, %m: index, %n: index) -> memref<?x?x2x4xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2, 3]] output_shape [%m, %n, 2, 4] : memref<?x8xf32> into memref<?x?x2x4xf32>
  return %0 : memref<?x?x2x4xf32>
}

// The source's offset and strides are kept.
// CHECK-LABEL: func.func @strided
// CHECK: memref.reinterpret_cast %{{.*}} to offset: [5], sizes: [%{{.*}}, %{{.*}}], strides: [%{{.*}}, 3]
func.func @strided(%x: memref<?xf32, strided<[3], offset: 5>>, %m: index, %n: index) -> memref<?x?xf32, strided<[?, 3], offset: 5>> {
  %0 = memref.expand_shape %x [[0, 1]] output_shape [%m, %n] : memref<?xf32, strided<[3], offset: 5>> into memref<?x?xf32, strided<[?, 3], offset: 5>>
  return %0 : memref<?x?xf32, strided<[?, 3], offset: 5>>
}

// One unknown per group is upstream's business.
// CHECK-LABEL: func.func @one_unknown
// CHECK: memref.expand_shape
func.func @one_unknown(%x: memref<?x?xf32>, %m: index, %n: index) -> memref<?x4x2x?xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2, 3]] output_shape [%m, 4, 2, %n] : memref<?x?xf32> into memref<?x4x2x?xf32>
  return %0 : memref<?x4x2x?xf32>
}
