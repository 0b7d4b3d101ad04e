// Round trip of the state ops.
// RUN: thresh-opt %s | thresh-opt | FileCheck %s

// CHECK: thresh.state @keys : tensor<16x2x4xf32>
thresh.state @keys : tensor<16x2x4xf32>

// CHECK-LABEL: func.func @append_and_read
func.func @append_and_read(%rows: tensor<?x2x4xf32>, %length: index) -> tensor<?x2x4xf32> {
  // CHECK: %[[POSITION:.*]] = thresh.position : index
  %position = thresh.position : index
  // CHECK: thresh.append_state @keys[%[[POSITION]]], %{{.*}} : tensor<?x2x4xf32>
  thresh.append_state @keys[%position], %rows : tensor<?x2x4xf32>
  // CHECK: thresh.read_state @keys[%{{.*}}] : tensor<?x2x4xf32>
  %all = thresh.read_state @keys[%length] : tensor<?x2x4xf32>
  return %all : tensor<?x2x4xf32>
}

// CHECK: thresh.state @ring window 3 : tensor<8x4xf32>
thresh.state @ring window 3 : tensor<8x4xf32>

// CHECK-LABEL: func.func @recall
func.func @recall(%rows: tensor<?x4xf32>, %out: tensor<?x4xf32>, %position: index) -> tensor<?x4xf32> {
  // CHECK: thresh.recall_state @ring[%{{.*}}], %{{.*}} : tensor<?x4xf32> outs(%{{.*}} : tensor<?x4xf32>) -> tensor<?x4xf32>
  %last = thresh.recall_state @ring[%position], %rows : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %last : tensor<?x4xf32>
}
