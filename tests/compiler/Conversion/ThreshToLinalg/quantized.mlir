// Products of quantised matrices: scales and integers of the left side, exact sums per group, their scaled sum.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg))' -split-input-file | FileCheck %s

// CHECK-DAG: #[[$CODES:.*]] = affine_map<(d0, d1, d2, d3) -> (d1 floordiv 16, d2 * 8 + d3 floordiv 4, d1 mod 16, d3 mod 4)>
// CHECK-DAG: #[[$LEFT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[$SUMS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$SCALES:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 16, d2, d1 mod 16)>
// CHECK-LABEL: func.func @product_q8
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[C:.*]]: tensor<3x16x16x4xi8>, %[[S:.*]]: tensor<3x2x16xf16>)
// CHECK: %[[GROUPED:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 2, 32]
// CHECK: %[[LARGEST:.*]] = linalg.generic {{.*}}["parallel", "parallel", "reduction"]{{.*}} ins(%[[GROUPED]] :
// CHECK: math.absf
// CHECK: arith.maximumf
// CHECK: %[[XS:.*]] = linalg.generic {{.*}} ins(%[[LARGEST]] :
// CHECK: arith.constant 1.270000e+02 : f32
// CHECK: arith.divf
// CHECK: %[[XQ:.*]] = linalg.generic {{.*}} ins(%[[GROUPED]], %[[XS]] :
// CHECK: arith.cmpf oeq
// CHECK: math.roundeven
// CHECK: arith.fptosi %{{.*}} : f32 to i8
// CHECK: %[[DOT:.*]] = linalg.generic {indexing_maps = [#[[$CODES]], #[[$LEFT]], #[[$SUMS]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[C]], %[[XQ]] : tensor<3x16x16x4xi8>, tensor<?x2x32xi8>)
// CHECK-DAG: arith.extui %{{.*}} : i8 to i32
// CHECK-DAG: arith.extsi %{{.*}} : i8 to i32
// CHECK-DAG: arith.constant 128 : i32
// CHECK: arith.muli %{{.*}} : i32
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$SCALES]], #{{.*}}, #{{.*}}], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[DOT]], %[[S]], %[[XS]] : tensor<?x40x2xi32>, tensor<3x2x16xf16>, tensor<?x2xf32>)
func.func @product_q8(%x: tensor<?x64xf32>, %c: tensor<3x16x16x4xi8>, %s: tensor<3x2x16xf16>) -> tensor<?x40xf32> {
  %y = thresh.quantized_matmul q8 %x, %c, %s : tensor<?x64xf32>, tensor<3x16x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// -----

// A byte holds row 8i + j in its low half and row 8i + 4 + j in its high half.
// CHECK-DAG: #[[$BYTES:.*]] = affine_map<(d0, d1, d2, d3) -> (d1 floordiv 16, d2 * 4 + d3 floordiv 8, d1 mod 16, d3 mod 4)>
// CHECK-LABEL: func.func @product_q4
// CHECK: linalg.generic {indexing_maps = [#[[$BYTES]], #{{.*}}, #{{.*}}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK: linalg.index 3
// CHECK: arith.shrui %{{.*}} : i8
// CHECK: arith.andi %{{.*}} : i8
// CHECK: arith.constant 8 : i32
func.func @product_q4(%x: tensor<?x64xf32>, %c: tensor<3x8x16x4xi8>, %s: tensor<3x2x16xf16>) -> tensor<?x40xf32> {
  %y = thresh.quantized_matmul q4 %x, %c, %s : tensor<?x64xf32>, tensor<3x8x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// -----

// Indices are checked against the rows of the matrix, not of its panels.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[C:[a-z0-9]*]]: tensor<3x16x16x4xi8>, %[[S:[a-z0-9]*]]: tensor<3x2x16xf16>
// CHECK: arith.constant 40
// CHECK-COUNT-2: thresh.check
// CHECK: linalg.generic
// CHECK: tensor.extract %[[C]]
// CHECK: tensor.extract %[[S]]
// CHECK: arith.mulf
func.func @rows(%i: tensor<?xi64>, %c: tensor<3x16x16x4xi8>, %s: tensor<3x2x16xf16>) -> tensor<?x64xf32> {
  %y = thresh.quantized_gather q8 %c, %s[%i] rows(40) : tensor<3x16x16x4xi8>, tensor<3x2x16xf16>, tensor<?xi64> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
