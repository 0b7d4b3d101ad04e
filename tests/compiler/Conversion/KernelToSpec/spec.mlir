// How kernels are spelled as KernelSpecs, which --emit=halide prints as JSON.
// RUN: thresh compile %s --emit=halide --target x86-64-v3 | FileCheck %s

// An unsigned comparison reads its operands as unsigned.
// CHECK-LABEL: // kernel thresh_elementwise_0__x86_64_v3
// CHECK: "family": "elementwise"
// CHECK: "target": "x86-64-v3"
// CHECK: {"name":"in0","dtype":"i8","shape":[4],"output":false}
// CHECK: {"name":"out0","dtype":"bool","shape":[4],"output":true}
// CHECK: {"op":"cast","dtype":"u8","args":[1]}
// CHECK-NEXT: {"op":"cast","dtype":"u8","args":[3]}
// CHECK-NEXT: {"op":"lt","dtype":"bool","args":[4,5]}
func.func @unsigned_less(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi1> {
  %less = arith.cmpi ult, %a, %b : tensor<4xi8>
  return %less : tensor<4xi1>
}

// The signed extension of true is -1; the unsigned one is 1.
// CHECK-LABEL: // kernel thresh_elementwise_1__
// CHECK: {"op":"load","dtype":"bool","operand":0,"args":[0]}
// CHECK-NEXT: {"op":"cast","dtype":"i32","args":[1]}
// CHECK-NEXT: {"op":"neg","dtype":"i32","args":[2]}
func.func @signed_of_bool(%a: tensor<4xi1>) -> tensor<4xi32> {
  %wide = arith.extsi %a : tensor<4xi1> to tensor<4xi32>
  return %wide : tensor<4xi32>
}

// CHECK-LABEL: // kernel thresh_elementwise_2__
// CHECK: {"op":"load","dtype":"bool","operand":0,"args":[0]}
// CHECK-NEXT: {"op":"cast","dtype":"i32","args":[1]}
// CHECK-NEXT: ]
func.func @unsigned_of_bool(%a: tensor<4xi1>) -> tensor<4xi32> {
  %wide = arith.extui %a : tensor<4xi1> to tensor<4xi32>
  return %wide : tensor<4xi32>
}

// The lowest bit makes a bool, where a cast would test for zero.
// CHECK-LABEL: // kernel thresh_elementwise_3__
// CHECK: {"op":"and","dtype":"i32",
// CHECK: {"op":"ne","dtype":"bool",
func.func @bool_of_integer(%a: tensor<4xi32>) -> tensor<4xi1> {
  %bit = arith.trunci %a : tensor<4xi32> to tensor<4xi1>
  return %bit : tensor<4xi1>
}

// An unordered comparison is the negation of its ordered opposite.
// CHECK-LABEL: // kernel thresh_elementwise_4__
// CHECK: {"op":"le","dtype":"bool","args":[1,3]}
// CHECK-NEXT: {"op":"not","dtype":"bool","args":[4]}
func.func @unordered(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xi1> {
  %greater = arith.cmpf ugt, %x, %y : tensor<4xf32>
  return %greater : tensor<4xi1>
}

// One stage has two results: the greatest element and where it is. Its outer extent is the input's.
// CHECK-LABEL: // kernel thresh_reduction_5__
// CHECK: {"name":"out0","dtype":"f32","shape":[-1],"output":true}
// CHECK-NEXT: {"name":"out1","dtype":"i64","shape":[-1],"output":true}
// CHECK: "loops": [{"operand":0,"dim":0},5], "parallel": 1, "dtypes": ["f32","i64"]
// CHECK: {"op":"const","dtype":"f32","real":"-inf"}
// CHECK: {"op":"acc","dtype":"f32","integer":0}
// CHECK-NEXT: {"op":"acc","dtype":"i64","integer":1}
// CHECK: "outputs": [0,0]
func.func @argmax(%x: tensor<?x5xf32>) -> tensor<?xi64> {
  %at = thresh.arg_reduce max %x dimension(1) : tensor<?x5xf32> -> tensor<?xi64>
  return %at : tensor<?xi64>
}

// An indexing map is arithmetic on loop indices.
// CHECK-LABEL: // kernel thresh_elementwise_6__
// CHECK: {"op":"index","dtype":"i32","integer":0}
// CHECK-NEXT: {"op":"const","dtype":"i32","integer":2}
// CHECK-NEXT: {"op":"floordiv","dtype":"i32","args":[0,1]}
// CHECK-NEXT: {"op":"load","dtype":"f32","operand":0,"args":[2]}
func.func @repeat(%x: tensor<12xf32>) -> tensor<24xf32> {
  %empty = tensor.empty() : tensor<24xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i floordiv 2)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<12xf32>) outs(%empty : tensor<24xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<24xf32>
  return %y : tensor<24xf32>
}

// Stages of one kernel refer to each other; only the last is an output.
// CHECK-LABEL: // kernel thresh_rowwise_7__
// CHECK: "family": "rowwise"
// CHECK: {"name": "s0", "loops": [{"operand":0,"dim":0},6], "parallel": 1
// CHECK: {"name": "s1", "loops": [{"operand":0,"dim":0},6], "parallel": 2
// CHECK: {"op":"load","dtype":"f32","stage":0,{{.*}}"args":[3]}
// CHECK: {"name": "s3",
// CHECK: "outputs": [3]
func.func @softmax(%x: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %y = thresh.softmax %x dimension(1) : tensor<?x6xf32> -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
