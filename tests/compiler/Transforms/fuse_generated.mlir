// What is computed from indices alone goes into every op that reads it and is never stored.
// RUN: thresh-opt %s --thresh-linalg-pipeline | FileCheck %s

// CHECK-LABEL: func.func @mask_with_two_users(
// CHECK-COUNT-2: linalg.index
// CHECK: arith.cmpi sle
// CHECK: arith.select
// CHECK: linalg.yield
// CHECK-COUNT-2: linalg.index
// CHECK: arith.cmpi sle
// CHECK: arith.select
// CHECK: linalg.yield
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @mask_with_two_users(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?xf32>
  %mask = tensor.generate %n, %m {
  ^bb0(%i: index, %j: index):
    %seen = arith.cmpi sle, %j, %i : index
    %zero = arith.constant 0.0 : f32
    %least = arith.constant -1.0e30 : f32
    %value = arith.select %seen, %zero, %least : f32
    tensor.yield %value : f32
  } : tensor<?x?xf32>
  %a = arith.addf %x, %mask : tensor<?x?xf32>
  %b = arith.mulf %y, %mask : tensor<?x?xf32>
  return %a, %b : tensor<?x?xf32>, tensor<?x?xf32>
}

// A reduction over other loops may repeat it, too.
// CHECK-LABEL: func.func @ramp_into_reduction(
// CHECK: linalg.generic {{.*}}"parallel", "reduction"
// CHECK: linalg.index 1
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @ramp_into_reduction(%x: tensor<?x4xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %ramp = tensor.generate {
  ^bb0(%i: index):
    %integer = arith.index_cast %i : index to i64
    %value = arith.sitofp %integer : i64 to f32
    tensor.yield %value : f32
  } : tensor<4xf32>
  %rows = thresh.broadcast %ramp to [%n] : tensor<4xf32> to tensor<?x4xf32>
  %scaled = arith.mulf %x, %rows : tensor<?x4xf32>
  %sum = thresh.reduce sum %scaled dimensions [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %sum : tensor<?xf32>
}

// Reading a tensor at computed indices is no generated value: it stays where it is when two ops use it.
// CHECK-LABEL: func.func @lookup_with_two_users(
// CHECK: %[[SHARED:.*]] = linalg.generic
// CHECK: tensor.extract
// CHECK: linalg.generic {{.*}}ins({{.*}}%[[SHARED]]
func.func @lookup_with_two_users(%t: tensor<8xf32>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %look = tensor.generate {
  ^bb0(%i: index):
    %two = arith.constant 2 : index
    %at = arith.muli %i, %two : index
    %value = tensor.extract %t[%at] : tensor<8xf32>
    %power = math.exp %value : f32
    tensor.yield %power : f32
  } : tensor<4xf32>
  %a = arith.addf %x, %look : tensor<4xf32>
  %e = math.exp %a : tensor<4xf32>
  %s = thresh.reduce sum %e dimensions [] : tensor<4xf32> -> tensor<4xf32>
  return %look, %s : tensor<4xf32>, tensor<4xf32>
}
