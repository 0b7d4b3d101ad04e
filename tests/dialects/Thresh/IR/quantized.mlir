// RUN: thresh-opt %s | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -mlir-print-op-generic | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(resolve-ranked-shaped-type-result-dims))' | FileCheck %s --check-prefix=SHAPE

// CHECK: thresh.parameter @codes : tensor<3x16x16x4xi8> from {{.*}} pack <permutation = [1, 0], panel = 16, format = q8_codes>
thresh.parameter @codes : tensor<3x16x16x4xi8> from <file = "m", offset = 0, length = 10240, tensor = "w", type = tensor<40x64xf32>> pack <permutation = [1, 0], panel = 16, format = q8_codes>
// CHECK: thresh.parameter @scales : tensor<3x2x16xf16> from {{.*}} pack <permutation = [1, 0], panel = 16, format = q8_scales>
thresh.parameter @scales : tensor<3x2x16xf16> from <file = "m", offset = 0, length = 10240, tensor = "w", type = tensor<40x64xf32>> pack <permutation = [1, 0], panel = 16, format = q8_scales>
// CHECK: thresh.parameter @narrow_codes : tensor<3x8x16x4xi8> from {{.*}} pack <permutation = [0, 1], panel = 16, format = q4_codes>
thresh.parameter @narrow_codes : tensor<3x8x16x4xi8> from <file = "m", offset = 0, length = 10240, tensor = "v", type = tensor<64x40xf32>> pack <permutation = [0, 1], panel = 16, format = q4_codes>
// CHECK: thresh.parameter @narrow_scales : tensor<3x2x16xf16> from {{.*}} pack <permutation = [0, 1], panel = 16, format = q4_scales>
thresh.parameter @narrow_scales : tensor<3x2x16xf16> from <file = "m", offset = 0, length = 10240, tensor = "v", type = tensor<64x40xf32>> pack <permutation = [0, 1], panel = 16, format = q4_scales>
// CHECK: thresh.parameter @noise : tensor<2xf32> from <file = "", offset = 0, length = 8, tensor = "n", type = tensor<2xf32>, seed = 7>
thresh.parameter @noise : tensor<2xf32> from <file = "", offset = 0, length = 8, tensor = "n", type = tensor<2xf32>, seed = 7>

// CHECK-LABEL: func.func @products
// CHECK: thresh.quantized_matmul q8 %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<3x16x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
// CHECK: thresh.quantized_matmul q4 %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<3x8x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
func.func @products(%x: tensor<?x64xf32>, %c: tensor<3x16x16x4xi8>, %d: tensor<3x8x16x4xi8>, %s: tensor<3x2x16xf16>) -> (tensor<?x40xf32>, tensor<?x40xf32>) {
  %y = thresh.quantized_matmul q8 %x, %c, %s : tensor<?x64xf32>, tensor<3x16x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  %z = thresh.quantized_matmul q4 %x, %d, %s : tensor<?x64xf32>, tensor<3x8x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  return %y, %z : tensor<?x40xf32>, tensor<?x40xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK: thresh.quantized_gather q8 %{{.*}}, %{{.*}}[%{{.*}}] rows(40) : tensor<3x16x16x4xi8>, tensor<3x2x16xf16>, tensor<?x3xi64> -> tensor<?x3x64xf32>
// CHECK: thresh.quantized_gather q4 %{{.*}}, %{{.*}}[%{{.*}}] rows(48) : tensor<3x8x16x4xi8>, tensor<3x2x16xf16>, tensor<i32> -> tensor<64xf32>
func.func @rows(%i: tensor<?x3xi64>, %j: tensor<i32>, %c: tensor<3x16x16x4xi8>, %d: tensor<3x8x16x4xi8>, %s: tensor<3x2x16xf16>) -> (tensor<?x3x64xf32>, tensor<64xf32>) {
  %y = thresh.quantized_gather q8 %c, %s[%i] rows(40) : tensor<3x16x16x4xi8>, tensor<3x2x16xf16>, tensor<?x3xi64> -> tensor<?x3x64xf32>
  %z = thresh.quantized_gather q4 %d, %s[%j] rows(48) : tensor<3x8x16x4xi8>, tensor<3x2x16xf16>, tensor<i32> -> tensor<64xf32>
  return %y, %z : tensor<?x3x64xf32>, tensor<64xf32>
}

// SHAPE-LABEL: func.func @extents
// SHAPE-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[I:.*]]: tensor<3x?xi64>,
// SHAPE-DAG: %[[C0:.*]] = arith.constant 0 : index
// SHAPE-DAG: %[[C1:.*]] = arith.constant 1 : index
// SHAPE-DAG: %[[M:.*]] = tensor.dim %[[X]], %[[C0]]
// SHAPE-DAG: %[[N:.*]] = tensor.dim %[[I]], %[[C1]]
// SHAPE: return %[[M]], %[[N]]
func.func @extents(%x: tensor<?x64xf32>, %i: tensor<3x?xi64>, %c: tensor<3x16x16x4xi8>, %s: tensor<3x2x16xf16>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = thresh.quantized_matmul q8 %x, %c, %s : tensor<?x64xf32>, tensor<3x16x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  %z = thresh.quantized_gather q8 %c, %s[%i] rows(40) : tensor<3x16x16x4xi8>, tensor<3x2x16xf16>, tensor<3x?xi64> -> tensor<3x?x64xf32>
  %m = tensor.dim %y, %c0 : tensor<?x40xf32>
  %n = tensor.dim %z, %c1 : tensor<3x?x64xf32>
  return %m, %n : index, index
}
