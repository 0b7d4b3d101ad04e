// One test per constraint of the state ops.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects a static shape of rank 1 or more, of integers or floats, but got 'tensor<?x4xf32>'}}
thresh.state @state_c1 : tensor<?x4xf32>

// -----

// expected-error @+1 {{expects a window of 1 to 16 tokens, but got 17}}
thresh.state @state_c2_wide window 17 : tensor<16x4xf32>

// -----

// expected-error @+1 {{expects a window of 1 to 16 tokens, but got 0}}
thresh.state @state_c2_empty window 0 : tensor<16x4xf32>

// -----

func.func @append_state_c1(%rows: tensor<?x4xf32>, %i: index) {
  // expected-error @+1 {{expects @nothing to name a thresh.state}}
  thresh.append_state @nothing[%i], %rows : tensor<?x4xf32>
  return
}

// -----

thresh.state @keys : tensor<16x4xf32>
func.func @append_state_c2(%rows: tensor<?x5xf32>, %i: index) {
  // expected-error @+1 {{expects rows of 'tensor<16x4xf32>', but got 'tensor<?x5xf32>'}}
  thresh.append_state @keys[%i], %rows : tensor<?x5xf32>
  return
}

// -----

thresh.state @keys : tensor<16x4xf32>
func.func @read_state_c2(%i: index) {
  // expected-error @+1 {{expects rows of 'tensor<16x4xf32>', but got 'tensor<?x4xf16>'}}
  %0 = thresh.read_state @keys[%i] : tensor<?x4xf16>
  return
}

// -----

func.func @recall_state_c1(%rows: tensor<?x4xf32>, %out: tensor<?x4xf32>, %i: index) {
  // expected-error @+1 {{expects @nothing to name a thresh.state}}
  %0 = thresh.recall_state @nothing[%i], %rows : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

thresh.state @keys window 7 : tensor<16x4xf32>
func.func @recall_state_c2_rows(%rows: tensor<?x5xf32>, %out: tensor<?x4xf32>, %i: index) {
  // expected-error @+1 {{expects rows of 'tensor<16x4xf32>', but got 'tensor<?x5xf32>'}}
  %0 = thresh.recall_state @keys[%i], %rows : tensor<?x5xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

thresh.state @keys window 7 : tensor<16x4xf32>
func.func @recall_state_c2_out(%rows: tensor<?x4xf32>, %out: tensor<?x4xf16>, %i: index) {
  // expected-error @+1 {{expects rows of 'tensor<16x4xf32>', but got 'tensor<?x4xf16>'}}
  %0 = thresh.recall_state @keys[%i], %rows : tensor<?x4xf32> outs(%out : tensor<?x4xf16>) -> tensor<?x4xf16>
  return
}
