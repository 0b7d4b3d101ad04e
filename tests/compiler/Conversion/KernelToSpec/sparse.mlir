// Sparse ops are spelled by their family and parameters, without stages; i8 operands are unsigned codes.
// RUN: thresh compile %s --emit=halide --target x86-64-v3 | FileCheck %s

// CHECK-LABEL: // kernel thresh_choose_rows_0__x86_64_v3
// CHECK: "family": "choose_rows"
// CHECK: "parameters": {"activation":"gelu_tanh","mask":1,"quantile":1.25,"variance_factor":1.5}
// CHECK: {"name":"in0","dtype":"f32","shape":[1,96],"output":false}
// CHECK-NEXT: {"name":"out0","dtype":"i32","shape":[1,96],"output":true}
// CHECK-NEXT: {"name":"out1","dtype":"f32","shape":[1,96],"output":true}
// CHECK-NEXT: {"name":"out2","dtype":"i32","shape":[1],"output":true}
// CHECK: "stages": []
// CHECK: "outputs": []
func.func @choose(%s: tensor<1x96xf32>) -> (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>) {
  %i, %v, %n = thresh.choose_rows gelu_tanh %s quantile(1.25) variance_factor(1.5) mask : tensor<1x96xf32> -> tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>
  return %i, %v, %n : tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>
}

// The number of neurons that are expected is for reports: the kernel has no need of it.
// CHECK-LABEL: // kernel thresh_active_rows_1__
// CHECK: "parameters": {"format":"q4","gated":1}
// CHECK: {"name":"in0","dtype":"f32","shape":[1,64],"output":false}
// CHECK-NEXT: {"name":"in1","dtype":"i32","shape":[1,96],"output":false}
// CHECK-NEXT: {"name":"in2","dtype":"f32","shape":[1,96],"output":false}
// CHECK-NEXT: {"name":"in3","dtype":"i32","shape":[1],"output":false}
// CHECK-NEXT: {"name":"in4","dtype":"u8","shape":[96,32],"output":false}
// CHECK-NEXT: {"name":"in5","dtype":"f16","shape":[96,2],"output":false}
// CHECK-NEXT: {"name":"in6","dtype":"u8","shape":[96,16],"output":false}
// CHECK-NEXT: {"name":"in7","dtype":"f16","shape":[96,1],"output":false}
// CHECK-NEXT: {"name":"out0","dtype":"f32","shape":[1,32],"output":true}
func.func @codes(%x: tensor<1x64xf32>, %i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>, %u: tensor<96x32xi8>,
    %us: tensor<96x2xf16>, %d: tensor<96x16xi8>, %ds: tensor<96x1xf16>) -> tensor<1x32xf32> {
  %y = thresh.active_rows %i, %v, %n input %x up %u, %us down %d, %ds expected(12) format(q4)
    : (tensor<1x64xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x32xi8>, tensor<96x2xf16>, tensor<96x16xi8>, tensor<96x1xf16>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// CHECK-LABEL: // kernel thresh_active_rows_2__
// CHECK: "parameters": {"format":"bf16","gated":0}
// CHECK: {"name":"in0","dtype":"i32","shape":[1,96],"output":false}
// CHECK: {"name":"in3","dtype":"bf16","shape":[96,33],"output":false}
// CHECK-NEXT: {"name":"out0","dtype":"f32","shape":[1,33],"output":true}
func.func @halves(%i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>, %d: tensor<96x33xbf16>) -> tensor<1x33xf32> {
  %y = thresh.active_rows %i, %v, %n down %d expected(12) : (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x33xbf16>) -> tensor<1x33xf32>
  return %y : tensor<1x33xf32>
}
