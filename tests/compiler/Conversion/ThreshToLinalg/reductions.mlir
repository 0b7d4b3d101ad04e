// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func.func @sum
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel", "reduction"]} ins(%{{.*}} : tensor<?x4x8xf32>) outs(%{{.*}} : tensor<4xf32>)
// CHECK: arith.addf
// CHECK: return %[[SUM]]
func.func @sum(%x: tensor<?x4x8xf32>) -> tensor<4xf32> {
  %0 = thresh.reduce sum %x dimensions [0, 2] : tensor<?x4x8xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The reduction drops the dimension, a view gives it back.
// CHECK-LABEL: func.func @keep
// CHECK: %[[MAX:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8xf32>)
// CHECK: tensor.expand_shape %[[MAX]] {{\[}}[0, 1], [2]] output_shape [%{{.*}}, 1, 8] : tensor<?x8xf32> into tensor<?x1x8xf32>
func.func @keep(%x: tensor<?x4x8xf32>) -> tensor<?x1x8xf32> {
  %0 = thresh.reduce max %x dimensions [1] keep : tensor<?x4x8xf32> -> tensor<?x1x8xf32>
  return %0 : tensor<?x1x8xf32>
}

// -----

// CHECK-LABEL: func.func @keep_all
// CHECK: tensor.expand_shape %{{.*}} [] output_shape [1, 1] : tensor<f32> into tensor<1x1xf32>
func.func @keep_all(%x: tensor<?x4xf32>) -> tensor<1x1xf32> {
  %0 = thresh.reduce min %x dimensions [0, 1] keep : tensor<?x4xf32> -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func.func @half_mean
// CHECK: arith.extf
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.divf %{{.*}} : f32
// CHECK: arith.truncf
func.func @half_mean(%x: tensor<3x4xf16>) -> tensor<3xf16> {
  %0 = thresh.reduce mean %x dimensions [1] : tensor<3x4xf16> -> tensor<3xf16>
  return %0 : tensor<3xf16>
}

// -----

// An extremum is exact in any width: nothing is widened.
// CHECK-LABEL: func.func @half_max
// CHECK-NOT: arith.extf
// CHECK: arith.maximumf %{{.*}} : f16
func.func @half_max(%x: tensor<3x4xf16>) -> tensor<3xf16> {
  %0 = thresh.reduce max %x dimensions [1] : tensor<3x4xf16> -> tensor<3xf16>
  return %0 : tensor<3xf16>
}

// -----

// CHECK-LABEL: func.func @logical
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: linalg.fill ins(%[[TRUE]] : i1)
// CHECK: arith.andi
func.func @logical(%x: tensor<3x4xi1>) -> tensor<3xi1> {
  %0 = thresh.reduce and %x dimensions [1] : tensor<3x4xi1> -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// -----

// CHECK-LABEL: func.func @arg_max
// CHECK: %[[R:.*]]:2 = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} {{.*}} outs(%{{.*}}, %{{.*}} : tensor<?xf32>, tensor<?xi64>)
// CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %[[BEST:.*]]: f32, %[[AT:.*]]: i64):
// CHECK: %[[I:.*]] = linalg.index 1
// CHECK: %[[I64:.*]] = arith.index_cast %[[I]] : index to i64
// CHECK: arith.cmpf ogt, %[[V]], %[[BEST]]
// CHECK: arith.select %{{.*}}, %[[V]], %[[BEST]]
// CHECK: arith.select %{{.*}}, %[[I64]], %[[AT]]
// CHECK: return %[[R]]#1
func.func @arg_max(%x: tensor<?x4xf32>) -> tensor<?xi64> {
  %0 = thresh.arg_reduce max %x dimension(1) : tensor<?x4xf32> -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

// CHECK-LABEL: func.func @arg_min_last
// CHECK: arith.cmpi sle
// CHECK: tensor.expand_shape
func.func @arg_min_last(%x: tensor<3x4xi32>) -> tensor<3x1xi64> {
  %0 = thresh.arg_reduce min %x dimension(1) last keep : tensor<3x4xi32> -> tensor<3x1xi64>
  return %0 : tensor<3x1xi64>
}
