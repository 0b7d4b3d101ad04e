// Launches run on memrefs; kernels stay on tensors; strided views are copied for them.
// RUN: thresh-opt %s --thresh-bind-entry-points --thresh-bufferize-entry-points --canonicalize | FileCheck %s

thresh.parameter @scale : tensor<4xf32> from <file = "m", offset = 0, length = 16, tensor = "scale", type = tensor<4xf32>>

// CHECK-LABEL: func.func @two_steps() {
// CHECK-DAG: %[[X:.*]] = thresh.input 0 : memref<4xf32>
// CHECK-DAG: %[[SCALE:.*]] = thresh.load_parameter @scale : memref<4xf32>
// CHECK: %[[BETWEEN:.*]] = memref.alloc() {{.*}}: memref<4xf32>
// CHECK: thresh.launch @product ins(%[[X]], %[[SCALE]] : memref<4xf32>, memref<4xf32>) outs(%[[BETWEEN]] : memref<4xf32>)
// CHECK: %[[OUT:.*]] = thresh.output 0[] : memref<4xf32>
// CHECK: thresh.launch @product ins(%[[BETWEEN]], %[[SCALE]] : memref<4xf32>, memref<4xf32>) outs(%[[OUT]] : memref<4xf32>)
// CHECK-NOT: memref.copy
// CHECK: return
func.func @two_steps(%x: tensor<4xf32>) -> tensor<4xf32> {
  %scale = thresh.load_parameter @scale : tensor<4xf32>
  %a = tensor.empty() : tensor<4xf32>
  %once = thresh.launch @product ins(%x, %scale : tensor<4xf32>, tensor<4xf32>) outs(%a : tensor<4xf32>) -> tensor<4xf32>
  %b = tensor.empty() : tensor<4xf32>
  %twice = thresh.launch @product ins(%once, %scale : tensor<4xf32>, tensor<4xf32>) outs(%b : tensor<4xf32>) -> tensor<4xf32>
  return %twice : tensor<4xf32>
}

// CHECK-LABEL: func.func @strided() {
// CHECK: %[[X:.*]] = thresh.input 0 : memref<4x4xf32>
// CHECK: %[[COLUMN:.*]] = memref.subview %[[X]][0, 1] [4, 1] [1, 1]
// CHECK: %[[DENSE:.*]] = memref.alloc() : memref<4xf32>
// CHECK: memref.copy %[[COLUMN]], %[[DENSE]]
// CHECK: thresh.launch @product ins(%[[DENSE]], %{{.*}}) outs(
func.func @strided(%x: tensor<4x4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %column = tensor.extract_slice %x[0, 1] [4, 1] [1, 1] : tensor<4x4xf32> to tensor<4xf32>
  %empty = tensor.empty() : tensor<4xf32>
  %r = thresh.launch @product ins(%column, %y : tensor<4xf32>, tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK: thresh.kernel @product elementwise
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>)
thresh.kernel @product elementwise {
^bb0(%x: tensor<4xf32>, %y: tensor<4xf32>, %out: tensor<4xf32>):
  %z = arith.mulf %x, %y : tensor<4xf32>
  thresh.yield %z : tensor<4xf32>
}
