// A state is an offset into the session's memory; appending rows is one copy.
// RUN: thresh-opt %s -thresh-lower-host-ops | FileCheck %s

thresh.state @keys : tensor<16x2x4xf32> {thresh.offset = 128 : i64}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr) -> i32
func.func @main() {
  %rows = thresh.input 0 : memref<?x2x4xf32>
  // CHECK: %[[POSITION_FIELD:.*]] = llvm.getelementptr %[[CALL]][0, 7]
  // CHECK: %[[POSITION:.*]] = llvm.load %[[POSITION_FIELD]] : !llvm.ptr -> i64
  %position = thresh.position : index
  // CHECK: %[[STATE_FIELD:.*]] = llvm.getelementptr %[[CALL]][0, 6]
  // CHECK: %[[STATE:.*]] = llvm.load %[[STATE_FIELD]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[OFFSET:.*]] = arith.constant 128 : i64
  // CHECK: %[[KEYS:.*]] = llvm.getelementptr %[[STATE]][%[[OFFSET]]]
  // CHECK: %[[ROW_BYTES:.*]] = arith.constant 32 : i64
  // CHECK: %[[START:.*]] = arith.muli %{{.*}}, %[[ROW_BYTES]]
  // CHECK: %[[TARGET:.*]] = llvm.getelementptr %[[KEYS]][%[[START]]]
  // CHECK: "llvm.intr.memcpy"(%[[TARGET]], %{{.*}}, %{{.*}})
  thresh.append_state @keys[%position], %rows : memref<?x2x4xf32>
  // CHECK: llvm.getelementptr
  // CHECK: builtin.unrealized_conversion_cast %{{.*}} : !llvm.struct<{{.*}}> to memref<?x2x4xf32>
  %all = thresh.read_state @keys[%position] : memref<?x2x4xf32>
  %c0 = arith.constant 0 : index
  %n = memref.dim %all, %c0 : memref<?x2x4xf32>
  %out = thresh.output 0 [%n] : memref<?x2x4xf32>
  memref.copy %all, %out : memref<?x2x4xf32> to memref<?x2x4xf32>
  return
}
