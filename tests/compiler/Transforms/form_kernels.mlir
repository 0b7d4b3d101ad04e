// Which ops make up one kernel, and of which family it is. Functions use different shapes, so that no two share by chance.
// RUN: thresh-opt %s --thresh-linalg-pipeline --thresh-form-kernels --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @elementwise(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>
// CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %c0
// CHECK: %[[OUT:.*]] = tensor.empty(%[[ROWS]])
// CHECK: %[[Y:.*]] = thresh.launch @[[$EXP:thresh_elementwise_[0-9]+]] ins(%[[X]] : tensor<?x4xf32>) outs(%[[OUT]] : tensor<?x4xf32>)
// CHECK: return %[[Y]]
func.func @elementwise(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = math.exp %x : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// The same work in another function takes the same kernel. A producer that is seen outside of a group stays out of it.
// CHECK-LABEL: func.func @seen_outside(
// CHECK: %[[E:.*]] = thresh.launch @[[$EXP]] ins(
// CHECK: %[[S:.*]] = thresh.launch @[[$SUM:thresh_reduction_[0-9]+]] ins(%[[E]] :
// CHECK: return %[[E]], %[[S]]
func.func @seen_outside(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?xf32>) {
  %e = math.exp %x : tensor<?x4xf32>
  %s = thresh.reduce sum %e dimensions [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %e, %s : tensor<?x4xf32>, tensor<?xf32>
}

// CHECK-LABEL: func.func @softmax(
// CHECK: thresh.launch @[[$SOFTMAX:thresh_rowwise_[0-9]+]] ins(%{{[a-z0-9]+}} : tensor<?x5xf32>)
// CHECK-NOT: thresh.launch
// CHECK: return
func.func @softmax(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %y = thresh.softmax %x dimension(1) : tensor<?x5xf32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: func.func @layer_norm(
// CHECK: thresh.launch @[[$NORM:thresh_rowwise_[0-9]+]] ins(
// CHECK-NOT: thresh.launch
// CHECK: return
func.func @layer_norm(%x: tensor<?x6xf32>, %scale: tensor<6xf32>) -> tensor<?x6xf32> {
  %y = thresh.layer_norm %x scale %scale axis(1) epsilon(1.0e-5) : (tensor<?x6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// Bias and activation join the contraction; what feeds it does not.
// CHECK-LABEL: func.func @epilogue(
// CHECK: %[[LHS:.*]] = thresh.launch @{{thresh_elementwise_[0-9]+}} ins(
// CHECK: thresh.launch @[[$EPILOGUE:thresh_matmul_[0-9]+]] ins({{.*}}%[[LHS]]
// CHECK-NOT: thresh.launch
// CHECK: return
func.func @epilogue(%x: tensor<?x8xf32>, %w: tensor<8x7xf32>, %b: tensor<7xf32>) -> tensor<?x7xf32> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = math.exp %x : tensor<?x8xf32>
  %product = thresh.matmul %e, %w : tensor<?x8xf32>, tensor<8x7xf32> -> tensor<?x7xf32>
  %bias = thresh.broadcast %b to [%rows] : tensor<7xf32> to tensor<?x7xf32>
  %sum = arith.addf %product, %bias : tensor<?x7xf32>
  %y = math.tanh %sum : tensor<?x7xf32>
  return %y : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @attention(
// CHECK: thresh.launch @[[$ATTENTION:thresh_attention_[0-9]+]] ins(
// CHECK-NOT: thresh.launch
// CHECK: return
func.func @attention(%q: tensor<2x5x8xf32>, %k: tensor<2x9x8xf32>, %v: tensor<2x9x8xf32>) -> tensor<2x5x8xf32> {
  %scores = thresh.matmul %q, %k {transpose_rhs} : tensor<2x5x8xf32>, tensor<2x9x8xf32> -> tensor<2x5x9xf32>
  %weights = thresh.softmax %scores dimension(2) : tensor<2x5x9xf32> -> tensor<2x5x9xf32>
  %y = thresh.matmul %weights, %v : tensor<2x5x9xf32>, tensor<2x9x8xf32> -> tensor<2x5x8xf32>
  return %y : tensor<2x5x8xf32>
}

// Scores that the caller sees keep attention from being one kernel.
// CHECK-LABEL: func.func @attention_with_scores(
// CHECK: %[[SCORES:.*]] = thresh.launch @{{thresh_matmul_[0-9]+}} ins(
// CHECK: %[[WEIGHTS:.*]] = thresh.launch @{{thresh_rowwise_[0-9]+}} ins(%[[SCORES]] :
// CHECK: %[[Y:.*]] = thresh.launch @{{thresh_matmul_[0-9]+}} ins(%[[WEIGHTS]],
// CHECK: return %[[Y]], %[[SCORES]]
func.func @attention_with_scores(%q: tensor<2x5x8xf32>, %k: tensor<2x9x8xf32>, %v: tensor<2x9x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x9xf32>) {
  %scores = thresh.matmul %q, %k {transpose_rhs} : tensor<2x5x8xf32>, tensor<2x9x8xf32> -> tensor<2x5x9xf32>
  %weights = thresh.softmax %scores dimension(2) : tensor<2x5x9xf32> -> tensor<2x5x9xf32>
  %y = thresh.matmul %weights, %v : tensor<2x5x9xf32>, tensor<2x9x8xf32> -> tensor<2x5x8xf32>
  return %y, %scores : tensor<2x5x8xf32>, tensor<2x5x9xf32>
}

// Two contractions without rows between them are two kernels.
// CHECK-LABEL: func.func @chained_matmuls(
// CHECK: %[[FIRST:.*]] = thresh.launch @{{thresh_matmul_[0-9]+}} ins(
// CHECK: thresh.launch @{{thresh_matmul_[0-9]+}} ins(%[[FIRST]],
func.func @chained_matmuls(%x: tensor<?x8xf32>, %w: tensor<8x10xf32>, %v: tensor<10x3xf32>) -> tensor<?x3xf32> {
  %first = thresh.matmul %x, %w : tensor<?x8xf32>, tensor<8x10xf32> -> tensor<?x10xf32>
  %second = thresh.matmul %first, %v : tensor<?x10xf32>, tensor<10x3xf32> -> tensor<?x3xf32>
  return %second : tensor<?x3xf32>
}

// A scalar that a body uses becomes an input of rank 0.
// CHECK-LABEL: func.func @captured_scalar(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[S:.*]]: tensor<f32>
// CHECK: %[[SCALAR:.*]] = tensor.extract %[[S]][]
// CHECK: %[[BOXED:.*]] = tensor.from_elements %[[SCALAR]] : tensor<f32>
// CHECK: thresh.launch @[[$SCALED:thresh_elementwise_[0-9]+]] ins(%[[X]], %[[BOXED]] :
func.func @captured_scalar(%x: tensor<?xf32>, %s: tensor<f32>) -> tensor<?xf32> {
  %scalar = tensor.extract %s[] : tensor<f32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %y = tensor.generate %n {
  ^bb0(%i: index):
    %element = tensor.extract %x[%i] : tensor<?xf32>
    %scaled = arith.mulf %element, %scalar : f32
    tensor.yield %scaled : f32
  } : tensor<?xf32>
  return %y : tensor<?xf32>
}

// The kernels: one per name, each with its stages.
// CHECK: thresh.kernel @[[$EXP]] elementwise {
// CHECK-NEXT: ^bb0(%[[IN:.*]]: tensor<?x4xf32>, %[[DESTINATION:.*]]: tensor<?x4xf32>):
// CHECK-NEXT: %[[STAGE:.*]] = linalg.generic {{.*}} ins(%[[IN]] : tensor<?x4xf32>) outs(%[[DESTINATION]] : tensor<?x4xf32>)
// CHECK: thresh.yield %[[STAGE]]
// CHECK-NOT: thresh.kernel @[[$EXP]]
// CHECK: thresh.kernel @[[$SUM]] reduction
// CHECK: linalg.fill
// CHECK: thresh.kernel @[[$SOFTMAX]] rowwise
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
// CHECK: thresh.kernel @[[$NORM]] rowwise
// CHECK: math.sqrt
// CHECK: thresh.kernel @[[$EPILOGUE]] matmul
// CHECK-NOT: math.exp
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: math.tanh
// CHECK: thresh.kernel @[[$ATTENTION]] attention
// CHECK: arith.mulf
// CHECK: arith.maximumf
// CHECK: arith.divf
// CHECK: arith.mulf
// CHECK: thresh.kernel @[[$SCALED]] elementwise
// CHECK-NEXT: ^bb0(%{{.*}}, %[[BOX:.*]]: tensor<f32>, %{{.*}}):
// CHECK-NEXT: tensor.extract %[[BOX]][]
