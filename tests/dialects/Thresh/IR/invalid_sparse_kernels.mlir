// One test per numbered constraint of the sparse ops that are kernels, of their kernels and of weights stored by row
// (dialects/README.md), named after it.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @choose_rows_c2_rows(%s: tensor<2x40xf32>) {
  // expected-error @+1 {{expects indices and values 2x40 and a count per row, but got 'tensor<1x40xi32>', 'tensor<1x40xf32>' and 'tensor<1xi32>'}}
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<2x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  return
}

// -----

func.func @choose_rows_c1_dynamic(%s: tensor<1x?xf32>) {
  // expected-error @+1 {{expects scores of static length, but got 'tensor<1x?xf32>'}}
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x?xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  return
}

// -----

func.func @choose_rows_c2_indices(%s: tensor<1x40xf32>) {
  // expected-error @+1 {{expects indices and values 1x40 and a count per row, but got 'tensor<1x41xi32>', 'tensor<1x40xf32>' and 'tensor<1xi32>'}}
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x41xi32>, tensor<1x40xf32>, tensor<1xi32>
  return
}

// -----

func.func @choose_rows_c2_values(%s: tensor<1x40xf32>) {
  // expected-error @+1 {{expects indices and values 1x40 and a count per row, but got}}
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<40x1xf32>, tensor<1xi32>
  return
}

// -----

func.func @choose_rows_c2_count(%s: tensor<1x40xf32>) {
  // expected-error @+1 {{expects indices and values 1x40 and a count per row, but got}}
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<2xi32>
  return
}

// -----

func.func @choose_rows_c3_quantile(%s: tensor<1x40xf32>) {
  // expected-error @+1 {{expects a finite quantile and a finite variance factor of 1 at least, but got INF and 1}}
  %0:3 = thresh.choose_rows silu %s quantile(0x7FF0000000000000) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  return
}

// -----

func.func @choose_rows_c3_factor(%s: tensor<1x40xf32>) {
  // expected-error @+1 {{expects a finite quantile and a finite variance factor of 1 at least, but got}}
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(0.5) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  return
}

// -----

func.func @active_rows_c1_input(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects an input and up rows together, or neither}}
  %0 = thresh.active_rows %i, %v, %n input %x down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c1_up(%i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects an input and up rows together, or neither}}
  %0 = thresh.active_rows %i, %v, %n up %u0 down %d0 expected(7)
    : (tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c2_values(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x41xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects indices and values 1x40 and a count per row, but got 'tensor<1x40xi32>', 'tensor<1x41xf32>' and 'tensor<1xi32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x41xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c2_rows(%x: tensor<1x64xf32>, %i: tensor<2x40xi32>, %v: tensor<2x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects indices and values 2x40 and a count per row, but got}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<2x40xi32>, tensor<2x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c2_dynamic(%x: tensor<1x64xf32>, %i: tensor<1x?xi32>, %v: tensor<1x?xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects indices and values 1x? and a count per row, but got}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x?xi32>, tensor<1x?xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c3_neurons(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<41x32xf32>) {
  // expected-error @+1 {{expects down rows [40, static width] of floats, one type for up and down, but got 'tensor<41x32xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<41x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c3_width(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x?xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects up rows [40, static width] of floats, one type for up and down, but got 'tensor<40x?xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x?xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c3_types(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf16>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects up rows [40, static width] of floats, one type for up and down, but got 'tensor<40x64xf16>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf16>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c3_codes(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xi8>, %d1: tensor<40x1xf16>) {
  // expected-error @+1 {{expects down rows [40, static width] of floats, one type for up and down, but got 'tensor<40x32xi8>', 'tensor<40x1xf16>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0, %d1 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xi8>, tensor<40x1xf16>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c4_floats(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects down rows of q8 codes and scales of 40 neurons and whole groups of 32, but got 'tensor<40x32xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7) format(q8)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c4_scales(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xi8>, %u1: tensor<40x1xf16>, %d0: tensor<40x32xi8>, %d1: tensor<40x1xf16>) {
  // expected-error @+1 {{expects up rows of q8 codes and scales of 40 neurons and whole groups of 32, but got 'tensor<40x64xi8>', 'tensor<40x1xf16>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0, %u1 down %d0, %d1 expected(7) format(q8)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xi8>, tensor<40x1xf16>, tensor<40x32xi8>, tensor<40x1xf16>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c4_groups(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x48xi8>, %u1: tensor<40x1xf16>, %d0: tensor<40x32xi8>, %d1: tensor<40x1xf16>) {
  // expected-error @+1 {{expects up rows of q8 codes and scales of 40 neurons and whole groups of 32, but got}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0, %u1 down %d0, %d1 expected(7) format(q8)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x48xi8>, tensor<40x1xf16>, tensor<40x32xi8>, tensor<40x1xf16>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c4_half_bytes(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xi8>, %u1: tensor<40x2xf16>, %d0: tensor<40x32xi8>, %d1: tensor<40x1xf16>) {
  // expected-error @+1 {{expects down rows of q4 codes and scales of 40 neurons and whole groups of 32, but got}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0, %u1 down %d0, %d1 expected(7) format(q4)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xi8>, tensor<40x2xf16>, tensor<40x32xi8>, tensor<40x1xf16>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c5_input(%x: tensor<1x32xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects an input 1x64, but got 'tensor<1x32xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x32xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c5_half_bytes(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xi8>, %u1: tensor<40x4xf16>, %d0: tensor<40x16xi8>, %d1: tensor<40x1xf16>) {
  // expected-error @+1 {{expects an input 1x128, but got 'tensor<1x64xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0, %u1 down %d0, %d1 expected(7) format(q4)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xi8>, tensor<40x4xf16>, tensor<40x16xi8>, tensor<40x1xf16>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c5_rows(%x: tensor<1x64xf32>, %i: tensor<2x40xi32>, %v: tensor<2x40xf32>, %n: tensor<2xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects an input 2x64, but got 'tensor<1x64xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<2x40xi32>, tensor<2x40xf32>, tensor<2xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<2x32xf32>
  return
}

// -----

func.func @active_rows_c5_result(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects a result 1x32, but got 'tensor<1x33xf32>'}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(7)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x33xf32>
  return
}

// -----

func.func @active_rows_c6_most(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects 0 to 40 neurons, but got 41 expected ones}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(41)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

func.func @active_rows_c6_least(%x: tensor<1x64xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>, %u0: tensor<40x64xf32>, %d0: tensor<40x32xf32>) {
  // expected-error @+1 {{expects 0 to 40 neurons, but got -1 expected ones}}
  %0 = thresh.active_rows %i, %v, %n input %x up %u0 down %d0 expected(-1)
    : (tensor<1x64xf32>, tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>, tensor<40x64xf32>, tensor<40x32xf32>) -> tensor<1x32xf32>
  return
}

// -----

// expected-error @+1 {{expects 'thresh.choose_rows' of all inputs alone, in a kernel of family choose_rows}}
thresh.kernel @kernel_c4_family active_rows {
^bb0(%s: tensor<1x40xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>):
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  thresh.yield %0#0, %0#1, %0#2 : tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
}

// -----

// expected-error @+1 {{expects 'thresh.choose_rows' of all inputs alone, in a kernel of family choose_rows}}
thresh.kernel @kernel_c4_alone choose_rows {
^bb0(%s: tensor<1x40xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>):
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  %1 = math.absf %s : tensor<1x40xf32>
  thresh.yield %0#0, %0#1, %0#2 : tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
}

// -----

// expected-error @+1 {{expects 'thresh.choose_rows' of all inputs alone, in a kernel of family choose_rows}}
thresh.kernel @kernel_c4_inputs choose_rows {
^bb0(%s: tensor<1x40xf32>, %unused: tensor<1x40xf32>, %i: tensor<1x40xi32>, %v: tensor<1x40xf32>, %n: tensor<1xi32>):
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  thresh.yield %0#0, %0#1, %0#2 : tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
}

// -----

// expected-error @+1 {{expects 'thresh.choose_rows' of all inputs alone, in a kernel of family choose_rows}}
thresh.kernel @kernel_c4_results choose_rows {
^bb0(%s: tensor<1x40xf32>, %i: tensor<1x40xi32>):
  %0:3 = thresh.choose_rows silu %s quantile(1.0) variance_factor(1.0) : tensor<1x40xf32> -> tensor<1x40xi32>, tensor<1x40xf32>, tensor<1xi32>
  thresh.yield %0#0 : tensor<1x40xi32>
}

// -----

// expected-error @+1 {{expects rows of a matrix whose k is a multiple of 32 for q8_row_codes, but got}}
thresh.parameter @parameter_c7_panel : tensor<16x32xi8> from <file = "m", offset = 0, length = 2048, tensor = "w", type = tensor<16x32xf32>> pack <permutation = [0, 1], panel = 16, format = q8_row_codes>

// -----

// expected-error @+1 {{expects rows of a matrix whose k is a multiple of 32 for q4_row_scales, but got}}
thresh.parameter @parameter_c7_width : tensor<32x1xf16> from <file = "m", offset = 0, length = 6144, tensor = "w", type = tensor<32x48xf32>> pack <permutation = [0, 1], panel = 0, format = q4_row_scales>

// -----

// expected-error @+1 {{expects rows of a matrix whose k is a multiple of 32 for q4_row_codes, but got}}
thresh.parameter @parameter_c7_transposed : tensor<32x24xi8> from <file = "m", offset = 0, length = 6144, tensor = "w", type = tensor<48x32xf32>> pack <permutation = [1, 0], panel = 0, format = q4_row_codes>

// -----

// expected-error @+1 {{expects rows of a matrix whose k is a multiple of 32 for q8_row_codes, but got}}
thresh.parameter @parameter_c7_rank : tensor<2x3x32xi8> from <file = "m", offset = 0, length = 768, tensor = "w", type = tensor<2x3x32xf32>> pack <permutation = [0, 1, 2], panel = 0, format = q8_row_codes>

// -----

// expected-error @+1 {{expects elements of type 'i8' for q8_row_codes, but got 'f16'}}
thresh.parameter @parameter_c8 : tensor<16x32xf16> from <file = "m", offset = 0, length = 2048, tensor = "w", type = tensor<16x32xf32>> pack <permutation = [0, 1], panel = 0, format = q8_row_codes>

// -----

// expected-error @+1 {{expects shape 32x16 of its source, but got 16x32}}
thresh.parameter @parameter_c6 : tensor<16x32xi8> from <file = "m", offset = 0, length = 4096, tensor = "w", type = tensor<32x32xf32>> pack <permutation = [0, 1], panel = 0, format = q4_row_codes>

// -----

// expected-error @+1 {{expects a matrix in a record, but got 'tensor<16xf32>'}}
thresh.parameter @parameter_c10_rank : tensor<16xf32> from <file = "m", offset = 0, length = 64, tensor = "w", type = tensor<16xf32>> record <"r", offset = 0, bytes = 64>

// -----

// expected-error @+1 {{expects an offset in its record that is a multiple of 4, but got 2}}
thresh.parameter @parameter_c10_offset : tensor<3x8xf32> from <file = "m", offset = 0, length = 96, tensor = "w", type = tensor<3x8xf32>> record <"r", offset = 2, bytes = 64>

// -----

// expected-error @+1 {{expects an offset in its record that is a multiple of 4, but got -4}}
thresh.parameter @parameter_c10_negative : tensor<3x8xf32> from <file = "m", offset = 0, length = 96, tensor = "w", type = tensor<3x8xf32>> record <"r", offset = -4, bytes = 64>

// -----

// expected-error @+1 {{expects a record of a multiple of 64 bytes that holds rows of 32 from byte 0 on, but got 96}}
thresh.parameter @parameter_c10_bytes : tensor<3x8xf32> from <file = "m", offset = 0, length = 96, tensor = "w", type = tensor<3x8xf32>> record <"r", offset = 0, bytes = 96>

// -----

// expected-error @+1 {{expects a record of a multiple of 64 bytes that holds rows of 32 from byte 36 on, but got 64}}
thresh.parameter @parameter_c10_end : tensor<3x8xf32> from <file = "m", offset = 0, length = 96, tensor = "w", type = tensor<3x8xf32>> record <"r", offset = 36, bytes = 64>

// -----

thresh.parameter @apart : tensor<3x8xf32> from <file = "m", offset = 0, length = 96, tensor = "w", type = tensor<3x8xf32>> record <"r", offset = 0, bytes = 64>
func.func @load_parameter_c3() {
  // expected-error @+1 {{expects memory of type 'memref<3x8xf32, strided<[16, 1]>>', but got 'memref<3x8xf32>'}}
  %0 = thresh.load_parameter @apart : memref<3x8xf32>
  return
}
