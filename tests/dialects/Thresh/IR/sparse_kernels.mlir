// RUN: thresh-opt %s | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -mlir-print-op-generic | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(resolve-ranked-shaped-type-result-dims),canonicalize)' | FileCheck %s --check-prefix=SHAPE

// CHECK: thresh.parameter @apart : tensor<40x2xf16> from {{.*}} record <"neurons", offset = 64, bytes = 128>
thresh.parameter @apart : tensor<40x2xf16> from <file = "m", offset = 0, length = 320, tensor = "a", type = tensor<40x2xf32>> record <"neurons", offset = 64, bytes = 128>
// CHECK: thresh.parameter @codes : tensor<40x64xi8> from {{.*}} pack <permutation = [0, 1], panel = 0, format = q8_row_codes>
thresh.parameter @codes : tensor<40x64xi8> from <file = "m", offset = 0, length = 10240, tensor = "w", type = tensor<40x64xf32>> pack <permutation = [0, 1], panel = 0, format = q8_row_codes>
// CHECK: thresh.parameter @scales : tensor<40x2xf16> from {{.*}} pack <permutation = [0, 1], panel = 0, format = q8_row_scales>
thresh.parameter @scales : tensor<40x2xf16> from <file = "m", offset = 0, length = 10240, tensor = "w", type = tensor<40x64xf32>> pack <permutation = [0, 1], panel = 0, format = q8_row_scales>
// CHECK: thresh.parameter @narrow_codes : tensor<40x32xi8> from {{.*}} pack <permutation = [1, 0], panel = 0, format = q4_row_codes>
thresh.parameter @narrow_codes : tensor<40x32xi8> from <file = "m", offset = 0, length = 10240, tensor = "v", type = tensor<64x40xf32>> pack <permutation = [1, 0], panel = 0, format = q4_row_codes>
// CHECK: thresh.parameter @narrow_scales : tensor<40x2xf16> from {{.*}} pack <permutation = [1, 0], panel = 0, format = q4_row_scales>
thresh.parameter @narrow_scales : tensor<40x2xf16> from <file = "m", offset = 0, length = 10240, tensor = "v", type = tensor<64x40xf32>> pack <permutation = [1, 0], panel = 0, format = q4_row_scales>

// CHECK-LABEL: func.func @choose
// CHECK: thresh.choose_rows gelu_tanh %{{.*}} quantile(1.405{{.*}}) variance_factor(1.000000e+00) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
// CHECK: thresh.choose_rows relu %{{.*}} quantile(-2.500000e-01) variance_factor(1.025000e+00) mask :
func.func @choose(%s: tensor<1x40xf32>) -> (tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<1xi32>) {
  %i, %v, %n = thresh.choose_rows gelu_tanh %s quantile(1.405) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  %j, %w, %m = thresh.choose_rows relu %s quantile(-0.25) variance_factor(1.025) mask : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  return %i, %v, %n, %m : tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<1xi32>
}

// CHECK-LABEL: func.func @rows
// CHECK: thresh.active_rows %{{.*}}, %{{.*}}, %{{.*}} input %{{.*}} up %{{.*}} down %{{.*}} expected(7) : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xbf16>, tensor<40x32xbf16>) -> tensor<1x32xf32>
// CHECK: thresh.active_rows %{{.*}}, %{{.*}}, %{{.*}} down %{{.*}} expected(40) : (tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x32xbf16>) -> tensor<1x32xf32>
// CHECK: thresh.active_rows %{{.*}}, %{{.*}}, %{{.*}} input %{{.*}} up %{{.*}}, %{{.*}} down %{{.*}}, %{{.*}} expected(0) format(q4) :
// CHECK: thresh.active_rows %{{.*}}, %{{.*}}, %{{.*}} down %{{.*}}, %{{.*}} expected(7) format(q8) :
func.func @rows(%i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %x: tensor<1x64xf32>, %u: tensor<40x64xbf16>,
    %d: tensor<40x32xbf16>, %uc: tensor<40x32xi8>, %us: tensor<40x2xf16>, %dc: tensor<40x32xi8>, %ds: tensor<40x1xf16>) -> tensor<1x32xf32> {
  %a = thresh.active_rows %i, %v, %n input %x up %u down %d expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xbf16>, tensor<40x32xbf16>) -> tensor<1x32xf32>
  %b = thresh.active_rows %i, %v, %n down %d expected(40)
    : (tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x32xbf16>) -> tensor<1x32xf32>
  %c = thresh.active_rows %i, %v, %n input %x up %uc, %us down %uc, %us expected(0) format(q4)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x32xi8>, tensor<40x2xf16>, tensor<40x32xi8>, tensor<40x2xf16>) -> tensor<1x64xf32>
  %e = thresh.active_rows %i, %v, %n down %dc, %ds expected(7) format(q8)
    : (tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x32xi8>, tensor<40x1xf16>) -> tensor<1x32xf32>
  return %a : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @many_rows
// CHECK: thresh.choose_rows silu %{{.*}} : tensor<?x40xf32> -> tensor<?x40xi32>, tensor<?x40xf32>, tensor<?xi32>
// CHECK: thresh.active_rows {{.*}} : (tensor<?x64xf32>, tensor<?x40xi32>, tensor<?x40xf32>, tensor<?xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<?x32xf32>
// SHAPE-LABEL: func.func @many_rows
// SHAPE-SAME: (%[[S:.*]]: tensor<?x40xf32>, %[[X:[a-z0-9]*]]:
// SHAPE-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// SHAPE: %[[ROWS:.*]] = tensor.dim %[[S]], %[[ZERO]] : tensor<?x40xf32>
// SHAPE: return %[[ROWS]]
func.func @many_rows(%s: tensor<?x40xf32>, %x: tensor<?x64xf32>, %u: tensor<40x64xf32>, %d: tensor<40x32xf32>) -> index {
  %c0 = arith.constant 0 : index
  %i, %v, %n = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<?x40xf32> -> tensor<?x40xi32>, tensor<?x40xf32>, tensor<?xi32>
  %y = thresh.active_rows %i, %v, %n input %x up %u down %d expected(7)
    : (tensor<?x64xf32>, tensor<?x40xi32>, tensor<?x40xf32>, tensor<?xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<?x32xf32>
  %0 = tensor.dim %y, %c0 : tensor<?x32xf32>
  return %0 : index
}

// CHECK: thresh.kernel @alone choose_rows {
thresh.kernel @alone choose_rows {
^bb0(%s: tensor<1x40xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>):
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  thresh.yield %0#0, %0#1, %0#2 : tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
}

// SHAPE-LABEL: func.func @extents
// SHAPE-DAG: %[[WIDTH:.*]] = arith.constant 32 : index
// SHAPE-DAG: %[[NEURONS:.*]] = arith.constant 40 : index
// SHAPE: return %[[NEURONS]], %[[WIDTH]]
func.func @extents(%s: tensor<1x40xf32>, %d: tensor<40x32xf32>) -> (index, index) {
  %c1 = arith.constant 1 : index
  %i, %v, %n = thresh.choose_rows identity %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  %y = thresh.active_rows %i, %v, %n down %d expected(7) : (tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  %0 = tensor.dim %v, %c1 : tensor<1x40xf32>
  %1 = tensor.dim %y, %c1 : tensor<1x32xf32>
  return %0, %1 : index, index
}
