// One test per numbered constraint of the parameters and the host ops (dialects/README.md), named after it.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects a static shape of integers or floats, but got 'tensor<?xf32>'}}
thresh.parameter @parameter_c1 : tensor<?xf32> from <file = "f", offset = 0, length = 8, tensor = "t", type = tensor<2xf32>>

// -----

// expected-error @+1 {{expects a static shape of integers or floats, but got 'tensor<2xindex>'}}
thresh.parameter @parameter_c1_source : tensor<2xf32> from <file = "f", offset = 0, length = 8, tensor = "t", type = tensor<2xindex>>

// -----

// expected-error @+1 {{expects a source of 8 bytes for 'tensor<2xf32>', but got 7}}
thresh.parameter @parameter_c2 : tensor<2xf32> from <file = "f", offset = 0, length = 7, tensor = "t", type = tensor<2xf32>>

// -----

// expected-error @+1 {{expects a source of 2 bytes for 'tensor<3xi4>', but got 3}}
thresh.parameter @parameter_c2_narrow : tensor<3xi4> from <file = "f", offset = 0, length = 3, tensor = "t", type = tensor<3xi4>>

// -----

// expected-error @+1 {{expects a source of fewer than 2^63 bytes for 'tensor<4611686018427387904xf32>', but got 0}}
thresh.parameter @parameter_c2_overflow : tensor<1xf32> from <file = "f", offset = 0, length = 0, tensor = "t", type = tensor<4611686018427387904xf32>>

// -----

// expected-error @+1 {{expects a source offset >= 0, but got -4}}
thresh.parameter @parameter_c3 : tensor<2xf32> from <file = "f", offset = -4, length = 8, tensor = "t", type = tensor<2xf32>>

// -----

// expected-error @+1 {{expects a permutation of 2 dimensions, but got [1, 1]}}
thresh.parameter @parameter_c4 : tensor<2x3xf32> from <file = "f", offset = 0, length = 24, tensor = "t", type = tensor<2x3xf32>> pack <permutation = [1, 1], panel = 0>

// -----

// expected-error @+1 {{expects panel 0, or a panel > 0 on rank >= 2, but got panel 16 on rank 1}}
thresh.parameter @parameter_c5 : tensor<1x16xf32> from <file = "f", offset = 0, length = 8, tensor = "t", type = tensor<2xf32>> pack <permutation = [0], panel = 16>

// -----

// expected-error @+1 {{expects shape 2x3 of its source, but got 3x2}}
thresh.parameter @parameter_c6 : tensor<3x2xf32> from <file = "f", offset = 0, length = 24, tensor = "t", type = tensor<2x3xf32>>

// -----

// expected-error @+1 {{expects shape 1x2x16 of its source, but got 2x3}}
thresh.parameter @parameter_c6_packed : tensor<2x3xf32> from <file = "f", offset = 0, length = 24, tensor = "t", type = tensor<2x3xf32>> pack <permutation = [0, 1], panel = 16>

// -----

func.func @load_parameter_c1() {
  // expected-error @+1 {{expects @load_parameter_c1 to name a thresh.parameter}}
  %0 = thresh.load_parameter @load_parameter_c1 : tensor<2xf32>
  return
}

// -----

thresh.parameter @w : tensor<2xf32> from <file = "f", offset = 0, length = 8, tensor = "t", type = tensor<2xf32>>
func.func @load_parameter_c2() {
  // expected-error @+1 {{expects the shape and elements of 'tensor<2xf32>', but got 'memref<?xf32>'}}
  %0 = thresh.load_parameter @w : memref<?xf32>
  return
}

// -----

// expected-error @+1 {{expects ranked tensors as body arguments, but got 'f32'}}
thresh.kernel @kernel_c1 elementwise {
^bb0(%x: f32):
  thresh.yield
}

// -----

// expected-error @+1 {{expects a body that ends with thresh.yield}}
thresh.kernel @kernel_c2 elementwise {
  %0 = arith.constant 0 : index
}

// -----

// expected-error @+1 {{expects the last body arguments to be destinations of types 'tensor<?xf32>', but got 'tensor<?xf16>'}}
thresh.kernel @kernel_c3 elementwise {
^bb0(%x: tensor<?xf16>):
  %0 = arith.extf %x : tensor<?xf16> to tensor<?xf32>
  thresh.yield %0 : tensor<?xf32>
}

// -----

func.func @launch_c1(%t: tensor<2xf32>) {
  // expected-error @+1 {{expects @nothing to name a thresh.kernel}}
  %0 = thresh.launch @nothing ins() outs(%t : tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

thresh.kernel @id elementwise {
^bb0(%x: tensor<?x2xf32>, %out: tensor<?x2xf32>):
  thresh.yield %x : tensor<?x2xf32>
}
func.func @launch_c2(%t: tensor<5x2xf32>, %u: tensor<5x3xf32>) {
  // expected-error @+1 {{expects ins #0 to match 'tensor<?x2xf32>', but got 'tensor<5x3xf32>'}}
  %0 = thresh.launch @id ins(%u : tensor<5x3xf32>) outs(%t : tensor<5x2xf32>) -> tensor<5x2xf32>
  return
}

// -----

thresh.kernel @id elementwise {
^bb0(%x: tensor<?x2xf32>, %out: tensor<?x2xf32>):
  thresh.yield %x : tensor<?x2xf32>
}
func.func @launch_c2_count(%t: tensor<5x2xf32>) {
  // expected-error @+1 {{expects 1 ins, but got 0}}
  %0 = thresh.launch @id ins() outs(%t : tensor<5x2xf32>) -> tensor<5x2xf32>
  return
}

// -----

thresh.kernel @id elementwise {
^bb0(%x: tensor<?x2xf32>, %out: tensor<?x2xf32>):
  thresh.yield %x : tensor<?x2xf32>
}
func.func @launch_c3(%t: tensor<5x2xf32>, %u: tensor<5x2xf16>) {
  // expected-error @+1 {{expects outs #0 to match 'tensor<?x2xf32>', but got 'tensor<5x2xf16>'}}
  %0 = thresh.launch @id ins(%t : tensor<5x2xf32>) outs(%u : tensor<5x2xf16>) -> tensor<5x2xf16>
  return
}

// -----

thresh.kernel @id elementwise {
^bb0(%x: tensor<?x2xf32>, %out: tensor<?x2xf32>):
  thresh.yield %x : tensor<?x2xf32>
}
func.func @launch_c4(%t: tensor<5x2xf32>, %m: memref<5x2xf32>) {
  // expected-error @+1 {{expects either tensors or memrefs only, but got both}}
  %0 = thresh.launch @id ins(%m : memref<5x2xf32>) outs(%t : tensor<5x2xf32>) -> tensor<5x2xf32>
  return
}

// -----

func.func @output_c1(%n: index) {
  // expected-error @+1 {{expects 2 dynamic sizes, but got 1}}
  %0 = thresh.output 0[%n] : memref<?x?xf32>
  return
}

// -----

func.func @input_index() {
  // expected-error @+1 {{attribute 'index' failed to satisfy constraint}}
  %0 = thresh.input -1 : memref<2xf32>
  return
}

// -----

func.func @check_c1(%ok: i1, %i: i64) {
  // expected-error @+1 {{expects only %lld and %% after a percent sign, but got "%s"}}
  thresh.check %ok, "%s" [%i] : i64
  return
}

// -----

func.func @check_c2(%ok: i1, %i: i64) {
  // expected-error @+1 {{expects at most 2 values, one per %lld, but got 1 values for 2 directives}}
  thresh.check %ok, "%lld and %lld" [%i] : i64
  return
}

// -----

func.func @check_c2_too_many(%ok: i1, %i: i64) {
  // expected-error @+1 {{expects at most 2 values, one per %lld, but got 3 values for 3 directives}}
  thresh.check %ok, "%lld %lld %lld" [%i, %i, %i] : i64, i64, i64
  return
}
