// One test per constraint of thresh.write_rows.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @write_rows_c1(%past: memref<1x8x4xf32>, %rows: tensor<1x2x4xf32>, %starts: memref<1xi64>) {
  // expected-error @+1 {{expects either tensors or memrefs only, but got both}}
  thresh.write_rows %past, %rows at %starts axis(1) outs(%past : memref<1x8x4xf32>) : memref<1x8x4xf32>, tensor<1x2x4xf32>, memref<1xi64>
  return
}

// -----

func.func @write_rows_c2(%past: memref<1x8x4xf32>, %rows: memref<1x2x4xf32>, %starts: memref<1xi64>) {
  // expected-error @+1 {{expects an axis in [1, 3), but got 0}}
  thresh.write_rows %past, %rows at %starts axis(0) outs(%past : memref<1x8x4xf32>) : memref<1x8x4xf32>, memref<1x2x4xf32>, memref<1xi64>
  return
}

// -----

func.func @write_rows_c3(%past: memref<1x8x4xf32>, %rows: memref<1x2x5xf32>, %starts: memref<1xi64>) {
  // expected-error @+1 {{expects types that differ along dimension 1 only, but got 'memref<1x8x4xf32>' and 'memref<1x2x5xf32>'}}
  thresh.write_rows %past, %rows at %starts axis(1) outs(%past : memref<1x8x4xf32>) : memref<1x8x4xf32>, memref<1x2x5xf32>, memref<1xi64>
  return
}

// -----

func.func @write_rows_c3_elements(%past: memref<1x8x4xf32>, %rows: memref<1x2x4xf16>, %starts: memref<1xi64>) {
  // expected-error @+1 {{expects types that differ along dimension 1 only}}
  thresh.write_rows %past, %rows at %starts axis(1) outs(%past : memref<1x8x4xf32>) : memref<1x8x4xf32>, memref<1x2x4xf16>, memref<1xi64>
  return
}

// -----

func.func @write_rows_c4(%past: memref<1x8x4xf32>, %rows: memref<1x2x4xf32>, %starts: memref<2xi64>) {
  // expected-error @+1 {{expects a start of 64 bits for each entry, but got 'memref<2xi64>'}}
  thresh.write_rows %past, %rows at %starts axis(1) outs(%past : memref<1x8x4xf32>) : memref<1x8x4xf32>, memref<1x2x4xf32>, memref<2xi64>
  return
}
