// Entry points become functions of the C interface in runtime/include/thresh/abi.h.
// RUN: thresh-opt %s --thresh-lower-host-ops | FileCheck %s

module attributes {thresh.kernel_suffix = "__host"} {

// Kernels are extern functions of one halide_buffer_t pointer per operand, named after the target.
// CHECK: llvm.func @product__host(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK: llvm.mlir.global private constant @[[$MESSAGE:.*]]("expects 3 rows, but got %lld\00")
// CHECK-NOT: thresh.parameter
// CHECK-NOT: thresh.kernel
thresh.parameter @scale : tensor<4xf32> from <file = "m", offset = 0, length = 16, tensor = "scale", type = tensor<4xf32>> {thresh.offset = 128 : i64}
thresh.kernel @product elementwise {
^bb0(%x: tensor<?x4xf32>, %y: tensor<4xf32>, %out: tensor<?x4xf32>):
  thresh.yield %out : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr) -> i32
// Room for the three buffers and five dimensions of the largest launch.
// CHECK: %[[BUFFERS:.*]] = llvm.alloca %c3_i64 x !llvm.struct<(i64, ptr, ptr, i64, i8, i8, i16, i32, ptr, ptr)>
// CHECK: %[[DIMS:.*]] = llvm.alloca %c5_i64 x !llvm.struct<(i32, i32, i32, i32)>
// The second input: its data and the extents that the call has.
// CHECK: %[[INPUTS_FIELD:.*]] = llvm.getelementptr %[[CALL]][0, 0]
// CHECK: %[[INPUTS:.*]] = llvm.load %[[INPUTS_FIELD]]
// CHECK: %[[VIEW:.*]] = llvm.getelementptr %[[INPUTS]][1]
// CHECK: llvm.getelementptr %[[VIEW]][0, 0]
// CHECK: llvm.getelementptr %[[VIEW]][0, 1]
// The parameter lies 128 bytes into the weights.
// CHECK: %[[WEIGHTS_FIELD:.*]] = llvm.getelementptr %[[CALL]][0, 1]
// CHECK: %[[WEIGHTS:.*]] = llvm.load %[[WEIGHTS_FIELD]]
// CHECK: llvm.getelementptr %[[WEIGHTS]][%c128_i64]
// The check goes on or to its report.
// CHECK: %[[OK:.*]] = arith.cmpi sge
// CHECK: cf.cond_br %[[OK]], ^[[GO_ON:.*]], ^[[REPORT:.*]]
// CHECK: ^[[GO_ON]]:
// The output's memory may be refused.
// CHECK: %[[OUTPUT_FIELD:.*]] = llvm.getelementptr %[[CALL]][0, 4]
// CHECK: %[[OUTPUT:.*]] = llvm.load %[[OUTPUT_FIELD]]
// CHECK: %[[MEMORY:.*]] = llvm.call %[[OUTPUT]](%{{.*}}, %c0_i32{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> !llvm.ptr
// CHECK: %[[GIVEN:.*]] = llvm.icmp "ne" %[[MEMORY]]
// CHECK: cf.cond_br %[[GIVEN]], ^{{.*}}, ^[[FAIL:.*]]{{$}}
// A buffer: f32 (code 2, 32 bits), two dimensions, the last one first.
// CHECK: %[[BUFFER:.*]] = llvm.getelementptr %[[BUFFERS]][0]
// CHECK: %[[CODE:.*]] = llvm.getelementptr %[[BUFFER]][0, 4]
// CHECK-NEXT: llvm.store %c2_i8, %[[CODE]]
// CHECK: %[[BITS:.*]] = llvm.getelementptr %[[BUFFER]][0, 5]
// CHECK-NEXT: llvm.store %c32_i8, %[[BITS]]
// CHECK: %[[RANK:.*]] = llvm.getelementptr %[[BUFFER]][0, 7]
// CHECK-NEXT: llvm.store %c2_i32, %[[RANK]]
// CHECK: %[[INNER:.*]] = llvm.getelementptr %[[DIMS]][0]
// CHECK: %[[EXTENT:.*]] = llvm.getelementptr %[[INNER]][0, 1]
// CHECK-NEXT: llvm.store %c4_i32{{.*}}, %[[EXTENT]]
// CHECK: %[[STRIDE:.*]] = llvm.getelementptr %[[INNER]][0, 2]
// CHECK-NEXT: llvm.store %c1_i32{{.*}}, %[[STRIDE]]
// CHECK: %[[STATUS:.*]] = llvm.call @product__host(%[[BUFFER]],
// CHECK: %[[FINE:.*]] = arith.cmpi eq, %[[STATUS]]
// CHECK: cf.cond_br %[[FINE]], ^{{.*}}, ^[[FAIL]]
// CHECK: return %{{.*}} : i32
// CHECK: ^[[REPORT]]:
// CHECK: %[[TEXT:.*]] = llvm.mlir.addressof @[[$MESSAGE]]
// CHECK: llvm.getelementptr %[[CALL]][0, 5]
// CHECK: llvm.call %{{.*}}(%{{.*}}, %[[TEXT]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i64, i64) -> ()
// CHECK: cf.br ^[[FAIL]]
// CHECK: ^[[FAIL]]:
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1 : i32
// CHECK-NEXT: return %[[ONE]] : i32
func.func @main() {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %x = thresh.input 1 : memref<?x4xf32>
  %w = thresh.load_parameter @scale : memref<4xf32>
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %i = arith.index_cast %n : index to i64
  %ok = arith.cmpi sge, %n, %c3 : index
  thresh.check %ok, "expects 3 rows, but got %lld" [%i] : i64
  %y = thresh.output 0[%n] : memref<?x4xf32>
  thresh.launch @product ins(%x, %w : memref<?x4xf32>, memref<4xf32>) outs(%y : memref<?x4xf32>)
  return
}
}
