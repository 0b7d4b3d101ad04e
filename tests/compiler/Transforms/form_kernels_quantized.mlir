// A quantised product is one kernel with its epilogue; the integers of the left side are made once for all products.
// RUN: thresh-opt %s --thresh-linalg-pipeline --thresh-form-kernels --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @two_products(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x64xf32>, %[[BIAS:[a-z0-9]*]]: tensor<?x40xf32>, %[[FACTOR:[a-z0-9]*]]: tensor<?x40xf32>
// CHECK-SAME: %[[C8:[a-z0-9]*]]: tensor<3x16x16x4xi8>, %[[C4:[a-z0-9]*]]: tensor<3x8x16x4xi8>, %[[S:[a-z0-9]*]]: tensor<3x2x16xf16>
// CHECK: %[[GROUPS:.*]] = tensor.expand_shape %[[X]] {{.*}} into tensor<?x2x32xf32>
// CHECK: %[[SCALES:.*]] = thresh.launch @[[$LARGEST:thresh_rowwise_[0-9]+]] ins(%[[GROUPS]] : tensor<?x2x32xf32>)
// CHECK: %[[INTEGERS:.*]] = thresh.launch @[[$ROUND:thresh_elementwise_[0-9]+]] ins(%[[GROUPS]], %[[SCALES]] : {{.*}}) outs({{.*}} : tensor<?x2x32xi8>)
// CHECK-NOT: tensor<?x2x32xf32>
// CHECK: %[[PLAIN:.*]] = thresh.launch @[[$Q4:thresh_quantized_matmul_[0-9]+]] ins(%[[S]], %[[SCALES]], %[[C4]], %[[INTEGERS]] :
// CHECK-NOT: thresh.launch @thresh_elementwise
// CHECK: %[[LONG:.*]] = thresh.launch @[[$Q8:thresh_quantized_matmul_[0-9]+]] ins(%[[BIAS]], %[[FACTOR]], %[[S]], %[[SCALES]], %[[C8]], %[[INTEGERS]] :
// CHECK-NOT: thresh.launch
// CHECK: return %[[LONG]], %[[PLAIN]]
func.func @two_products(%x: tensor<?x64xf32>, %bias: tensor<?x40xf32>, %factor: tensor<?x40xf32>, %c: tensor<3x16x16x4xi8>,
    %d: tensor<3x8x16x4xi8>, %s: tensor<3x2x16xf16>) -> (tensor<?x40xf32>, tensor<?x40xf32>) {
  %a = thresh.quantized_matmul q8 %x, %c, %s : tensor<?x64xf32>, tensor<3x16x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  %b = thresh.quantized_matmul q4 %x, %d, %s : tensor<?x64xf32>, tensor<3x8x16x4xi8>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  %e = arith.addf %a, %bias : tensor<?x40xf32>
  %f = math.tanh %e : tensor<?x40xf32>
  %g = arith.mulf %f, %factor : tensor<?x40xf32>
  return %g, %b : tensor<?x40xf32>, tensor<?x40xf32>
}

// Scales and rounding are kernels of their own, the product one with all that follows it.
// CHECK: thresh.kernel @[[$LARGEST]] rowwise
// CHECK: math.absf
// CHECK: arith.divf
// CHECK-NOT: math.roundeven
// CHECK: thresh.kernel @[[$ROUND]] elementwise
// CHECK: math.roundeven
// CHECK: thresh.kernel @[[$Q4]] quantized_matmul
// CHECK: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: thresh.kernel @[[$Q8]] quantized_matmul
// CHECK: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.addf
// CHECK: math.tanh
// CHECK: arith.mulf
