// Round trip of thresh.write_rows, and the extents of its result.
// RUN: thresh-opt %s | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -canonicalize | FileCheck %s --check-prefix=DIM

// CHECK-LABEL: func.func @cache
// CHECK: thresh.write_rows %{{.*}}, %{{.*}} at %{{.*}} axis(2) outs(%{{.*}} : tensor<?x2x?x4xf32>)
// CHECK-SAME: : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?xi64> -> tensor<?x2x?x4xf32>
// DIM-LABEL: func.func @cache
// DIM-SAME: %[[LENGTH:[a-z0-9]*]]: index)
// DIM: return %{{.*}}, %[[LENGTH]]
func.func @cache(%past: tensor<?x2x?x4xf32>, %rows: tensor<?x2x?x4xf32>, %starts: tensor<?xi64>, %batch: index,
                 %length: index) -> (tensor<?x2x?x4xf32>, index) {
  %memory = tensor.empty(%batch, %length) : tensor<?x2x?x4xf32>
  %present = thresh.write_rows %past, %rows at %starts axis(2) outs(%memory : tensor<?x2x?x4xf32>)
      : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?xi64> -> tensor<?x2x?x4xf32>
  %c2 = arith.constant 2 : index
  %n = tensor.dim %present, %c2 : tensor<?x2x?x4xf32>
  return %present, %n : tensor<?x2x?x4xf32>, index
}

// CHECK-LABEL: func.func @memory
// CHECK: thresh.write_rows {{.*}} : memref<1x8x4xf32>, memref<1x?x4xf32>, memref<1xi64>{{$}}
func.func @memory(%past: memref<1x8x4xf32>, %rows: memref<1x?x4xf32>, %starts: memref<1xi64>, %out: memref<1x8x4xf32>) {
  thresh.write_rows %past, %rows at %starts axis(1) outs(%out : memref<1x8x4xf32>)
      : memref<1x8x4xf32>, memref<1x?x4xf32>, memref<1xi64>
  return
}
