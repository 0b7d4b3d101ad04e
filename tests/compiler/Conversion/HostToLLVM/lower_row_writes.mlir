// Starts are checked before anything is written; the past is copied only into other memory.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(thresh-lower-row-writes))' | FileCheck %s

// CHECK-LABEL: func.func @cache(
// CHECK: %[[ELSEWHERE:.*]] = arith.cmpi ne
// CHECK: thresh.check %{{.*}}, "a cache of %lld rows cannot become one of %lld in its own memory"
// CHECK: scf.for
// CHECK: thresh.check %{{.*}}, "rows from %lld on do not fit into a cache of %lld"
// CHECK: scf.if %[[ELSEWHERE]] {
// CHECK: scf.for
// CHECK: "llvm.intr.memcpy"
// CHECK: "llvm.intr.memset"
// CHECK: scf.for
// CHECK: memref.load
// CHECK: "llvm.intr.memcpy"
// CHECK-NOT: thresh.write_rows
func.func @cache(%past: memref<?x2x?x4xf32>, %rows: memref<?x2x?x4xf32>, %starts: memref<?xi64>, %out: memref<?x2x?x4xf32>) {
  thresh.write_rows %past, %rows at %starts axis(2) outs(%out : memref<?x2x?x4xf32>)
      : memref<?x2x?x4xf32>, memref<?x2x?x4xf32>, memref<?xi64>
  return
}
