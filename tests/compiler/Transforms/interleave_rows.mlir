// The rows that a neuron needs lie side by side; what others read too stays alone.
// RUN: thresh-opt %s --thresh-interleave-rows | FileCheck %s
// RUN: thresh-opt %s --thresh-linalg-pipeline --thresh-kernels-pipeline | FileCheck %s --check-prefix=BUFFERS

// Rows of 64 + 4 bytes and of 32 + 2; 102 bytes become whole lines of 64.
// CHECK: thresh.parameter @uc : {{.*}} record <"layer.0.mlp.neurons", offset = 0, bytes = 128>
// CHECK: thresh.parameter @us : {{.*}} record <"layer.0.mlp.neurons", offset = 64, bytes = 128>
// CHECK: thresh.parameter @dc : {{.*}} record <"layer.0.mlp.neurons", offset = 68, bytes = 128>
// CHECK: thresh.parameter @ds : {{.*}} record <"layer.0.mlp.neurons", offset = 100, bytes = 128>
thresh.parameter @uc : tensor<96x64xi8> from <file = "m", offset = 0, length = 24576, tensor = "layer.0.mlp.up.weight", type = tensor<96x64xf32>> pack <permutation = [0, 1], panel = 0, format = q8_row_codes>
thresh.parameter @us : tensor<96x2xf16> from <file = "m", offset = 0, length = 24576, tensor = "layer.0.mlp.up.weight", type = tensor<96x64xf32>> pack <permutation = [0, 1], panel = 0, format = q8_row_scales>
thresh.parameter @dc : tensor<96x32xi8> from <file = "m", offset = 0, length = 12288, tensor = "layer.0.mlp.down.weight", type = tensor<32x96xf32>> pack <permutation = [1, 0], panel = 0, format = q8_row_codes>
thresh.parameter @ds : tensor<96x1xf16> from <file = "m", offset = 0, length = 12288, tensor = "layer.0.mlp.down.weight", type = tensor<32x96xf32>> pack <permutation = [1, 0], panel = 0, format = q8_row_scales>

// The scales begin at a multiple of their two bytes, behind an odd number of codes.
// CHECK: thresh.parameter @a : {{.*}} record <"neurons", offset = 0, bytes = 64>
// CHECK: thresh.parameter @b : {{.*}} record <"neurons", offset = 20, bytes = 64>
thresh.parameter @a : tensor<96x5xf32> from <file = "m", offset = 0, length = 1920, tensor = "a", type = tensor<96x5xf32>>
thresh.parameter @b : tensor<96x3xf32> from <file = "m", offset = 0, length = 1152, tensor = "b", type = tensor<96x3xf32>>
// Equal names do not make one record of two.
// CHECK: thresh.parameter @c : {{.*}} record <"neurons.1", offset = 0, bytes = 64>
// CHECK: thresh.parameter @d : {{.*}} record <"neurons.1", offset = 20, bytes = 64>
thresh.parameter @c : tensor<96x5xf32> from <file = "m", offset = 0, length = 1920, tensor = "a", type = tensor<96x5xf32>>
thresh.parameter @d : tensor<96x3xf32> from <file = "m", offset = 0, length = 1152, tensor = "b", type = tensor<96x3xf32>>

// One of them is read elsewhere; records would span more than 2^31 bytes; two ops read it in different company; a matrix alone has none; one matrix is both.
// CHECK-NOT: record
thresh.parameter @wide_up : tensor<70000x16000xi8> from <file = "", offset = 0, length = 4480000000, tensor = "wide.up", type = tensor<70000x16000xf32>, seed = 1> pack <permutation = [0, 1], panel = 0, format = q8_row_codes>
thresh.parameter @wide_up_scales : tensor<70000x500xf16> from <file = "", offset = 0, length = 4480000000, tensor = "wide.up", type = tensor<70000x16000xf32>, seed = 1> pack <permutation = [0, 1], panel = 0, format = q8_row_scales>
thresh.parameter @wide_down : tensor<70000x16000xi8> from <file = "", offset = 0, length = 4480000000, tensor = "wide.down", type = tensor<16000x70000xf32>, seed = 1> pack <permutation = [1, 0], panel = 0, format = q8_row_codes>
thresh.parameter @wide_down_scales : tensor<70000x500xf16> from <file = "", offset = 0, length = 4480000000, tensor = "wide.down", type = tensor<16000x70000xf32>, seed = 1> pack <permutation = [1, 0], panel = 0, format = q8_row_scales>
thresh.parameter @elsewhere : tensor<96x5xf32> from <file = "m", offset = 0, length = 1920, tensor = "a", type = tensor<96x5xf32>>
thresh.parameter @with_elsewhere : tensor<96x3xf32> from <file = "m", offset = 0, length = 1152, tensor = "b", type = tensor<96x3xf32>>
thresh.parameter @first : tensor<96x5xf32> from <file = "m", offset = 0, length = 1920, tensor = "a", type = tensor<96x5xf32>>
thresh.parameter @second : tensor<96x5xf32> from <file = "m", offset = 0, length = 1920, tensor = "a", type = tensor<96x5xf32>>
thresh.parameter @shared : tensor<96x3xf32> from <file = "m", offset = 0, length = 1152, tensor = "b", type = tensor<96x3xf32>>
thresh.parameter @alone : tensor<96x3xf32> from <file = "m", offset = 0, length = 1152, tensor = "b", type = tensor<96x3xf32>>
thresh.parameter @both : tensor<96x5xf32> from <file = "m", offset = 0, length = 1920, tensor = "a", type = tensor<96x5xf32>>

// CHECK-LABEL: func.func @codes
// BUFFERS-LABEL: func.func @codes
// BUFFERS-DAG: thresh.load_parameter @uc : memref<96x64xi8, strided<[128, 1]>>
// BUFFERS-DAG: thresh.load_parameter @us : memref<96x2xf16, strided<[64, 1]>>
// BUFFERS-DAG: thresh.load_parameter @dc : memref<96x32xi8, strided<[128, 1]>>
// BUFFERS-DAG: thresh.load_parameter @ds : memref<96x1xf16, strided<[64, 1]>>
// Kernels take them where they are.
// BUFFERS-NOT: memref.copy
// BUFFERS: thresh.launch @thresh_active_rows_{{.*}} memref<96x64xi8, strided<[128, 1]>>, memref<96x2xf16, strided<[64, 1]>>, memref<96x32xi8, strided<[128, 1]>>, memref<96x1xf16, strided<[64, 1]>>)
func.func @codes(%x: tensor<1x64xf32>, %i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> tensor<1x32xf32> {
  %uc = thresh.load_parameter @uc : tensor<96x64xi8>
  %us = thresh.load_parameter @us : tensor<96x2xf16>
  %dc = thresh.load_parameter @dc : tensor<96x32xi8>
  %ds = thresh.load_parameter @ds : tensor<96x1xf16>
  %y = thresh.active_rows %i, %v, %n input %x up %uc, %us down %dc, %ds expected(12) format(q8)
    : (tensor<1x64xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x64xi8>, tensor<96x2xf16>, tensor<96x32xi8>, tensor<96x1xf16>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// Ops of several entry points in the same company.
func.func @floats(%x: tensor<1x5xf32>, %i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> (tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>) {
  %a = thresh.load_parameter @a : tensor<96x5xf32>
  %b = thresh.load_parameter @b : tensor<96x3xf32>
  %c = thresh.load_parameter @c : tensor<96x5xf32>
  %d = thresh.load_parameter @d : tensor<96x3xf32>
  %e = thresh.load_parameter @elsewhere : tensor<96x5xf32>
  %w = thresh.load_parameter @with_elsewhere : tensor<96x3xf32>
  %f = thresh.load_parameter @first : tensor<96x5xf32>
  %s = thresh.load_parameter @shared : tensor<96x3xf32>
  %l = thresh.load_parameter @alone : tensor<96x3xf32>
  %0 = thresh.active_rows %i, %v, %n input %x up %a down %b expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  %1 = thresh.active_rows %i, %v, %n input %x up %c down %d expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  %2 = thresh.active_rows %i, %v, %n input %x up %e down %w expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  %3 = thresh.active_rows %i, %v, %n input %x up %f down %s expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  %4 = thresh.active_rows %i, %v, %n down %l expected(12) : (tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  return %0, %1, %2, %3, %4 : tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>
}

func.func @again(%x: tensor<1x5xf32>, %i: tensor<1x96xi32>, %v: tensor<1x96xf32>, %n: tensor<1xi32>) -> (tensor<1x3xf32>, tensor<1x3xf32>, tensor<96x5xf32>, tensor<1x5xf32>) {
  %a = thresh.load_parameter @a : tensor<96x5xf32>
  %b = thresh.load_parameter @b : tensor<96x3xf32>
  %e = thresh.load_parameter @elsewhere : tensor<96x5xf32>
  %g = thresh.load_parameter @second : tensor<96x5xf32>
  %s = thresh.load_parameter @shared : tensor<96x3xf32>
  %h = thresh.load_parameter @both : tensor<96x5xf32>
  %0 = thresh.active_rows %i, %v, %n input %x up %a down %b expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  %1 = thresh.active_rows %i, %v, %n input %x up %g down %s expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x3xf32>) -> tensor<1x3xf32>
  %2 = thresh.active_rows %i, %v, %n input %x up %h down %h expected(12)
    : (tensor<1x5xf32>, tensor<1x96xi32>, tensor<1x96xf32>, tensor<1xi32>, tensor<96x5xf32>, tensor<96x5xf32>) -> tensor<1x5xf32>
  %3 = arith.negf %e : tensor<96x5xf32>
  return %0, %1, %3, %2 : tensor<1x3xf32>, tensor<1x3xf32>, tensor<96x5xf32>, tensor<1x5xf32>
}

func.func @wide(%x: tensor<1x16000xf32>, %i: tensor<1x70000xi32>, %v: tensor<1x70000xf32>, %n: tensor<1xi32>) -> tensor<1x16000xf32> {
  %uc = thresh.load_parameter @wide_up : tensor<70000x16000xi8>
  %us = thresh.load_parameter @wide_up_scales : tensor<70000x500xf16>
  %dc = thresh.load_parameter @wide_down : tensor<70000x16000xi8>
  %ds = thresh.load_parameter @wide_down_scales : tensor<70000x500xf16>
  %y = thresh.active_rows %i, %v, %n input %x up %uc, %us down %dc, %ds expected(12) format(q8)
    : (tensor<1x16000xf32>, tensor<1x70000xi32>, tensor<1x70000xf32>, tensor<1xi32>, tensor<70000x16000xi8>, tensor<70000x500xf16>, tensor<70000x16000xi8>, tensor<70000x500xf16>) -> tensor<1x16000xf32>
  return %y : tensor<1x16000xf32>
}
