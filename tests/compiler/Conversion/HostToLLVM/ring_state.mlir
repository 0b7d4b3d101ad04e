// The rows of a ring wrap: appending and recalling them are two copies, and a call of more rows than the ring has keeps
// the last. Rows are of 16 bytes.
// RUN: thresh-opt %s -thresh-lower-host-ops | FileCheck %s

thresh.state @keys window 3 : tensor<8x4xf32> {thresh.offset = 0 : i64}

// CHECK-LABEL: func.func @append(
func.func @append() {
  %rows = thresh.input 0 : memref<?x4xf32>
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %{{.*}}[0, 7]
  // CHECK: %[[POSITION:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> i64
  // CHECK: %[[START:.*]] = arith.index_cast %[[POSITION]] : i64 to index
  %position = thresh.position : index
  // CHECK: %[[ROW_BYTES:.*]] = arith.constant 16 : i64
  // CHECK: %[[FROM:.*]] = arith.index_cast %[[START]] : index to i64
  // CHECK: %[[COUNT:.*]] = arith.index_cast %{{.*}} : index to i64
  // CHECK: %[[SOURCE:.*]] = llvm.inttoptr
  // CHECK: %[[CAPACITY:.*]] = arith.constant 8 : i64
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : i64
  // CHECK: %[[OVER:.*]] = arith.subi %[[COUNT]], %[[CAPACITY]]
  // CHECK: %[[SKIPPED:.*]] = arith.maxsi %[[OVER]], %[[ZERO]]
  // CHECK: %[[TOKEN:.*]] = arith.addi %[[FROM]], %[[SKIPPED]]
  // CHECK: %[[KEPT:.*]] = arith.subi %[[COUNT]], %[[SKIPPED]]
  // CHECK: %[[SLOT:.*]] = arith.remui %[[TOKEN]], %[[CAPACITY]]
  // CHECK: %[[TO_END:.*]] = arith.subi %[[CAPACITY]], %[[SLOT]]
  // CHECK: %[[HEAD:.*]] = arith.minsi %[[KEPT]], %[[TO_END]]
  // CHECK: %[[REST:.*]] = arith.subi %[[KEPT]], %[[HEAD]]
  // CHECK: %[[SLOT_BYTES:.*]] = arith.muli %[[SLOT]], %[[ROW_BYTES]]
  // CHECK: %[[TARGET:.*]] = llvm.getelementptr %{{.*}}[%[[SLOT_BYTES]]]
  // CHECK: %[[SKIPPED_BYTES:.*]] = arith.muli %[[SKIPPED]], %[[ROW_BYTES]]
  // CHECK: %[[FIRST:.*]] = llvm.getelementptr %[[SOURCE]][%[[SKIPPED_BYTES]]]
  // CHECK: %[[HEAD_BYTES:.*]] = arith.muli %[[HEAD]], %[[ROW_BYTES]]
  // CHECK: "llvm.intr.memcpy"(%[[TARGET]], %[[FIRST]], %[[HEAD_BYTES]])
  // CHECK: %[[REST_BYTES:.*]] = arith.muli %[[REST]], %[[ROW_BYTES]]
  // CHECK: "llvm.intr.memcpy"(%{{.*}}, %{{.*}}, %[[REST_BYTES]])
  // CHECK-NOT: memcpy
  thresh.append_state @keys[%position], %rows : memref<?x4xf32>
  return
}

// CHECK-LABEL: func.func @recall(
func.func @recall() {
  %rows = thresh.input 0 : memref<?x4xf32>
  %position = thresh.position : index
  %length = arith.constant 11 : index
  // CHECK: %[[OUT:.*]] = builtin.unrealized_conversion_cast
  %out = thresh.output 0 [%length] : memref<?x4xf32>
  // CHECK: %[[BEFORE:.*]] = arith.subi %{{.*}}, %{{.*}} : i64
  // CHECK: %[[TOKEN:.*]] = arith.subi %{{.*}}, %[[BEFORE]] : i64
  // CHECK: %[[SLOT:.*]] = arith.remui %[[TOKEN]]
  // CHECK: %[[HEAD:.*]] = arith.minsi %[[BEFORE]]
  // CHECK: %[[REST:.*]] = arith.subi %[[BEFORE]], %[[HEAD]]
  // CHECK-COUNT-3: llvm.intr.memcpy
  // CHECK-NOT: memcpy
  thresh.recall_state @keys[%position], %rows : memref<?x4xf32> outs(%out : memref<?x4xf32>)
  return
}
