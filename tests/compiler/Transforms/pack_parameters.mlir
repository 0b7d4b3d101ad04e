// Weights of contractions are packed into panels of 16 columns, if nothing else reads them but gathers.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(convert-thresh-to-linalg),thresh-pack-parameters)' | FileCheck %s

// CHECK-DAG: #[[$PANELS:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 16, d2, d1 mod 16)>

// CHECK: thresh.parameter @plain : tensor<3x24x16xf32> from {{.*}} pack <permutation = [0, 1], panel = 16>
thresh.parameter @plain : tensor<24x40xf32> from <file = "m", offset = 0, length = 3840, tensor = "plain", type = tensor<24x40xf32>>
// CHECK: thresh.parameter @transposed : tensor<2x24x16xf32> from {{.*}} pack <permutation = [1, 0], panel = 16>
thresh.parameter @transposed : tensor<32x24xf32> from <file = "m", offset = 0, length = 3072, tensor = "transposed", type = tensor<32x24xf32>>
// CHECK: thresh.parameter @tied : tensor<3x24x16xf32> from {{.*}} pack <permutation = [1, 0], panel = 16>
thresh.parameter @tied : tensor<40x24xf32> from <file = "m", offset = 0, length = 3840, tensor = "t", type = tensor<40x24xf32>>
// CHECK: thresh.parameter @table : tensor<40x24xf32>
// CHECK-NOT: pack
thresh.parameter @table : tensor<40x24xf32> from <file = "m", offset = 0, length = 3840, tensor = "g", type = tensor<40x24xf32>>
// CHECK: thresh.parameter @read_elsewhere : tensor<24x40xf32>
// CHECK-NOT: pack
thresh.parameter @read_elsewhere : tensor<24x40xf32> from <file = "m", offset = 0, length = 3840, tensor = "w", type = tensor<24x40xf32>>
// CHECK: thresh.parameter @both_ways : tensor<24x24xf32>
// CHECK-NOT: pack
thresh.parameter @both_ways : tensor<24x24xf32> from <file = "m", offset = 0, length = 2304, tensor = "b", type = tensor<24x24xf32>>
// CHECK: thresh.parameter @narrow : tensor<24x15xf32>
// CHECK-NOT: pack
thresh.parameter @narrow : tensor<24x15xf32> from <file = "m", offset = 0, length = 1440, tensor = "n", type = tensor<24x15xf32>>
// CHECK: thresh.parameter @integers : tensor<24x40xi32>
// CHECK-NOT: pack
thresh.parameter @integers : tensor<24x40xi32> from <file = "m", offset = 0, length = 3840, tensor = "i", type = tensor<24x40xi32>>
// CHECK: thresh.parameter @left : tensor<40x24xf32>
// CHECK-NOT: pack
thresh.parameter @left : tensor<40x24xf32> from <file = "m", offset = 0, length = 3840, tensor = "l", type = tensor<40x24xf32>>

// CHECK-LABEL: func.func @packed(
// CHECK: %[[PLAIN:.*]] = thresh.load_parameter @plain : tensor<3x24x16xf32>
// CHECK: %[[TRANSPOSED:.*]] = thresh.load_parameter @transposed : tensor<2x24x16xf32>
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$PANELS]], #{{.*}}]{{.*}} ins(%{{.*}}, %[[PLAIN]] :
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$PANELS]], #{{.*}}]{{.*}} ins(%{{.*}}, %[[TRANSPOSED]] :
func.func @packed(%x: tensor<?x24xf32>) -> (tensor<?x40xf32>, tensor<?x32xf32>) {
  %w = thresh.load_parameter @plain : tensor<24x40xf32>
  %v = thresh.load_parameter @transposed : tensor<32x24xf32>
  %a = thresh.matmul %x, %w : tensor<?x24xf32>, tensor<24x40xf32> -> tensor<?x40xf32>
  %b = thresh.matmul %x, %v {transpose_rhs} : tensor<?x24xf32>, tensor<32x24xf32> -> tensor<?x32xf32>
  return %a, %b : tensor<?x40xf32>, tensor<?x32xf32>
}

// Rows of embeddings are gathered from the panels of the head: row r, element k is (r / 16, k, r mod 16).
// CHECK-LABEL: func.func @tied_embeddings(
// CHECK: %[[TIED:.*]] = thresh.load_parameter @tied : tensor<3x24x16xf32>
// CHECK: %[[K:.*]] = linalg.index 1 : index
// CHECK-DAG: %[[PANEL:.*]] = arith.divui %[[ROW:.*]], %[[WIDTH:.*]] : index
// CHECK-DAG: %[[LANE:.*]] = arith.remui %{{.*}}, %{{.*}} : index
// CHECK: tensor.extract %[[TIED]][%[[PANEL]], %[[K]], %[[LANE]]] : tensor<3x24x16xf32>
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$PANELS]], #{{.*}}]{{.*}} ins(%{{.*}}, %{{.*}} : tensor<?x24xf32>, tensor<3x24x16xf32>)
// CHECK: tensor.extract %{{.*}} : tensor<40x24xf32>
func.func @tied_embeddings(%ids: tensor<?xi64>) -> (tensor<?x40xf32>, tensor<?x24xf32>) {
  %t = thresh.load_parameter @tied : tensor<40x24xf32>
  %x = thresh.gather %t[%ids] dimension(0) : tensor<40x24xf32>, tensor<?xi64> -> tensor<?x24xf32>
  %y = thresh.matmul %x, %t {transpose_rhs} : tensor<?x24xf32>, tensor<40x24xf32> -> tensor<?x40xf32>
  %g = thresh.load_parameter @table : tensor<40x24xf32>
  %z = thresh.gather %g[%ids] dimension(0) : tensor<40x24xf32>, tensor<?xi64> -> tensor<?x24xf32>
  return %y, %z : tensor<?x40xf32>, tensor<?x24xf32>
}

func.func @kept(%x: tensor<?x24xf32>, %i: tensor<?x24xi32>, %y: tensor<24x?xf32>)
    -> (tensor<?x40xf32>, tensor<24x40xf32>, tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x15xf32>, tensor<?x40xi32>, tensor<40x?xf32>) {
  %w = thresh.load_parameter @read_elsewhere : tensor<24x40xf32>
  %a = thresh.matmul %x, %w : tensor<?x24xf32>, tensor<24x40xf32> -> tensor<?x40xf32>
  %b = thresh.load_parameter @both_ways : tensor<24x24xf32>
  %c = thresh.matmul %x, %b : tensor<?x24xf32>, tensor<24x24xf32> -> tensor<?x24xf32>
  %d = thresh.matmul %x, %b {transpose_rhs} : tensor<?x24xf32>, tensor<24x24xf32> -> tensor<?x24xf32>
  %n = thresh.load_parameter @narrow : tensor<24x15xf32>
  %e = thresh.matmul %x, %n : tensor<?x24xf32>, tensor<24x15xf32> -> tensor<?x15xf32>
  %k = thresh.load_parameter @integers : tensor<24x40xi32>
  %f = thresh.matmul %i, %k : tensor<?x24xi32>, tensor<24x40xi32> -> tensor<?x40xi32>
  %l = thresh.load_parameter @left : tensor<40x24xf32>
  %g = thresh.matmul %l, %y : tensor<40x24xf32>, tensor<24x?xf32> -> tensor<40x?xf32>
  return %a, %w, %c, %d, %e, %f, %g : tensor<?x40xf32>, tensor<24x40xf32>, tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x15xf32>, tensor<?x40xi32>, tensor<40x?xf32>
}
