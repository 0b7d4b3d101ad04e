// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func.func @split_heads
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x384xf32>)
// CHECK-NOT: tensor.collapse_shape
// CHECK: tensor.expand_shape %[[X]] {{\[}}[0], [1], [2, 3]] output_shape [%{{.*}}, %{{.*}}, 12, 32] : tensor<?x?x384xf32> into tensor<?x?x12x32xf32>
func.func @split_heads(%x: tensor<?x?x384xf32>) -> tensor<?x?x12x32xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x384xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x384xf32>
  %0 = thresh.reshape %x to [%b, %s] : tensor<?x?x384xf32> to tensor<?x?x12x32xf32>
  return %0 : tensor<?x?x12x32xf32>
}

// -----

// CHECK-LABEL: func.func @merge_heads
// CHECK-NOT: tensor.expand_shape
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0], [1], [2, 3]] : tensor<?x?x12x32xf32> into tensor<?x?x384xf32>
func.func @merge_heads(%x: tensor<?x?x12x32xf32>) -> tensor<?x?x384xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x12x32xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x12x32xf32>
  %0 = thresh.reshape %x to [%b, %s] : tensor<?x?x12x32xf32> to tensor<?x?x384xf32>
  return %0 : tensor<?x?x384xf32>
}

// -----

// The size is computed, but the 384 at the end leave it only one meaning.
// CHECK-LABEL: func.func @flatten_rows
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : tensor<?x?x384xf32> into tensor<?x384xf32>
func.func @flatten_rows(%x: tensor<?x?x384xf32>, %n: index) -> tensor<?x384xf32> {
  %0 = thresh.reshape %x to [%n] : tensor<?x?x384xf32> to tensor<?x384xf32>
  return %0 : tensor<?x384xf32>
}

// -----

// CHECK-LABEL: func.func @unflatten_rows
// CHECK-SAME: (%[[X:.*]]: tensor<?x384xf32>, %[[B:.*]]: index, %[[S:.*]]: index)
// CHECK-NOT: tensor.collapse_shape
// CHECK: tensor.expand_shape %[[X]] {{\[}}[0, 1], [2]] output_shape [%[[B]], %[[S]], 384]
func.func @unflatten_rows(%x: tensor<?x384xf32>, %b: index, %s: index) -> tensor<?x?x384xf32> {
  %0 = thresh.reshape %x to [%b, %s] : tensor<?x384xf32> to tensor<?x?x384xf32>
  return %0 : tensor<?x?x384xf32>
}

// -----

// CHECK-LABEL: func.func @unit_dims
// CHECK-NOT: tensor.collapse_shape
// CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2, 3]] {{.*}} : tensor<?x?xf32> into tensor<?x1x1x?xf32>
func.func @unit_dims(%x: tensor<?x?xf32>) -> tensor<?x1x1x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?xf32>
  %0 = thresh.reshape %x to [%b, %s] : tensor<?x?xf32> to tensor<?x1x1x?xf32>
  return %0 : tensor<?x1x1x?xf32>
}

// -----

// No common factors: everything goes through one dimension.
// CHECK-LABEL: func.func @regroup
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
// CHECK: tensor.expand_shape %[[FLAT]] {{\[}}[0, 1]] output_shape [3, 8]
func.func @regroup(%x: tensor<4x6xf32>) -> tensor<3x8xf32> {
  %0 = thresh.reshape %x to [] : tensor<4x6xf32> to tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

// Groups are as small as the products allow.
// CHECK-LABEL: func.func @small_groups
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2, 3]] : tensor<2x6x4x5xf32> into tensor<12x20xf32>
// CHECK: tensor.expand_shape %[[FLAT]] {{\[}}[0, 1], [2, 3]] output_shape [3, 4, 10, 2]
func.func @small_groups(%x: tensor<2x6x4x5xf32>) -> tensor<3x4x10x2xf32> {
  %0 = thresh.reshape %x to [] : tensor<2x6x4x5xf32> to tensor<3x4x10x2xf32>
  return %0 : tensor<3x4x10x2xf32>
}

// -----

// CHECK-LABEL: func.func @to_scalar
// CHECK: %[[UNITS:.*]] = tensor.cast %{{.*}} : tensor<?x1xf32> to tensor<1x1xf32>
// CHECK: tensor.collapse_shape %[[UNITS]] [] : tensor<1x1xf32> into tensor<f32>
func.func @to_scalar(%x: tensor<?x1xf32>) -> tensor<f32> {
  %0 = thresh.reshape %x to [] : tensor<?x1xf32> to tensor<f32>
  return %0 : tensor<f32>
}

// -----

// CHECK-LABEL: func.func @no_elements
// CHECK-NEXT: %[[E:.*]] = tensor.empty() : tensor<7x0xf32>
// CHECK-NEXT: return %[[E]]
func.func @no_elements(%x: tensor<0x3xf32>) -> tensor<7x0xf32> {
  %0 = thresh.reshape %x to [] : tensor<0x3xf32> to tensor<7x0xf32>
  return %0 : tensor<7x0xf32>
}
