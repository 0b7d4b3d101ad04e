// A cache becomes integers and a scale per row; what reads it multiplies them out, inside the product that uses them.
// RUN: thresh-opt %s --thresh-quantize-states | FileCheck %s
// RUN: thresh-opt %s --thresh-quantize-states --thresh-linalg-pipeline --thresh-form-kernels --canonicalize | FileCheck %s --check-prefix=KERNELS

// CHECK: thresh.state @keys : tensor<16x2x8xi8>
// CHECK-NEXT: thresh.state @keys_scale : tensor<16x2xf32>
// CHECK: thresh.state @ring window 3 : tensor<8x2x8xi8>
// CHECK-NEXT: thresh.state @ring_scale window 3 : tensor<8x2xf32>
thresh.state @keys : tensor<16x2x8xf32>
thresh.state @ring window 3 : tensor<8x2x8xf32>

// States that are no rows of floats stay.
// CHECK: thresh.state @tokens : tensor<16xf32>
// CHECK: thresh.state @flags : tensor<16x2xi8>
thresh.state @tokens : tensor<16xf32>
thresh.state @flags : tensor<16x2xi8>

// CHECK-LABEL: func.func @append_and_read(
// CHECK-SAME: %[[ROWS:.*]]: tensor<?x2x8xf32>, %[[LENGTH:.*]]: index)
// CHECK: %[[SCALES:.*]] = linalg.generic {{.*}} ins(%{{[0-9]+}} : tensor<?x2xf32>)
// CHECK: %[[INTEGERS:.*]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[SCALES]]
// CHECK: thresh.append_state @keys[%{{.*}}], %[[INTEGERS]] : tensor<?x2x8xi8>
// CHECK: thresh.append_state @keys_scale[%{{.*}}], %[[SCALES]] : tensor<?x2xf32>
// CHECK: %[[KEYS:.*]] = thresh.read_state @keys[%[[LENGTH]]] : tensor<?x2x8xi8>
// CHECK: %[[READ_SCALES:.*]] = thresh.read_state @keys_scale[%[[LENGTH]]] : tensor<?x2xf32>
// CHECK: %[[WIDE:.*]] = linalg.generic {{.*}} ins(%[[KEYS]], %[[READ_SCALES]]
// CHECK: return %[[WIDE]]
func.func @append_and_read(%rows: tensor<?x2x8xf32>, %length: index) -> tensor<?x2x8xf32> {
  %position = thresh.position : index
  thresh.append_state @keys[%position], %rows : tensor<?x2x8xf32>
  %all = thresh.read_state @keys[%length] : tensor<?x2x8xf32>
  return %all : tensor<?x2x8xf32>
}

// Rows that are recalled and appended are rounded once.
// CHECK-LABEL: func.func @recall(
// CHECK-SAME: %[[ROWS:[a-z0-9]+]]: tensor<?x2x8xf32>
// CHECK: %[[SCALES:.*]] = linalg.generic {{.*}} ins(%{{[0-9]+}} : tensor<?x2xf32>)
// CHECK: %[[INTEGERS:.*]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[SCALES]]
// CHECK: %[[KEYS:.*]] = thresh.recall_state @ring[%{{.*}}], %[[INTEGERS]] : {{.*}} -> tensor<?x2x8xi8>
// CHECK: %[[ALL_SCALES:.*]] = thresh.recall_state @ring_scale[%{{.*}}], %[[SCALES]] : {{.*}} -> tensor<?x2xf32>
// CHECK: linalg.generic {{.*}} ins(%[[KEYS]], %[[ALL_SCALES]]
// CHECK: thresh.append_state @ring[%{{.*}}], %[[INTEGERS]] : tensor<?x2x8xi8>
// CHECK: thresh.append_state @ring_scale[%{{.*}}], %[[SCALES]] : tensor<?x2xf32>
func.func @recall(%rows: tensor<?x2x8xf32>, %out: tensor<?x2x8xf32>) -> tensor<?x2x8xf32> {
  %position = thresh.position : index
  %all = thresh.recall_state @ring[%position], %rows : tensor<?x2x8xf32> outs(%out : tensor<?x2x8xf32>) -> tensor<?x2x8xf32>
  thresh.append_state @ring[%position], %rows : tensor<?x2x8xf32>
  return %all : tensor<?x2x8xf32>
}

// KERNELS-LABEL: func.func @product(
// KERNELS: %[[KEYS:.*]] = thresh.read_state @keys
// KERNELS: %[[SCALES:.*]] = thresh.read_state @keys_scale
// KERNELS: thresh.launch @thresh_matmul_{{[0-9]+}} ins(%[[KEYS]], %[[SCALES]], %{{.*}} : tensor<?x2x8xi8>, tensor<?x2xf32>, tensor<2x3x8xf32>)
// KERNELS-NOT: thresh.launch
// KERNELS: return
func.func @product(%query: tensor<2x3x8xf32>, %length: index) -> tensor<2x?x3xf32> {
  %keys = thresh.read_state @keys[%length] : tensor<?x2x8xf32>
  %heads = thresh.transpose %keys [1, 0, 2] : tensor<?x2x8xf32> -> tensor<2x?x8xf32>
  %scores = thresh.matmul %heads, %query {transpose_rhs} : tensor<2x?x8xf32>, tensor<2x3x8xf32> -> tensor<2x?x3xf32>
  return %scores : tensor<2x?x3xf32>
}

// Attention over chosen keys takes integers and scales as they are stored.
// CHECK-LABEL: func.func @attend(
// CHECK: %[[KEYS:.*]] = thresh.read_state @keys[%{{.*}}] : tensor<?x2x8xi8>
// CHECK: %[[SCALES:.*]] = thresh.read_state @keys_scale[%{{.*}}] : tensor<?x2xf32>
// CHECK: thresh.attend_chosen %{{.*}} key %[[KEYS]], %[[SCALES]] value %[[KEYS]], %[[SCALES]] at
func.func @attend(%query: tensor<1x4x8xf32>, %length: index, %p: tensor<i64>, %s: tensor<2xf32>) -> tensor<1x4x8xf32> {
  %keys = thresh.read_state @keys[%length] : tensor<?x2x8xf32>
  %y, %n = thresh.attend_chosen %query key %keys value %keys at %p by %s topk(3) scale(0.5)
    : (tensor<1x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x8xf32>, tensor<1x4xi32>)
  return %y : tensor<1x4x8xf32>
}
