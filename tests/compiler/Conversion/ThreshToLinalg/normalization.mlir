// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CHECK: %[[INF:.*]] = arith.constant 0xFF800000 : f32
// CHECK: linalg.fill ins(%[[INF]] : f32)
// CHECK: %[[MAX:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[X]] : tensor<?x4xf32>)
// CHECK: arith.maximumf
// CHECK: %[[EXP:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[MAX]] : tensor<?x4xf32>, tensor<?xf32>)
// CHECK: arith.subf
// CHECK-NEXT: math.exp
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[EXP]] : tensor<?x4xf32>)
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}} ins(%[[EXP]], %[[SUM]] : tensor<?x4xf32>, tensor<?xf32>)
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = thresh.softmax %x dimension(1) : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @log_softmax_outer
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]}
// CHECK: arith.maximumf
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]}
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: %[[LOG:.*]] = linalg.generic {{.*}} ins(%[[SUM]] : tensor<4xf32>)
// CHECK: math.log
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[LOG]] : tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>)
// CHECK-COUNT-2: arith.subf
func.func @log_softmax_outer(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = thresh.softmax %x dimension(0) log : tensor<3x4xf32> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// CHECK-LABEL: func.func @half_softmax
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<3xf32>)
// CHECK: arith.extf
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<3x4xf32>)
// CHECK: arith.divf %{{.*}} : f32
// CHECK-NEXT: arith.truncf %{{.*}} : f32 to bf16
func.func @half_softmax(%x: tensor<3x4xbf16>) -> tensor<3x4xbf16> {
  %0 = thresh.softmax %x dimension(1) : tensor<3x4xbf16> -> tensor<3x4xbf16>
  return %0 : tensor<3x4xbf16>
}

// -----

// The variance is that of the centred values.
// CHECK-DAG: #[[$WHOLE:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1, d2) -> (d0)>
// CHECK-DAG: #[[$WEIGHT:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x8xf32>, %[[S:.*]]: tensor<4x8xf32>, %[[B:.*]]: tensor<4x8xf32>)
// CHECK-DAG: %[[N:.*]] = arith.constant 3.200000e+01 : f32
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[$WHOLE]], #[[$ROW]]], iterator_types = ["parallel", "reduction", "reduction"]}
// CHECK: %[[MEAN:.*]] = linalg.generic {{.*}} ins(%[[SUM]]
// CHECK: arith.divf %{{.*}}, %[[N]]
// CHECK: %[[SQUARES:.*]] = linalg.generic {indexing_maps = [#[[$WHOLE]], #[[$ROW]], #[[$ROW]]]{{.*}} ins(%[[X]], %[[MEAN]]
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: %[[INVERSE:.*]] = linalg.generic {{.*}} ins(%[[SQUARES]]
// CHECK: math.sqrt
// CHECK: linalg.generic {indexing_maps = [#[[$WHOLE]], #[[$ROW]], #[[$ROW]], #[[$WEIGHT]], #[[$WEIGHT]], #[[$WHOLE]]]
// CHECK-SAME: ins(%[[X]], %[[MEAN]], %[[INVERSE]], %[[S]], %[[B]]
func.func @layer_norm(%x: tensor<?x4x8xf32>, %s: tensor<4x8xf32>, %b: tensor<4x8xf32>) -> tensor<?x4x8xf32> {
  %0 = thresh.layer_norm %x scale %s bias %b axis(1) epsilon(1.0e-5) : (tensor<?x4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}

// -----

// A row of unknown length is counted when the model runs.
// CHECK-LABEL: func.func @rms_norm_dynamic
// CHECK-SAME: (%[[X:.*]]: tensor<2x?xf32>
// CHECK: %[[D:.*]] = tensor.dim %[[X]]
// CHECK: %[[I:.*]] = arith.index_cast %[[D]] : index to i64
// CHECK: %[[N:.*]] = arith.sitofp %[[I]] : i64 to f32
// CHECK-NOT: arith.subf
// CHECK: arith.divf %{{.*}}, %[[N]]
// CHECK: math.sqrt
func.func @rms_norm_dynamic(%x: tensor<2x?xf32>, %s: tensor<?xf32>) -> tensor<2x?xf32> {
  %0 = thresh.rms_norm %x scale %s axis(1) epsilon(1.0e-6) : (tensor<2x?xf32>, tensor<?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}
