// What no kernel covers stays a linalg op, and a remark says where and why.
// RUN: thresh-opt %s --thresh-linalg-pipeline --thresh-form-kernels -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @unknown_op(
// CHECK: %[[ROOTS:.*]] = linalg.generic
// CHECK: math.cbrt
// CHECK: thresh.launch @{{thresh_reduction_[0-9]+}} ins(%[[ROOTS]] :
func.func @unknown_op(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?xf32>) {
  // expected-remark @+1 {{runs as loops, not as a kernel: kernels have no spelling for 'math.cbrt'}}
  %y = math.cbrt %x : tensor<?x4xf32>
  %s = thresh.reduce sum %y dimensions [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %y, %s : tensor<?x4xf32>, tensor<?xf32>
}

// CHECK-LABEL: func.func @high_rank(
// CHECK-NOT: thresh.launch
// CHECK: math.exp
func.func @high_rank(%x: tensor<2x1x2x1x2x1x2x1x2xf32>) -> tensor<2x1x2x1x2x1x2x1x2xf32> {
  // expected-remark @+1 {{runs as loops, not as a kernel: its rank is above 8}}
  %y = math.exp %x : tensor<2x1x2x1x2x1x2x1x2xf32>
  return %y : tensor<2x1x2x1x2x1x2x1x2xf32>
}

// CHECK-LABEL: func.func @odd_type(
// CHECK-NOT: thresh.launch
// CHECK: arith.addi
func.func @odd_type(%x: tensor<4xi24>) -> tensor<4xi24> {
  // expected-remark @+1 {{runs as loops, not as a kernel: its operand type tensor<4xi24> has no kernel form}}
  %y = arith.addi %x, %x : tensor<4xi24>
  return %y : tensor<4xi24>
}
