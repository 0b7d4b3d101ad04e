// Matrices that only products and row gathers read become codes and scales, or halves.
// RUN: thresh-opt %s --thresh-quantize-parameters=format=q8 | FileCheck %s '-D$FORMAT=q8' '-D$LINES=16'
// RUN: thresh-opt %s --thresh-quantize-parameters=format=q4 | FileCheck %s '-D$FORMAT=q4' '-D$LINES=8'
// RUN: thresh-opt %s --thresh-quantize-parameters=format=f16 | FileCheck %s --check-prefix=HALF '-D$E=f16'
// RUN: thresh-opt %s --thresh-quantize-parameters=format=bf16 | FileCheck %s --check-prefix=HALF '-D$E=bf16'
// RUN: thresh-opt %s --thresh-quantize-parameters=format=none | FileCheck %s --check-prefix=NONE
// NONE-NOT: quantized
// NONE-NOT: pack

// CHECK: thresh.parameter @rows_codes : tensor<3x[[$LINES]]x16x4xi8> from {{.*}}tensor = "r"{{.*}} pack <permutation = [1, 0], panel = 16, format = [[$FORMAT]]_codes>
// CHECK: thresh.parameter @rows_scales : tensor<3x2x16xf16> from {{.*}}tensor = "r"{{.*}} pack <permutation = [1, 0], panel = 16, format = [[$FORMAT]]_scales>
// CHECK-NOT: thresh.parameter @rows :
// HALF: thresh.parameter @rows : tensor<40x64x[[$E]]>
thresh.parameter @rows : tensor<40x64xf32> from <file = "m", offset = 0, length = 10240, tensor = "r", type = tensor<40x64xf32>>
// CHECK: thresh.parameter @columns_codes : tensor<3x[[$LINES]]x16x4xi8> from {{.*}} pack <permutation = [0, 1], panel = 16, format = [[$FORMAT]]_codes>
// CHECK: thresh.parameter @columns_scales : tensor<3x2x16xf16> from {{.*}} pack <permutation = [0, 1], panel = 16, format = [[$FORMAT]]_scales>
// HALF: thresh.parameter @columns : tensor<64x40x[[$E]]>
thresh.parameter @columns : tensor<64x40xf32> from <file = "m", offset = 0, length = 10240, tensor = "c", type = tensor<64x40xf32>>
// CHECK: thresh.parameter @tied_codes : tensor<3x[[$LINES]]x16x4xi8>
// CHECK: thresh.parameter @tied_scales : tensor<3x2x16xf16>
// HALF: thresh.parameter @tied : tensor<40x64x[[$E]]>
thresh.parameter @tied : tensor<40x64xf32> from <file = "m", offset = 0, length = 10240, tensor = "t", type = tensor<40x64xf32>>
// CHECK: thresh.parameter @table_codes : tensor<1x[[$LINES]]x16x4xi8>
// CHECK: thresh.parameter @table_scales : tensor<1x2x16xf16>
// HALF: thresh.parameter @table : tensor<5x64x[[$E]]>
thresh.parameter @table : tensor<5x64xf32> from <file = "m", offset = 0, length = 1280, tensor = "g", type = tensor<5x64xf32>>
// CHECK: thresh.parameter @vector : tensor<64xf32>
// HALF: thresh.parameter @vector : tensor<64xf32>
thresh.parameter @vector : tensor<64xf32> from <file = "m", offset = 0, length = 256, tensor = "v", type = tensor<64xf32>>

// CHECK-LABEL: func.func @both_orientations
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>)
// CHECK-DAG: %[[RC:.*]] = thresh.load_parameter @rows_codes
// CHECK-DAG: %[[RS:.*]] = thresh.load_parameter @rows_scales
// CHECK: thresh.quantized_matmul [[$FORMAT]] %[[X]], %[[RC]], %[[RS]] : tensor<?x64xf32>, tensor<3x[[$LINES]]x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
// CHECK-DAG: %[[CC:.*]] = thresh.load_parameter @columns_codes
// CHECK-DAG: %[[CS:.*]] = thresh.load_parameter @columns_scales
// CHECK: thresh.quantized_matmul [[$FORMAT]] %[[X]], %[[CC]], %[[CS]]
// CHECK-NOT: thresh.matmul
// HALF-LABEL: func.func @both_orientations
// HALF: thresh.matmul %{{.*}}, %{{.*}} {transpose_rhs} : tensor<?x64xf32>, tensor<40x64x[[$E]]> -> tensor<?x40xf32>
// HALF: thresh.matmul %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<64x40x[[$E]]> -> tensor<?x40xf32>
func.func @both_orientations(%x: tensor<?x64xf32>) -> (tensor<?x40xf32>, tensor<?x40xf32>) {
  %r = thresh.load_parameter @rows : tensor<40x64xf32>
  %c = thresh.load_parameter @columns : tensor<64x40xf32>
  %a = thresh.matmul %x, %r {transpose_rhs} : tensor<?x64xf32>, tensor<40x64xf32> -> tensor<?x40xf32>
  %b = thresh.matmul %x, %c : tensor<?x64xf32>, tensor<64x40xf32> -> tensor<?x40xf32>
  return %a, %b : tensor<?x40xf32>, tensor<?x40xf32>
}

// All dimensions but the last become one, and come back.
// CHECK-LABEL: func.func @batched
// CHECK-SAME: (%[[X:.*]]: tensor<?x3x64xf32>)
// CHECK: %[[FLAT:.*]] = thresh.reshape %[[X]] to [%{{.*}}] : tensor<?x3x64xf32> to tensor<?x64xf32>
// CHECK: %[[Y:.*]] = thresh.quantized_matmul [[$FORMAT]] %[[FLAT]], %{{.*}}, %{{.*}} -> tensor<?x40xf32>
// CHECK: %[[RESULT:.*]] = thresh.reshape %[[Y]] to [%{{.*}}] : tensor<?x40xf32> to tensor<?x3x40xf32>
// CHECK: return %[[RESULT]]
func.func @batched(%x: tensor<?x3x64xf32>) -> tensor<?x3x40xf32> {
  %r = thresh.load_parameter @rows : tensor<40x64xf32>
  %a = thresh.matmul %x, %r {transpose_rhs} : tensor<?x3x64xf32>, tensor<40x64xf32> -> tensor<?x3x40xf32>
  return %a : tensor<?x3x40xf32>
}

// A table of embeddings that is the head as well: one copy of codes and scales.
// CHECK-LABEL: func.func @tied_embeddings
// CHECK-DAG: %[[GC:.*]] = thresh.load_parameter @tied_codes
// CHECK-DAG: %[[GS:.*]] = thresh.load_parameter @tied_scales
// CHECK: %[[ROW:.*]] = thresh.quantized_gather [[$FORMAT]] %[[GC]], %[[GS]]{{ ?}}[%{{.*}}] rows(40) : {{.*}} -> tensor<?x64xf32>
// CHECK: thresh.quantized_matmul [[$FORMAT]] %[[ROW]], %{{.*}}, %{{.*}} -> tensor<?x40xf32>
// HALF-LABEL: func.func @tied_embeddings
// HALF: %[[NARROW:.*]] = thresh.gather %{{.*}}[%{{.*}}] dimension(0) : tensor<40x64x[[$E]]>, tensor<?xi64> -> tensor<?x64x[[$E]]>
// HALF: %[[WIDE:.*]] = arith.extf %[[NARROW]] : tensor<?x64x[[$E]]> to tensor<?x64xf32>
// HALF: thresh.matmul %[[WIDE]], %{{.*}} {transpose_rhs} : tensor<?x64xf32>, tensor<40x64x[[$E]]>
func.func @tied_embeddings(%ids: tensor<?xi64>) -> tensor<?x40xf32> {
  %t = thresh.load_parameter @tied : tensor<40x64xf32>
  %x = thresh.gather %t[%ids] dimension(0) : tensor<40x64xf32>, tensor<?xi64> -> tensor<?x64xf32>
  %u = thresh.load_parameter @tied : tensor<40x64xf32>
  %y = thresh.matmul %x, %u {transpose_rhs} : tensor<?x64xf32>, tensor<40x64xf32> -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// CHECK-LABEL: func.func @gather_only
// CHECK: thresh.quantized_gather [[$FORMAT]] %{{.*}}, %{{.*}}[%{{.*}}] rows(5) : tensor<1x[[$LINES]]x16x4xi8>, tensor<1x2x16xf16>, tensor<2x?xi32> -> tensor<2x?x64xf32>
// Vectors have no groups worth a scale.
// CHECK: thresh.gather %{{.*}} : tensor<64xf32>
func.func @gather_only(%ids: tensor<2x?xi32>) -> (tensor<2x?x64xf32>, tensor<2x?xf32>) {
  %t = thresh.load_parameter @table : tensor<5x64xf32>
  %x = thresh.gather %t[%ids] dimension(0) : tensor<5x64xf32>, tensor<2x?xi32> -> tensor<2x?x64xf32>
  %v = thresh.load_parameter @vector : tensor<64xf32>
  %y = thresh.gather %v[%ids] dimension(0) : tensor<64xf32>, tensor<2x?xi32> -> tensor<2x?xf32>
  return %x, %y : tensor<2x?x64xf32>, tensor<2x?xf32>
}
