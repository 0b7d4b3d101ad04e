// Feed-forward blocks become kernels that read the weights of the chosen neurons.
// RUN: thresh-opt %s -thresh-choose-sparse-kernels -verify-diagnostics | FileCheck %s

// Rows are parameters of their own, the down projection transposed; dense entry points keep theirs, the others go.
// CHECK-DAG: thresh.parameter @gate : tensor<96x3xf32> from <{{[^>]*}}>
// CHECK-DAG: thresh.parameter @up_rows : tensor<96x5xf32> from <file = "m", offset = 1152, {{.*}} pack <permutation = [0, 1], panel = 0>
// CHECK-DAG: thresh.parameter @down_rows : tensor<96x8xf32> from <file = "m", offset = 3072, {{.*}} pack <permutation = [1, 0], panel = 0>
// CHECK-DAG: thresh.parameter @up : tensor<96x5xf32> from
// CHECK-DAG: thresh.parameter @down : tensor<8x96xf32> from
// CHECK-NOT: thresh.parameter @alone :
// CHECK-DAG: thresh.parameter @alone_rows : tensor<96x8xf16> from {{.*}} pack <permutation = [1, 0], panel = 0>
// CHECK-NOT: thresh.parameter
thresh.parameter @gate : tensor<96x3xf32> from <file = "m", offset = 0, length = 1152, tensor = "g", type = tensor<96x3xf32>>
thresh.parameter @up : tensor<96x5xf32> from <file = "m", offset = 1152, length = 1920, tensor = "u", type = tensor<96x5xf32>>
thresh.parameter @down : tensor<8x96xf32> from <file = "m", offset = 3072, length = 3072, tensor = "d", type = tensor<8x96xf32>>
thresh.parameter @alone : tensor<8x96xf16> from <file = "m", offset = 6144, length = 1536, tensor = "a", type = tensor<8x96xf16>>

// CHECK-LABEL: func.func @spark
// CHECK-SAME: (%[[X:.*]]: tensor<1x8xf32>)
// CHECK-DAG: %[[GATE:.*]] = thresh.load_parameter @gate
// CHECK-DAG: %[[HEAD:.*]] = tensor.extract_slice %[[X]][0, 0] [1, 3] [1, 1]
// CHECK-DAG: %[[REST:.*]] = tensor.extract_slice %[[X]][0, 3] [1, 5] [1, 1]
// CHECK: %[[SCORES:.*]] = thresh.matmul %[[HEAD]], %[[GATE]] {transpose_rhs} {{.*}} -> tensor<1x96xf32>
// CHECK: %[[I:.*]], %[[V:.*]], %[[N:.*]] = thresh.choose_rows gelu_tanh %[[SCORES]] quantile(1.15034938{{.*}}) variance_factor(1.000000e+00) : tensor<1x96xf32>
// CHECK-DAG: %[[UP:.*]] = thresh.load_parameter @up_rows
// CHECK-DAG: %[[DOWN:.*]] = thresh.load_parameter @down_rows
// CHECK: %[[Y:.*]] = thresh.active_rows %[[I]], %[[V]], %[[N]] input %[[REST]] up %[[UP]] down %[[DOWN]] expected(12) :
// CHECK: return %[[Y]]
func.func @spark(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %g = thresh.load_parameter @gate : tensor<96x3xf32>
  %u = thresh.load_parameter @up : tensor<96x5xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  %0 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %g up %u down %d topk(12)
    : (tensor<1x8xf32>, tensor<96x3xf32>, tensor<96x5xf32>, tensor<8x96xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// The gate sees the whole input and may come from anywhere; the count becomes the survivors; results keep their types.
// CHECK-LABEL: func.func @gated
// CHECK-SAME: (%[[X:.*]]: tensor<1x5xf32>, %[[GATE:.*]]: tensor<96x5xf32>)
// CHECK: %[[SCORES:.*]] = thresh.matmul %[[X]], %[[GATE]] {transpose_rhs}
// CHECK: %[[I:.*]], %[[V:.*]], %[[N:.*]] = thresh.choose_rows relu %[[SCORES]] quantile(0.0{{.*}}) variance_factor(1.010526{{.*}}) mask :
// CHECK: %[[ROW:.*]] = thresh.active_rows %[[I]], %[[V]], %[[N]] input %[[X]] up %{{.*}} down %{{.*}} expected(48)
// CHECK: %[[Y:.*]] = tensor.cast %[[ROW]] : tensor<1x8xf32> to tensor<?x8xf32>
// CHECK: %[[WIDE:.*]] = arith.extsi %[[N]] : tensor<1xi32> to tensor<1xi64>
// CHECK: %[[COUNT:.*]] = tensor.cast %[[WIDE]] : tensor<1xi64> to tensor<?xi64>
// CHECK: return %[[Y]], %[[COUNT]]
func.func @gated(%x: tensor<1x5xf32>, %g: tensor<96x5xf32>) -> (tensor<?x8xf32>, tensor<?xi64>) {
  %u = thresh.load_parameter @up : tensor<96x5xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  %0, %1 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(48) mask unbiased
    : (tensor<1x5xf32>, tensor<96x5xf32>, tensor<96x5xf32>, tensor<8x96xf32>) -> (tensor<?x8xf32>, tensor<?xi64>)
  return %0, %1 : tensor<?x8xf32>, tensor<?xi64>
}

// Without a gate the up projection gives the scores, whole, and only down rows are chosen.
// CHECK-LABEL: func.func @up_alone
// CHECK-SAME: (%[[X:.*]]: tensor<1x5xf32>, %[[UP:.*]]: tensor<96x5xf32>)
// CHECK: %[[SCORES:.*]] = thresh.matmul %[[X]], %[[UP]] {transpose_rhs}
// CHECK: %[[I:.*]], %[[V:.*]], %[[N:.*]] = thresh.choose_rows relu2 %[[SCORES]]
// CHECK: %[[DOWN:.*]] = thresh.load_parameter @alone_rows
// CHECK: thresh.active_rows %[[I]], %[[V]], %[[N]] down %[[DOWN]] expected(12) :
func.func @up_alone(%x: tensor<1x5xf32>, %u: tensor<96x5xf32>) -> tensor<1x8xf32> {
  %d = thresh.load_parameter @alone : tensor<8x96xf16>
  %0 = thresh.sparse_ffn relu2 gate %x up %u down %d topk(12)
    : (tensor<1x5xf32>, tensor<96x5xf32>, tensor<8x96xf16>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// Many rows read the same parameters.
// CHECK-LABEL: func.func @prefill
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK: %[[REST:.*]] = tensor.extract_slice %[[X]][0, 3] [%{{.*}}, 5] [1, 1]
// CHECK: %[[SCORES:.*]] = thresh.matmul %{{.*}}, %{{.*}} {transpose_rhs} {{.*}} -> tensor<?x96xf32>
// CHECK: %[[I:.*]], %[[V:.*]], %[[N:.*]] = thresh.choose_rows gelu_tanh %[[SCORES]] {{.*}} -> tensor<?x96xi32>, tensor<?x96xf32>, tensor<?xi32>
// CHECK: %[[UP:.*]] = thresh.load_parameter @up_rows
// CHECK: %[[DOWN:.*]] = thresh.load_parameter @down_rows
// CHECK: thresh.active_rows %[[I]], %[[V]], %[[N]] input %[[REST]] up %[[UP]] down %[[DOWN]] expected(9) : {{.*}} -> tensor<?x8xf32>
// CHECK: arith.extsi %[[N]] : tensor<?xi32> to tensor<?xi64>
func.func @prefill(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?xi64>) {
  %g = thresh.load_parameter @gate : tensor<96x3xf32>
  %u = thresh.load_parameter @up : tensor<96x5xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  %0:2 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %g up %u down %d topk(9)
    : (tensor<?x8xf32>, tensor<96x3xf32>, tensor<96x5xf32>, tensor<8x96xf32>) -> (tensor<?x8xf32>, tensor<?xi64>)
  return %0#0, %0#1 : tensor<?x8xf32>, tensor<?xi64>
}

// Many rows that choose many neurons each are faster densely; both layouts of the weights stay.
// CHECK-LABEL: func.func @many_of_many
// CHECK: thresh.load_parameter @up :
// CHECK: thresh.load_parameter @down :
// CHECK: thresh.sparse_ffn
func.func @many_of_many(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %g = thresh.load_parameter @gate : tensor<96x3xf32>
  %u = thresh.load_parameter @up : tensor<96x5xf32>
  %d = thresh.load_parameter @down : tensor<8x96xf32>
  // expected-remark @+1 {{'thresh.sparse_ffn' gets no sparse kernel: each of its rows chooses 10 of 96 neurons, which dense products compute faster}}
  %0 = thresh.sparse_ffn gelu_tanh first_dims(3) %x gate %g up %u down %d topk(10)
    : (tensor<4x8xf32>, tensor<96x3xf32>, tensor<96x5xf32>, tensor<8x96xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
