// States become half floats: what is appended is rounded, what is read is widened.
// RUN: thresh-opt %s --thresh-narrow-states=format=f16 | FileCheck %s '-D$HALF=f16'
// RUN: thresh-opt %s --thresh-narrow-states=format=bf16 | FileCheck %s '-D$HALF=bf16'

// CHECK: thresh.state @keys : tensor<24x2x16x[[$HALF]]>
thresh.state @keys : tensor<24x2x16xf32>
// CHECK: thresh.state @counts : tensor<24xi64>
thresh.state @counts : tensor<24xi64>
// CHECK: thresh.state @doubles : tensor<24xf64>
thresh.state @doubles : tensor<24xf64>

// CHECK-LABEL: func.func @step
// CHECK-SAME: (%[[ROWS:.*]]: tensor<?x2x16xf32>, %[[COUNTS:.*]]: tensor<?xi64>, %[[DOUBLES:.*]]: tensor<?xf64>, %[[N:.*]]: index)
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[ROWS]] : tensor<?x2x16xf32> to tensor<?x2x16x[[$HALF]]>
// CHECK: thresh.append_state @keys[%{{.*}}], %[[ROUNDED]] : tensor<?x2x16x[[$HALF]]>
// CHECK: thresh.append_state @counts[%{{.*}}], %[[COUNTS]] : tensor<?xi64>
// CHECK: thresh.append_state @doubles[%{{.*}}], %[[DOUBLES]] : tensor<?xf64>
// CHECK: %[[READ:.*]] = thresh.read_state @keys[%[[N]]] : tensor<?x2x16x[[$HALF]]>
// CHECK: %[[WIDE:.*]] = arith.extf %[[READ]] : tensor<?x2x16x[[$HALF]]> to tensor<?x2x16xf32>
// CHECK: %[[READ_COUNTS:.*]] = thresh.read_state @counts[%[[N]]] : tensor<?xi64>
// CHECK: return %[[WIDE]], %[[WIDE]], %[[READ_COUNTS]]
func.func @step(%rows: tensor<?x2x16xf32>, %counts: tensor<?xi64>, %doubles: tensor<?xf64>, %n: index) -> (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?xi64>) {
  %p = thresh.position : index
  thresh.append_state @keys[%p], %rows : tensor<?x2x16xf32>
  thresh.append_state @counts[%p], %counts : tensor<?xi64>
  thresh.append_state @doubles[%p], %doubles : tensor<?xf64>
  %k = thresh.read_state @keys[%n] : tensor<?x2x16xf32>
  %c = thresh.read_state @counts[%n] : tensor<?xi64>
  return %k, %k, %c : tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?xi64>
}

// CHECK-LABEL: func.func @recall
// CHECK-SAME: (%[[ROWS:[a-z0-9]*]]: tensor<?x2x16xf32>, %[[OUT:[a-z0-9]*]]: tensor<?x2x16xf32>)
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[ROWS]]
// CHECK: %[[SIZE:.*]] = tensor.dim %[[OUT]]
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[SIZE]]) : tensor<?x2x16x[[$HALF]]>
// CHECK: %[[ALL:.*]] = thresh.recall_state @keys[%{{.*}}], %[[ROUNDED]] : {{.*}} outs(%[[EMPTY]] : {{.*}}) -> tensor<?x2x16x[[$HALF]]>
// CHECK: %[[WIDE:.*]] = arith.extf %[[ALL]]
// CHECK: return %[[WIDE]]
func.func @recall(%rows: tensor<?x2x16xf32>, %out: tensor<?x2x16xf32>) -> tensor<?x2x16xf32> {
  %p = thresh.position : index
  %all = thresh.recall_state @keys[%p], %rows : tensor<?x2x16xf32> outs(%out : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
  return %all : tensor<?x2x16xf32>
}
