// Temporary buffers share one arena: those that live at the same time have slots of their own.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(thresh-plan-memory),canonicalize)' | FileCheck %s

thresh.kernel @step elementwise {
^bb0(%x: tensor<100xf32>, %out: tensor<100xf32>):
  %y = arith.negf %x : tensor<100xf32>
  thresh.yield %y : tensor<100xf32>
}
thresh.kernel @pair elementwise {
^bb0(%x: tensor<100xf32>, %y: tensor<100xf32>, %out: tensor<100xf32>):
  %z = arith.addf %x, %y : tensor<100xf32>
  thresh.yield %z : tensor<100xf32>
}
thresh.kernel @grow elementwise {
^bb0(%x: tensor<?xf32>, %out: tensor<?xf32>):
  %y = arith.negf %x : tensor<?xf32>
  thresh.yield %y : tensor<?xf32>
}

// The third buffer takes the place of the first, which nobody reads any more: 2 x 448 bytes, 400 rounded up to 64.
// CHECK-LABEL: func.func @chain(
// CHECK-DAG: %[[TOTAL:.*]] = arith.constant 896 : index
// CHECK-DAG: %[[SECOND:.*]] = arith.constant 448 : index
// CHECK-DAG: %[[START:.*]] = arith.constant 0 : index
// CHECK: %[[ARENA:.*]] = thresh.arena %[[TOTAL]]
// CHECK: memref.view %[[ARENA]][%[[START]]][] : memref<?xi8> to memref<100xf32>
// CHECK: memref.view %[[ARENA]][%[[SECOND]]][] : memref<?xi8> to memref<100xf32>
// CHECK: memref.view %[[ARENA]][%[[START]]][] : memref<?xi8> to memref<100xf32>
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @chain(%x: memref<100xf32>, %y: memref<100xf32>) {
  %a = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%x : memref<100xf32>) outs(%a : memref<100xf32>)
  %b = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%a : memref<100xf32>) outs(%b : memref<100xf32>)
  %c = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%b : memref<100xf32>) outs(%c : memref<100xf32>)
  thresh.launch @step ins(%c : memref<100xf32>) outs(%y : memref<100xf32>)
  return
}

// The first buffer is read again at the end: three slots.
// CHECK-LABEL: func.func @overlapping(
// CHECK-DAG: %[[TOTAL:.*]] = arith.constant 1344 : index
// CHECK: thresh.arena %[[TOTAL]]
func.func @overlapping(%x: memref<100xf32>, %y: memref<100xf32>) {
  %a = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%x : memref<100xf32>) outs(%a : memref<100xf32>)
  %b = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%a : memref<100xf32>) outs(%b : memref<100xf32>)
  %c = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%b : memref<100xf32>) outs(%c : memref<100xf32>)
  thresh.launch @pair ins(%a, %c : memref<100xf32>, memref<100xf32>) outs(%y : memref<100xf32>)
  return
}

// A view of a buffer keeps it alive.
// CHECK-LABEL: func.func @through_a_view(
// CHECK-DAG: %[[TOTAL:.*]] = arith.constant 1344 : index
// CHECK: thresh.arena %[[TOTAL]]
func.func @through_a_view(%x: memref<100xf32>, %y: memref<100xf32>) {
  %a = memref.alloc() : memref<100xf32>
  %square = memref.expand_shape %a [[0, 1]] output_shape [10, 10] : memref<100xf32> into memref<10x10xf32>
  thresh.launch @step ins(%x : memref<100xf32>) outs(%a : memref<100xf32>)
  %b = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%x : memref<100xf32>) outs(%b : memref<100xf32>)
  %c = memref.alloc() : memref<100xf32>
  thresh.launch @step ins(%b : memref<100xf32>) outs(%c : memref<100xf32>)
  %line = memref.collapse_shape %square [[0, 1]] : memref<10x10xf32> into memref<100xf32>
  thresh.launch @pair ins(%line, %c : memref<100xf32>, memref<100xf32>) outs(%y : memref<100xf32>)
  return
}

// Sizes are computed at the start of the call: 4 bytes an element, never nothing, and a slot as large as its largest buffer.
// CHECK-LABEL: func.func @dynamic(
// CHECK-DAG: %[[X:.*]] = thresh.input 0
// CHECK-DAG: %[[N:.*]] = memref.dim %[[X]], %c0
// CHECK: %[[BYTES:.*]] = arith.muli %[[N]], %c4
// CHECK: %[[MORE:.*]] = arith.addi %[[BYTES]], %c127
// CHECK: %[[ALIGNED:.*]] = arith.andi %[[MORE]], %c-64
// CHECK: %[[ARENA:.*]] = thresh.arena %[[ALIGNED]]
// CHECK: %[[VIEW:.*]] = memref.view %[[ARENA]][%c0][%[[N]]] : memref<?xi8> to memref<?xf32>
// CHECK: thresh.launch @grow ins(%[[X]] : memref<?xf32>) outs(%[[VIEW]] : memref<?xf32>)
func.func @dynamic() {
  %c0 = arith.constant 0 : index
  %x = thresh.input 0 : memref<?xf32>
  %n = memref.dim %x, %c0 : memref<?xf32>
  %a = memref.alloc(%n) : memref<?xf32>
  thresh.launch @grow ins(%x : memref<?xf32>) outs(%a : memref<?xf32>)
  %y = thresh.output 0[%n] : memref<?xf32>
  thresh.launch @grow ins(%a : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}

// CHECK-LABEL: func.func @nothing_to_plan(
// CHECK-NOT: thresh.arena
// CHECK: return
func.func @nothing_to_plan(%x: memref<100xf32>, %y: memref<100xf32>) {
  thresh.launch @step ins(%x : memref<100xf32>) outs(%y : memref<100xf32>)
  return
}
