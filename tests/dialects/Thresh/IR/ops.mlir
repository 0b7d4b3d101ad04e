// Every op and attribute prints and reads back the same, in the custom and in the generic form.
// RUN: thresh-opt %s | FileCheck %s
// RUN: thresh-opt %s | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -mlir-print-op-generic | thresh-opt | FileCheck %s

// CHECK: thresh.parameter @plain : tensor<4x8xf32> from <file = "m.safetensors", offset = 64, length = 128, tensor = "layer.w", type = tensor<4x8xf32>>
thresh.parameter @plain : tensor<4x8xf32> from <file = "m.safetensors", offset = 64, length = 128, tensor = "layer.w", type = tensor<4x8xf32>>
// CHECK: thresh.parameter @packed : tensor<2x4x16xf32> from <file = "m.safetensors", offset = 0, length = 160, tensor = "w", type = tensor<20x4xf16>> pack <permutation = [1, 0], panel = 16>
thresh.parameter @packed : tensor<2x4x16xf32> from <file = "m.safetensors", offset = 0, length = 160, tensor = "w", type = tensor<20x4xf16>> pack <permutation = [1, 0], panel = 16>
// CHECK: thresh.parameter @mask : tensor<3xi1> from <file = "", offset = 7, length = 3, tensor = "m", type = tensor<3xi1>>
thresh.parameter @mask : tensor<3xi1> from <file = "", offset = 7, length = 3, tensor = "m", type = tensor<3xi1>>

// CHECK-LABEL: func.func @parameters
func.func @parameters() -> (tensor<4x8xf32>, memref<2x4x16xf32>) {
  // CHECK: thresh.load_parameter @plain : tensor<4x8xf32>
  %0 = thresh.load_parameter @plain : tensor<4x8xf32>
  // CHECK: thresh.load_parameter @packed : memref<2x4x16xf32>
  %1 = thresh.load_parameter @packed : memref<2x4x16xf32>
  return %0, %1 : tensor<4x8xf32>, memref<2x4x16xf32>
}

// CHECK-LABEL: func.func @shapes
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[N:.*]]: index)
func.func @shapes(%x: tensor<?x4xf32>, %n: index) {
  // CHECK: thresh.broadcast %[[X]] to [%[[N]], %[[N]]] : tensor<?x4xf32> to tensor<?x?x4xf32>
  %0 = thresh.broadcast %x to [%n, %n] : tensor<?x4xf32> to tensor<?x?x4xf32>
  // CHECK: thresh.broadcast %[[X]] to [] : tensor<?x4xf32> to tensor<2x3x4xf32>
  %1 = thresh.broadcast %x to [] : tensor<?x4xf32> to tensor<2x3x4xf32>
  // CHECK: thresh.reshape %[[X]] to [%[[N]]] : tensor<?x4xf32> to tensor<?x2x2xf32>
  %2 = thresh.reshape %x to [%n] : tensor<?x4xf32> to tensor<?x2x2xf32>
  // CHECK: thresh.transpose %[[X]] [1, 0] : tensor<?x4xf32> -> tensor<4x?xf32>
  %3 = thresh.transpose %x [1, 0] : tensor<?x4xf32> -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @matmul
func.func @matmul(%a: tensor<?x2x3x4xf16>, %b: tensor<?x2x4x5xf16>, %c: tensor<5x4xf16>, %i: tensor<3x4xi32>, %j: tensor<4x5xi32>) {
  // CHECK: thresh.matmul %{{.*}}, %{{.*}} : tensor<?x2x3x4xf16>, tensor<?x2x4x5xf16> -> tensor<?x2x3x5xf16>
  %0 = thresh.matmul %a, %b : tensor<?x2x3x4xf16>, tensor<?x2x4x5xf16> -> tensor<?x2x3x5xf16>
  // CHECK: thresh.matmul %{{.*}}, %{{.*}} {transpose_rhs} : tensor<?x2x3x4xf16>, tensor<5x4xf16> -> tensor<?x2x3x5xf16>
  %1 = thresh.matmul %a, %c {transpose_rhs} : tensor<?x2x3x4xf16>, tensor<5x4xf16> -> tensor<?x2x3x5xf16>
  // CHECK: thresh.matmul %{{.*}}, %{{.*}} : tensor<3x4xi32>, tensor<4x5xi32> -> tensor<3x5xi32>
  %2 = thresh.matmul %i, %j : tensor<3x4xi32>, tensor<4x5xi32> -> tensor<3x5xi32>
  return
}

// CHECK-LABEL: func.func @normalisation
func.func @normalisation(%x: tensor<?x4x8xf32>, %s: tensor<4x8xf32>, %t: tensor<8xf32>) {
  // CHECK: thresh.softmax %{{.*}} dimension(1) : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  %0 = thresh.softmax %x dimension(1) : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  // CHECK: thresh.softmax %{{.*}} dimension(2) log : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  %1 = thresh.softmax %x dimension(2) log : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  // CHECK: thresh.layer_norm %{{.*}} scale %{{.*}} bias %{{.*}} axis(1) epsilon(1.000000e-05) : (tensor<?x4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<?x4x8xf32>
  %2 = thresh.layer_norm %x scale %s bias %s axis(1) epsilon(1.0e-5) : (tensor<?x4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<?x4x8xf32>
  // CHECK: thresh.layer_norm %{{.*}} scale %{{.*}} axis(2) epsilon(0.000000e+00) : (tensor<?x4x8xf32>, tensor<8xf32>) -> tensor<?x4x8xf32>
  %3 = thresh.layer_norm %x scale %t axis(2) epsilon(0.0) : (tensor<?x4x8xf32>, tensor<8xf32>) -> tensor<?x4x8xf32>
  // CHECK: thresh.rms_norm %{{.*}} scale %{{.*}} axis(2) epsilon(5.000000e-01) : (tensor<?x4x8xf32>, tensor<8xf32>) -> tensor<?x4x8xf32>
  %4 = thresh.rms_norm %x scale %t axis(2) epsilon(0.5) : (tensor<?x4x8xf32>, tensor<8xf32>) -> tensor<?x4x8xf32>
  return
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<?x4x8xf32>, %m: tensor<?x4xi1>, %i: tensor<4xi32>) {
  // CHECK: thresh.reduce sum %{{.*}} dimensions [0, 2] : tensor<?x4x8xf32> -> tensor<4xf32>
  %0 = thresh.reduce sum %x dimensions [0, 2] : tensor<?x4x8xf32> -> tensor<4xf32>
  // CHECK: thresh.reduce prod %{{.*}} dimensions [1] keep : tensor<?x4x8xf32> -> tensor<?x1x8xf32>
  %1 = thresh.reduce prod %x dimensions [1] keep : tensor<?x4x8xf32> -> tensor<?x1x8xf32>
  // CHECK: thresh.reduce max %{{.*}} dimensions [0, 1, 2] : tensor<?x4x8xf32> -> tensor<f32>
  %2 = thresh.reduce max %x dimensions [0, 1, 2] : tensor<?x4x8xf32> -> tensor<f32>
  // CHECK: thresh.reduce min %{{.*}} dimensions [0] : tensor<4xi32> -> tensor<i32>
  %3 = thresh.reduce min %i dimensions [0] : tensor<4xi32> -> tensor<i32>
  // CHECK: thresh.reduce mean %{{.*}} dimensions [] : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  %4 = thresh.reduce mean %x dimensions [] : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  // CHECK: thresh.reduce and %{{.*}} dimensions [1] : tensor<?x4xi1> -> tensor<?xi1>
  %5 = thresh.reduce and %m dimensions [1] : tensor<?x4xi1> -> tensor<?xi1>
  // CHECK: thresh.reduce or %{{.*}} dimensions [0] : tensor<?x4xi1> -> tensor<4xi1>
  %6 = thresh.reduce or %m dimensions [0] : tensor<?x4xi1> -> tensor<4xi1>
  // CHECK: thresh.arg_reduce max %{{.*}} dimension(2) last keep : tensor<?x4x8xf32> -> tensor<?x4x1xi64>
  %7 = thresh.arg_reduce max %x dimension(2) last keep : tensor<?x4x8xf32> -> tensor<?x4x1xi64>
  // CHECK: thresh.arg_reduce min %{{.*}} dimension(0) : tensor<?x4x8xf32> -> tensor<4x8xi64>
  %8 = thresh.arg_reduce min %x dimension(0) : tensor<?x4x8xf32> -> tensor<4x8xi64>
  return
}

// CHECK-LABEL: func.func @gather
func.func @gather(%x: tensor<3x?x4xf32>, %i: tensor<?x2xi32>) {
  // CHECK: thresh.gather %{{.*}}[%{{.*}}] dimension(1) : tensor<3x?x4xf32>, tensor<?x2xi32> -> tensor<3x?x2x4xf32>
  %0 = thresh.gather %x[%i] dimension(1) : tensor<3x?x4xf32>, tensor<?x2xi32> -> tensor<3x?x2x4xf32>
  return
}

// CHECK: thresh.kernel @double elementwise {
thresh.kernel @double elementwise {
^bb0(%x: tensor<?xf32>, %out: tensor<?xf32>):
  %y = arith.addf %x, %x : tensor<?xf32>
  // CHECK: thresh.yield %{{.*}} : tensor<?xf32>
  thresh.yield %y : tensor<?xf32>
}
// CHECK: thresh.kernel @nothing reduction attributes {note = "n"} {
thresh.kernel @nothing reduction attributes {note = "n"} {
  // CHECK-NEXT: thresh.yield
  thresh.yield
}

// CHECK-LABEL: func.func @host
func.func @host(%t: tensor<?xf32>, %n: index, %ok: i1, %i: i64) {
  // CHECK: thresh.launch @double ins(%{{.*}} : tensor<?xf32>) outs(%{{.*}} : tensor<?xf32>) -> tensor<?xf32>
  %r = thresh.launch @double ins(%t : tensor<?xf32>) outs(%t : tensor<?xf32>) -> tensor<?xf32>
  // CHECK: thresh.input 2 : memref<?xf32>
  %in = thresh.input 2 : memref<?xf32>
  // CHECK: thresh.output 0[%{{.*}}] : memref<?xf32>
  %out = thresh.output 0[%n] : memref<?xf32>
  // CHECK: thresh.arena %{{.*}} : memref<?xi8>
  %arena = thresh.arena %n : memref<?xi8>
  // CHECK: thresh.launch @double ins(%{{.*}} : memref<?xf32>) outs(%{{.*}} : memref<?xf32>)
  thresh.launch @double ins(%in : memref<?xf32>) outs(%out : memref<?xf32>)
  // CHECK: thresh.check %{{.*}}, "100%% sure"
  thresh.check %ok, "100%% sure"
  // CHECK: thresh.check %{{.*}}, "%lld of %lld"[%{{.*}}, %{{.*}}] : i64, i64
  thresh.check %ok, "%lld of %lld" [%i, %i] : i64, i64
  return
}
