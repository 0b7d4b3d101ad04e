// A buffer whose size is known only when other kernels have run has no place in the arena.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(thresh-plan-memory))' -verify-diagnostics

thresh.kernel @grow elementwise {
^bb0(%x: tensor<?xf32>, %out: tensor<?xf32>):
  %y = arith.negf %x : tensor<?xf32>
  thresh.yield %y : tensor<?xf32>
}
func.func @counted(%x: memref<?xf32>, %counts: memref<1xi64>) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{computed here}}
  %count = memref.load %counts[%c0] : memref<1xi64>
  %n = arith.index_cast %count : i64 to index
  // expected-error @+1 {{expects buffer sizes that follow from the inputs, but one depends on what is computed of them}}
  %a = memref.alloc(%n) : memref<?xf32>
  thresh.launch @grow ins(%x : memref<?xf32>) outs(%a : memref<?xf32>)
  return
}
