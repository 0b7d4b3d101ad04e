// RUN: thresh-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

// CHECK-DAG: #[[$IDS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @rows
// CHECK-SAME: (%[[T:.*]]: tensor<100x8xf32>, %[[I:.*]]: tensor<?x?xi32>)
// CHECK-DAG: %[[LOW:.*]] = arith.constant -100 : i64
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 100 : i64
// CHECK: %[[RANGE:.*]]:2 = linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]} ins(%[[I]]
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: %[[MIN:.*]] = tensor.extract %[[RANGE]]#0[]
// CHECK: %[[MAX:.*]] = tensor.extract %[[RANGE]]#1[]
// CHECK: %[[A:.*]] = arith.cmpi sge, %[[MIN]], %[[LOW]]
// CHECK: %[[B:.*]] = arith.cmpi slt, %[[MAX]], %[[HIGH]]
// CHECK: thresh.check %[[A]], "gather: index %lld is outside a dimension of extent %lld"[%[[MIN]], %[[HIGH]]]
// CHECK: thresh.check %[[B]], "gather: index %lld is outside a dimension of extent %lld"[%[[MAX]], %[[HIGH]]]
// CHECK: linalg.generic {indexing_maps = [#[[$IDS]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[I]]
// CHECK: %[[ROW:.*]] = arith.select
// CHECK: %[[COLUMN:.*]] = linalg.index 2
// CHECK: tensor.extract %[[T]][%[[ROW]], %[[COLUMN]]]
func.func @rows(%t: tensor<100x8xf32>, %i: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %0 = thresh.gather %t[%i] dimension(0) : tensor<100x8xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func.func @scalar_index_into_last
// CHECK-SAME: (%[[T:.*]]: tensor<3x?xf32>, %{{.*}}: tensor<i64>)
// CHECK: %[[N:.*]] = tensor.dim %[[T]]
// CHECK-COUNT-2: thresh.check
// CHECK: %[[END:.*]] = arith.addi %{{.*}}, %[[N]]
// CHECK: %[[AT:.*]] = arith.select %{{.*}}, %[[END]], %{{.*}}
// CHECK: tensor.extract %[[T]][%{{.*}}, %[[AT]]]
func.func @scalar_index_into_last(%t: tensor<3x?xf32>, %i: tensor<i64>) -> tensor<3xf32> {
  %0 = thresh.gather %t[%i] dimension(1) : tensor<3x?xf32>, tensor<i64> -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// A gather that nobody reads goes away together with nothing but itself: its check stays.
// CHECK-LABEL: func.func @unread
// CHECK-COUNT-2: thresh.check
// CHECK-NOT: tensor.extract %arg0
func.func @unread(%t: tensor<4xf32>, %i: tensor<2xi64>) {
  %0 = thresh.gather %t[%i] dimension(0) : tensor<4xf32>, tensor<2xi64> -> tensor<2xf32>
  return
}
