// Kernels index with 32 bits: dynamic extents are checked by the call, static ones here.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics -thresh-lower-host-ops | FileCheck %s

thresh.kernel @copy elementwise {
^bb0(%x: tensor<?x?xi8>, %out: tensor<?x?xi8>):
  thresh.yield %x : tensor<?x?xi8>
}
// CHECK: llvm.mlir.global private constant @[[MESSAGE:.*]]("a tensor of the model has %lld elements
// CHECK-LABEL: func.func @dynamic
func.func @dynamic() {
  // CHECK: %[[LIMIT:.*]] = arith.constant 2147483647 : i64
  // CHECK: %[[FITS:.*]] = arith.cmpi sle, %{{.*}}, %[[LIMIT]]
  // CHECK: cf.cond_br %[[FITS]], ^{{.*}}, ^[[REPORT:.*]]
  // CHECK: llvm.call @copy
  %x = thresh.input 0 : memref<?x?xi8>
  %c = arith.constant 3 : index
  %y = thresh.output 0 [%c, %c] : memref<?x?xi8>
  thresh.launch @copy ins(%x : memref<?x?xi8>) outs(%y : memref<?x?xi8>)
  return
}

// -----

thresh.kernel @fill elementwise {
^bb0(%out: tensor<65536x65536xi8>):
  thresh.yield %out : tensor<65536x65536xi8>
}
func.func @static() {
  %y = thresh.output 0 [] : memref<65536x65536xi8>
  // expected-error @+1 {{expects tensors of at most 2147483647 elements, but got 'memref<65536x65536xi8>'}}
  thresh.launch @fill ins() outs(%y : memref<65536x65536xi8>)
  return
}
