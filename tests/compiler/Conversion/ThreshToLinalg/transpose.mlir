// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// The result is written in order; the permutation is in how the input is read, which fuses into users.
// CHECK-DAG: #[[$IN:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @transpose
// CHECK: linalg.generic {indexing_maps = [#[[$IN]], #[[$OUT]]], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg0 : tensor<2x?x4xf32>) outs(%{{.*}} : tensor<4x2x?xf32>)
func.func @transpose(%x: tensor<2x?x4xf32>) -> tensor<4x2x?xf32> {
  %0 = thresh.transpose %x [2, 0, 1] : tensor<2x?x4xf32> -> tensor<4x2x?xf32>
  return %0 : tensor<4x2x?xf32>
}

// -----

// A result type that says more than the operands is kept.
// CHECK-LABEL: func.func @declared_static
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<3x2xf32>)
func.func @declared_static(%x: tensor<?x3xf32>) -> tensor<3x2xf32> {
  %0 = thresh.transpose %x [1, 0] : tensor<?x3xf32> -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
