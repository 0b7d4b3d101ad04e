// Weights that sparse kernels read row by row get narrower row by row, beside the panels of the dense products.
// RUN: thresh-opt %s -thresh-quantize-parameters=format=q8 -verify-diagnostics | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: thresh-opt %s -thresh-quantize-parameters=format=q4 | FileCheck %s --check-prefixes=CHECK,Q4
// RUN: thresh-opt %s -thresh-quantize-parameters=format=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: thresh-opt %s -thresh-quantize-parameters=format=f16 | FileCheck %s --check-prefixes=CHECK,F16
// RUN: thresh-opt %s -thresh-quantize-parameters | FileCheck %s --check-prefix=NONE

// Q8-DAG: thresh.parameter @up_rows_codes : tensor<96x64xi8> from <file = "m", offset = 512, {{.*}} pack <permutation = [0, 1], panel = 0, format = q8_row_codes>
// Q8-DAG: thresh.parameter @up_rows_scales : tensor<96x2xf16> from <file = "m", offset = 512, {{.*}} pack <permutation = [0, 1], panel = 0, format = q8_row_scales>
// Q8-DAG: thresh.parameter @down_rows_codes : tensor<96x32xi8> from <file = "m", offset = 0, {{.*}} type = tensor<32x96xf32>> pack <permutation = [1, 0], panel = 0, format = q8_row_codes>
// Q8-DAG: thresh.parameter @down_rows_scales : tensor<96x1xf16> from {{.*}} pack <permutation = [1, 0], panel = 0, format = q8_row_scales>
// Q8-DAG: thresh.parameter @up_codes : tensor<6x16x16x4xi8> from {{.*}} panel = 16, format = q8_codes>
// Q4-DAG: thresh.parameter @up_rows_codes : tensor<96x32xi8> from {{.*}} pack <permutation = [0, 1], panel = 0, format = q4_row_codes>
// Q4-DAG: thresh.parameter @up_rows_scales : tensor<96x2xf16> from {{.*}} pack <permutation = [0, 1], panel = 0, format = q4_row_scales>
// Q4-DAG: thresh.parameter @down_rows_codes : tensor<96x16xi8> from {{.*}} pack <permutation = [1, 0], panel = 0, format = q4_row_codes>
// Q4-DAG: thresh.parameter @down_rows_scales : tensor<96x1xf16> from {{.*}} pack <permutation = [1, 0], panel = 0, format = q4_row_scales>
// BF16-DAG: thresh.parameter @up_rows_bf16 : tensor<96x64xbf16> from {{.*}} pack <permutation = [0, 1], panel = 0>
// BF16-DAG: thresh.parameter @down_rows_bf16 : tensor<96x32xbf16> from {{.*}} pack <permutation = [1, 0], panel = 0>
// BF16-DAG: thresh.parameter @up : tensor<96x64xbf16>
// F16-DAG: thresh.parameter @down_rows_f16 : tensor<96x32xf16> from
// A width of 40: no groups, but halves.
// Q8-DAG: thresh.parameter @odd_rows : tensor<96x40xf32>
// BF16-DAG: thresh.parameter @odd_rows_bf16 : tensor<96x40xbf16>
// CHECK-NOT: thresh.parameter @up_rows :
// CHECK-NOT: thresh.parameter @down_rows :
// NONE: thresh.parameter @up_rows : tensor<96x64xf32>
thresh.parameter @up : tensor<96x64xf32> from <file = "m", offset = 512, length = 24576, tensor = "u", type = tensor<96x64xf32>>
thresh.parameter @up_rows : tensor<96x64xf32> from <file = "m", offset = 512, length = 24576, tensor = "u", type = tensor<96x64xf32>> pack <permutation = [0, 1], panel = 0>
thresh.parameter @down_rows : tensor<96x32xf32> from <file = "m", offset = 0, length = 12288, tensor = "d", type = tensor<32x96xf32>> pack <permutation = [1, 0], panel = 0>
thresh.parameter @odd_rows : tensor<96x40xf32> from <file = "m", offset = 0, length = 15360, tensor = "o", type = tensor<96x40xf32>> pack <permutation = [0, 1], panel = 0>

// CHECK-LABEL: func.func @decode
// Q8-DAG: %[[UC:.*]] = thresh.load_parameter @up_rows_codes
// Q8-DAG: %[[US:.*]] = thresh.load_parameter @up_rows_scales
// Q8-DAG: %[[DC:.*]] = thresh.load_parameter @down_rows_codes
// Q8-DAG: %[[DS:.*]] = thresh.load_parameter @down_rows_scales
// Q8: thresh.active_rows %{{.*}}, %{{.*}}, %{{.*}} input %{{.*}} up %[[UC]], %[[US]] down %[[DC]], %[[DS]] expected(12) format(q8) :
// Q4: thresh.active_rows {{.*}} expected(12) format(q4) :
// BF16: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x64xbf16>, tensor<96x32xbf16>)
// F16: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x64xf16>, tensor<96x32xf16>)
// NONE: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x64xf32>, tensor<96x32xf32>)
func.func @decode(%x: tensor<1x64xf32>, %i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> tensor<1x32xf32> {
  %u = thresh.load_parameter @up_rows : tensor<96x64xf32>
  %d = thresh.load_parameter @down_rows : tensor<96x32xf32>
  %y = thresh.active_rows %i, %v, %n input %x up %u down %d expected(12)
    : (tensor<1x64xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x64xf32>, tensor<96x32xf32>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// A parameter that two ops read is stored once.
// CHECK-LABEL: func.func @again
// Q8: thresh.load_parameter @down_rows_codes
// Q8: thresh.active_rows {{.*}} down %{{.*}}, %{{.*}} expected(3) format(q8)
func.func @again(%i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> tensor<1x32xf32> {
  %d = thresh.load_parameter @down_rows : tensor<96x32xf32>
  %y = thresh.active_rows %i, %v, %n down %d expected(3)
    : (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x32xf32>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @prefill
// Q8: thresh.quantized_matmul
func.func @prefill(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %u = thresh.load_parameter @up : tensor<96x64xf32>
  %y = thresh.matmul %x, %u {transpose_rhs} : tensor<?x64xf32>, tensor<96x64xf32> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// Both projections are of one format: where one has no groups, both stay.
// CHECK-LABEL: func.func @no_groups
// Q8: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x64xf32>, tensor<96x40xf32>)
// BF16: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x64xbf16>, tensor<96x40xbf16>)
func.func @no_groups(%x: tensor<1x64xf32>, %i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> tensor<1x40xf32> {
  %u = thresh.load_parameter @only_here_rows : tensor<96x64xf32>
  %d = thresh.load_parameter @odd_rows : tensor<96x40xf32>
  // expected-remark @+1 {{the weights of 'thresh.active_rows' stay as they are: a width of 40 is no multiple of 32}}
  %y = thresh.active_rows %i, %v, %n input %x up %u down %d expected(12)
    : (tensor<1x64xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x64xf32>, tensor<96x40xf32>) -> tensor<1x40xf32>
  return %y : tensor<1x40xf32>
}
thresh.parameter @only_here_rows : tensor<96x64xf32> from <file = "m", offset = 512, length = 24576, tensor = "h", type = tensor<96x64xf32>> pack <permutation = [0, 1], panel = 0>

// CHECK-LABEL: func.func @not_parameters
// CHECK: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x32xf32>)
func.func @not_parameters(%i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>, %d: tensor<96x32xf32>) -> tensor<1x32xf32> {
  // expected-remark @+1 {{the weights of 'thresh.active_rows' stay as they are: they are not parameters}}
  %y = thresh.active_rows %i, %v, %n down %d expected(12)
    : (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x32xf32>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @halves
// CHECK: thresh.active_rows {{.*}} expected(12) : ({{.*}}, tensor<96x32xf16>)
func.func @halves(%i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> tensor<1x32xf32> {
  %d = thresh.load_parameter @half_rows : tensor<96x32xf16>
  // expected-remark @+1 {{the weights of 'thresh.active_rows' stay as they are: their elements are not f32}}
  %y = thresh.active_rows %i, %v, %n down %d expected(12)
    : (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x32xf16>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}
thresh.parameter @half_rows : tensor<96x32xf16> from <file = "m", offset = 0, length = 6144, tensor = "f", type = tensor<96x32xf16>> pack <permutation = [0, 1], panel = 0>
