// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// One matrix for the whole batch: the batch dimensions stay parallel loops.
// CHECK-DAG: #[[$LHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$RHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @shared_rhs
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[INIT:.*]] = linalg.fill ins(%[[ZERO]] : f32)
// CHECK: linalg.generic {indexing_maps = [#[[$LHS]], #[[$RHS]], #[[$OUT]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK-SAME: outs(%[[INIT]] : tensor<?x?x8xf32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[SUM:.*]]: f32):
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[SUM]], %[[P]]
// CHECK-NEXT: linalg.yield %[[S]]
func.func @shared_rhs(%a: tensor<?x?x4xf32>, %b: tensor<4x8xf32>) -> tensor<?x?x8xf32> {
  %0 = thresh.matmul %a, %b : tensor<?x?x4xf32>, tensor<4x8xf32> -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// -----

// CHECK-DAG: #[[$LHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$RHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-LABEL: func.func @transposed_batch
// CHECK: linalg.generic {indexing_maps = [#[[$LHS]], #[[$RHS]], #{{.*}}]
func.func @transposed_batch(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %0 = thresh.matmul %a, %b {transpose_rhs} : tensor<2x3x4xf32>, tensor<2x5x4xf32> -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// -----

// Narrow floats accumulate in f32 and round once.
// CHECK-LABEL: func.func @half
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x5xf32>)
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.mulf %{{.*}} : f32
// CHECK: linalg.generic {{.*}} ins(%[[SUM]] : tensor<2x5xf32>) outs(%{{.*}} : tensor<2x5xf16>)
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%a: tensor<2x4xf16>, %b: tensor<4x5xf16>) -> tensor<2x5xf16> {
  %0 = thresh.matmul %a, %b : tensor<2x4xf16>, tensor<4x5xf16> -> tensor<2x5xf16>
  return %0 : tensor<2x5xf16>
}

// -----

// CHECK-LABEL: func.func @integers
// CHECK: arith.muli
// CHECK: arith.addi
func.func @integers(%a: tensor<2x4xi32>, %b: tensor<4x5xi32>) -> tensor<2x5xi32> {
  %0 = thresh.matmul %a, %b : tensor<2x4xi32>, tensor<4x5xi32> -> tensor<2x5xi32>
  return %0 : tensor<2x5xi32>
}
