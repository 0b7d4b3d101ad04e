// Each sparse op is a kernel alone; its neighbours form kernels of their own.
// RUN: thresh-opt %s --thresh-linalg-pipeline --thresh-form-kernels --canonicalize | FileCheck %s
// RUN: thresh-opt %s --thresh-linalg-pipeline --thresh-kernels-pipeline | FileCheck %s --check-prefix=BUFFERS

// CHECK-LABEL: func.func @two_layers(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<1x64xf32>, %[[U:[a-z0-9]*]]: tensor<96x64xf32>, %[[D:[a-z0-9]*]]: tensor<96x64xf32>
// CHECK: %[[SCORES:.*]] = thresh.launch @{{thresh_matmul_[0-9]+}} ins(%[[X]], %{{.*}}) outs(%{{.*}} : tensor<1x96xf32>)
// CHECK-DAG: %[[ROW_I:.*]] = tensor.empty() : tensor<1x96xi32>
// CHECK-DAG: %[[ROW_N:.*]] = tensor.empty() : tensor<1xi32>
// CHECK: %[[CHOSEN:.*]]:3 = thresh.launch @[[$CHOOSE:thresh_choose_rows_[0-9]+]] ins(%[[SCORES]] : tensor<1x96xf32>) outs(%[[ROW_I]], %{{.*}}, %[[ROW_N]] :
// CHECK: %[[Y:.*]] = thresh.launch @[[$ACTIVE:thresh_active_rows_[0-9]+]] ins(%[[X]], %[[CHOSEN]]#0, %[[CHOSEN]]#1, %[[CHOSEN]]#2, %[[U]], %[[D]] : {{.*}}) outs(%{{.*}} : tensor<1x64xf32>)
// CHECK: %[[NEGATED:.*]] = thresh.launch @{{thresh_elementwise_[0-9]+}} ins(%[[Y]]
// The second layer is an equal kernel, also where up and down are one value.
// CHECK: thresh.launch @[[$CHOOSE]]
// CHECK: thresh.launch @[[$ACTIVE]] ins(%[[NEGATED]], %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %[[U]], %[[U]] :
// Another activation is another kernel.
// CHECK: thresh.launch @[[$OTHER:thresh_choose_rows_[0-9]+]]
// CHECK-NOT: thresh.choose_rows

// CHECK: thresh.kernel @[[$CHOOSE]] choose_rows {
// CHECK-NEXT: ^bb0(%[[S:.*]]: tensor<1x96xf32>, %{{.*}}: tensor<1x96xi32>, %{{.*}}: tensor<1x96xf32>, %{{.*}}: tensor<1xi32>):
// CHECK-NEXT: %[[R:.*]], %[[V:.*]], %[[N:.*]] = thresh.choose_rows silu %[[S]]
// CHECK-NEXT: thresh.yield %[[R]], %[[V]], %[[N]]
// CHECK: thresh.kernel @[[$ACTIVE]] active_rows {
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<1x64xf32>, %[[I:.*]]: tensor<1x96xi32>, %[[V:.*]]: tensor<1x96xf32>, %[[N:.*]]: tensor<1xi32>, %[[U:.*]]: tensor<96x64xf32>, %[[D:.*]]: tensor<96x64xf32>, %{{.*}}: tensor<1x64xf32>):
// CHECK-NEXT: thresh.active_rows %[[I]], %[[V]], %[[N]] input %[[X]] up %[[U]] down %[[D]] expected(12)
// CHECK: thresh.kernel @[[$OTHER]] choose_rows {
// CHECK-NOT: thresh.kernel
// CHECK: thresh.kernel @{{thresh_active_rows_[0-9]+}} active_rows {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<1x96xi32>, %{{.*}}: tensor<1x96xf32>, %{{.*}}: tensor<1xi32>, %{{.*}}: tensor<96x64xf32>, %{{.*}}: tensor<1x64xf32>):
// CHECK-NOT: thresh.kernel

// Memory comes from the arena, in the order of the kernel's arguments; parameters are read in place, unpacked.
// BUFFERS: thresh.parameter @w : tensor<96x64xf32> from
// BUFFERS-LABEL: func.func @parameters
// BUFFERS: %[[W:.*]] = thresh.load_parameter @w : memref<96x64xf32>
// BUFFERS: thresh.launch @{{thresh_active_rows_[0-9]+}} ins(%{{.*}}, %{{.*}}, %{{.*}}, %[[W]] : memref<1x96xi32>, memref<1x96xf32>, memref<1xi32>, memref<96x64xf32>) outs(%{{.*}} : memref<1x64xf32>)
thresh.parameter @w : tensor<96x64xf32> from <file = "m", offset = 0, length = 24576, tensor = "w", type = tensor<96x64xf32>>

func.func @two_layers(%x: tensor<1x64xf32>, %u: tensor<96x64xf32>, %d: tensor<96x64xf32>) -> (tensor<1x64xf32>, tensor<1xi32>) {
  %s = thresh.matmul %x, %u {transpose_rhs} : tensor<1x64xf32>, tensor<96x64xf32> -> tensor<1x96xf32>
  %i, %v, %n = thresh.choose_rows silu %s quantile(1.15) variance_factor(1.0) : tensor<1x96xf32> -> tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>
  %y = thresh.active_rows %i, %v, %n input %x up %u down %d expected(12)
    : (tensor<1x64xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<1x64xf32>
  %z = arith.negf %y : tensor<1x64xf32>
  %t = thresh.matmul %z, %u {transpose_rhs} : tensor<1x64xf32>, tensor<96x64xf32> -> tensor<1x96xf32>
  %j, %w, %m = thresh.choose_rows silu %t quantile(1.15) variance_factor(1.0) : tensor<1x96xf32> -> tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>
  %a = thresh.active_rows %j, %w, %m input %z up %u down %u expected(12)
    : (tensor<1x64xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<1x64xf32>
  %k, %b, %o = thresh.choose_rows relu %t quantile(1.15) variance_factor(1.0) : tensor<1x96xf32> -> tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>
  return %a, %o : tensor<1x64xf32>, tensor<1xi32>
}

func.func @parameters(%s: tensor<1x96xf32>) -> tensor<1x64xf32> {
  %d = thresh.load_parameter @w : tensor<96x64xf32>
  %i, %v, %n = thresh.choose_rows silu %s quantile(1.15) variance_factor(1.0) : tensor<1x96xf32> -> tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>
  %y = thresh.active_rows %i, %v, %n down %d expected(12) : (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x64xf32>) -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}
