// Arguments become thresh.input; results are computed into thresh.output where a launch of their own computes them.
// RUN: thresh-opt %s --thresh-bind-entry-points -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @launched() {
// CHECK: %[[IN:.*]] = thresh.input 0 : memref<?xf32>
// CHECK: %[[X:.*]] = bufferization.to_tensor %[[IN]] restrict
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[OUT:.*]] = thresh.output 0[%[[N]]] : memref<?xf32>
// CHECK: %[[DESTINATION:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
// CHECK: thresh.launch @double ins(%[[X]] : tensor<?xf32>) outs(%[[DESTINATION]] :
// CHECK-NOT: materialize_in_destination
// CHECK: return{{$}}
func.func @launched(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %y = thresh.launch @double ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
thresh.kernel @double elementwise {
^bb0(%x: tensor<?xf32>, %out: tensor<?xf32>):
  %y = arith.addf %x, %x : tensor<?xf32>
  thresh.yield %y : tensor<?xf32>
}

// -----

// An input that is an output is copied.
// CHECK-LABEL: func.func @passed_through() {
// CHECK: %[[X:.*]] = bufferization.to_tensor
// CHECK: %[[OUT:.*]] = thresh.output 0[] : memref<4xf32>
// CHECK: bufferization.materialize_in_destination %[[X]] in restrict writable %[[OUT]]
func.func @passed_through(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// A value that is returned twice is computed into one output and copied to the other.
// CHECK-LABEL: func.func @twice() {
// CHECK: %[[FIRST:.*]] = thresh.output 0[] : memref<4xf32>
// CHECK: %[[DESTINATION:.*]] = bufferization.to_tensor %[[FIRST]]
// CHECK: %[[Y:.*]] = thresh.launch @negate {{.*}} outs(%[[DESTINATION]] :
// CHECK: %[[SECOND:.*]] = thresh.output 1[] : memref<4xf32>
// CHECK: materialize_in_destination %[[Y]] in restrict writable %[[SECOND]]
func.func @twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %empty = tensor.empty() : tensor<4xf32>
  %y = thresh.launch @negate ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  return %y, %y : tensor<4xf32>, tensor<4xf32>
}
thresh.kernel @negate elementwise {
^bb0(%x: tensor<4xf32>, %out: tensor<4xf32>):
  %y = arith.negf %x : tensor<4xf32>
  thresh.yield %y : tensor<4xf32>
}

// -----

// Outputs come before the first write of a state: a call whose outputs have no room must leave the session as it was.
thresh.state @rows : tensor<8x4xf32>
// CHECK-LABEL: func.func @before_states() {
// CHECK: %[[OUT:.*]] = thresh.output 0[%{{.*}}] : memref<?x4xf32>
// CHECK: thresh.append_state @rows
// CHECK: thresh.launch @negate_rows
func.func @before_states(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %position = thresh.position : index
  thresh.append_state @rows[%position], %x : tensor<?x4xf32>
  %empty = tensor.empty(%n) : tensor<?x4xf32>
  %y = thresh.launch @negate_rows ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Unless their sizes follow from what is read back.
// CHECK-LABEL: func.func @behind_states() {
// CHECK: thresh.append_state @rows
// CHECK: thresh.output 0[%{{.*}}] : memref<?x4xf32>
func.func @behind_states(%x: tensor<?x4xf32>, %sizes: tensor<1xindex>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %position = thresh.position : index
  thresh.append_state @rows[%position], %x : tensor<?x4xf32>
  %n = tensor.extract %sizes[%c0] : tensor<1xindex>
  %empty = tensor.empty(%n) : tensor<?x4xf32>
  %y = thresh.launch @negate_rows ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
thresh.kernel @negate_rows elementwise {
^bb0(%x: tensor<?x4xf32>, %out: tensor<?x4xf32>):
  %y = arith.negf %x : tensor<?x4xf32>
  thresh.yield %y : tensor<?x4xf32>
}
