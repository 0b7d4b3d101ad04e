// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg,canonicalize,cse))' | FileCheck %s

thresh.state @rows : tensor<64x4xf32>

// The extent of rows that are read back is the length asked for.
// CHECK-LABEL: func.func @read
// CHECK-SAME: (%[[LENGTH:.*]]: index)
// CHECK: %[[ROWS:.*]] = thresh.read_state @rows[%[[LENGTH]]]
// CHECK: tensor.empty(%[[LENGTH]]) : tensor<?xf32>
// CHECK-NOT: tensor.dim
func.func @read(%length: index) -> tensor<?xf32> {
  %rows = thresh.read_state @rows[%length] : tensor<?x4xf32>
  %sum = thresh.reduce sum %rows dimensions [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %sum : tensor<?xf32>
}
