// One test per rule of the sparse ops.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @statistical_topk_c1(%x: tensor<f32>) {
  // expected-error @+1 {{expects an input of rank >= 1, but got 'tensor<f32>'}}
  %0 = thresh.statistical_topk %x k(1) : tensor<f32>
  return
}

// -----

func.func @statistical_topk_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects k >= 0, but got -1}}
  %0 = thresh.statistical_topk %x k(-1) : tensor<4xf32>
  return
}

// -----

func.func @sparse_ffn_c1(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>, %w: tensor<?x8xf32>) {
  // expected-error @+1 {{expects weights and an input of static width, but got 'tensor<?x8xf32>', 'tensor<?x8xf32>' and 'tensor<8x12xf32>'}}
  %0 = thresh.sparse_ffn relu none %x up %w down %d
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c2(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects 1 to 7 first dimensions, but got 8}}
  %0 = thresh.sparse_ffn relu first_dims(8) %x gate %a up %b down %d topk(2)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x5xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c2_without(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects no first dimensions, but got 3}}
  %0 = thresh.sparse_ffn relu gate(3) %x gate %a up %b down %d topk(2)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x5xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c3(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects a gate, as its first dimensions are the predictor}}
  %0 = thresh.sparse_ffn relu first_dims(3) %x up %b down %d topk(2)
    : (tensor<?x8xf32>, tensor<12x5xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c4(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects a k, as there is a predictor}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c4_none(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects no k, as there is no predictor}}
  %0 = thresh.sparse_ffn relu none %x gate %g up %u down %d topk(2)
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c4_negative(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects k >= 0, but got -2}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(-2)
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c5(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects a granularity that divides 12 neurons, but got 5}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(2) granularity(5) mask
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c6(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects 'mask', as the scores are not what the activation is applied to}}
  %0 = thresh.sparse_ffn relu router %x by %r up %u down %d topk(2) granularity(2)
    : (tensor<?x8xf32>, tensor<6x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c6_blocks(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects 'mask', as the scores are not what the activation is applied to}}
  %0 = thresh.sparse_ffn relu gate %x gate %g up %u down %d topk(2) granularity(2)
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c7(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects predictor weights 12x8, but got 'tensor<6x8xf32>'}}
  %0 = thresh.sparse_ffn relu router %x by %r up %u down %d topk(2) mask
    : (tensor<?x8xf32>, tensor<6x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c7_count(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects 0 predictor weights, but got 1}}
  %0 = thresh.sparse_ffn relu gate %x by %r gate %g up %u down %d topk(2) mask
    : (tensor<?x8xf32>, tensor<6x8xf32>, tensor<12x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c7_rank(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects predictor weights of one rank, but got 'tensor<6x8xf32>' and 'tensor<12x3xf32>'}}
  %0 = thresh.sparse_ffn relu low_rank %x by %r, %a up %u down %d topk(2) mask
    : (tensor<?x8xf32>, tensor<6x8xf32>, tensor<12x3xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c8(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects an up projection 12x4, but got 'tensor<12x5xf32>'}}
  %0 = thresh.sparse_ffn relu first_dims(4) %x gate %a up %b down %d topk(2)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x5xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c8_gate(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects a gate 12x8, but got 'tensor<12x3xf32>'}}
  %0 = thresh.sparse_ffn relu gate %x gate %a up %u down %d topk(2)
    : (tensor<?x8xf32>, tensor<12x3xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c8_down(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects a down projection of 12 columns, but got 'tensor<6x8xf32>'}}
  %0 = thresh.sparse_ffn relu none %x up %u down %r
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @sparse_ffn_c9(%x: tensor<?x8xf32>, %a: tensor<12x3xf32>, %b: tensor<12x5xf32>, %g: tensor<12x8xf32>, %u: tensor<12x8xf32>, %d: tensor<8x12xf32>, %r: tensor<6x8xf32>) {
  // expected-error @+1 {{expects a result ?x8 and a count per row, but got 'tensor<?x9xf32>'}}
  %0 = thresh.sparse_ffn relu none %x up %u down %d
    : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<8x12xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @topk_attention_c1(%q: tensor<?x?x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects [rows, heads, width] with static heads and widths, one head and one dimension of a query at least, but got 'tensor<?x?x4xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x?x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c1_rest(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x?xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects [rows, heads, width] with static heads and widths, one head and one dimension of a query at least, but got 'tensor<?x4x?xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x?xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c1_width(%q: tensor<?x4x0xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x0xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects [rows, heads, width] with static heads and widths, one head and one dimension of a query at least, but got 'tensor<?x4x0xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x0xf32>, tensor<?x4x4xf32>, tensor<?x2x0xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c2(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x5xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects keys and values of equal rows and heads, and keys as wide as queries, but got 'tensor<?x4x4xf32>', 'tensor<?x2x5xf32>' and 'tensor<?x2x6xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x5xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c3(%q: tensor<?x3x4xf32>, %qr: tensor<?x3x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects a multiple of 2 query heads, but got 3}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x3x4xf32>, tensor<?x3x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x3x6xf32>
  return
}

// -----

func.func @topk_attention_c4(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects a result ?x4x6 and a count per row and head, but got 'tensor<?x4x8xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @topk_attention_c5_key_alone(%q: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects a rest of queries and of keys, or of neither and no softplus}}
  %0 = thresh.topk_attention %q key %k rest %k value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c5_query_alone(%q: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects a rest of queries and of keys, or of neither and no softplus}}
  %0 = thresh.topk_attention %q rest %q key %k value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c5_softplus(%q: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects a rest of queries and of keys, or of neither and no softplus}}
  %0 = thresh.topk_attention %q key %k value %v at %p scale(1.0) softplus(1.0)
    : (tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c5_widths(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x3xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects rests of one width, with the rows and heads of queries and of keys, but got 'tensor<?x4x4xf32>' and 'tensor<?x2x3xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x3xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c5_heads(%q: tensor<?x4x4xf32>, %qr: tensor<?x2x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects rests of one width, with the rows and heads of queries and of keys, but got 'tensor<?x2x4xf32>' and 'tensor<?x2x4xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c5_key_heads(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x1x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects rests of one width, with the rows and heads of queries and of keys, but got 'tensor<?x4x4xf32>' and 'tensor<?x1x4xf32>'}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x1x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c6(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects k >= 1, but got 0}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(0) scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c7(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects 'exact' or 'unbiased' only with a k, and not both}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p exact scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c7_both(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects 'exact' or 'unbiased' only with a k, and not both}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(2) exact unbiased scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c8(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects finite scales}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(2) scale(0x7FF0000000000000)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c8_cap(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects a positive cap, but got 0}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(2) scale(1.0) cap(0.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_attention_c9(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) {
  // expected-error @+1 {{expects window >= 0, but got -1}}
  %0 = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(2) scale(1.0) window(-1)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return
}

// -----

func.func @topk_c1(%x: tensor<3x?xf32>) {
  // expected-error @+1 {{expects an input with a static last extent, but got 'tensor<3x?xf32>'}}
  %0:2 = thresh.topk %x k(8) : tensor<3x?xf32> -> tensor<3x8xf32>, tensor<3x8xi64>
  return
}

// -----

func.func @topk_c2(%x: tensor<3x100xf32>) {
  // expected-error @+1 {{expects k in [0, 100], but got 101}}
  %0:2 = thresh.topk %x k(101) : tensor<3x100xf32> -> tensor<3x101xf32>, tensor<3x101xi64>
  return
}

// -----

func.func @topk_c3(%x: tensor<3x100xf32>) {
  // expected-error @+1 {{expects results of shape 3x7, but got 'tensor<3x8xf32>' and 'tensor<3x8xi64>'}}
  %0:2 = thresh.topk %x k(7) : tensor<3x100xf32> -> tensor<3x8xf32>, tensor<3x8xi64>
  return
}

// -----

func.func @topk_c4(%x: tensor<3x100xf32>) {
  // expected-error @+1 {{expects a recall between 0 and 1, but got 1}}
  %0:2 = thresh.topk %x k(8) recall(1.0) : tensor<3x100xf32> -> tensor<3x8xf32>, tensor<3x8xi64>
  return
}

// -----

func.func @topk_c5(%x: tensor<3x100xf32>) {
  // expected-error @+1 {{expects buckets and kept together}}
  %0:2 = thresh.topk %x k(8) recall(0.9) buckets(10) : tensor<3x100xf32> -> tensor<3x8xf32>, tensor<3x8xi64>
  return
}

// -----

func.func @topk_c5_divides(%x: tensor<3x100xf32>) {
  // expected-error @+1 {{expects buckets that divide 100 and hand on at least k = 8 elements, but got 30 that keep 1}}
  %0:2 = thresh.topk %x k(8) buckets(30) kept(1) : tensor<3x100xf32> -> tensor<3x8xf32>, tensor<3x8xi64>
  return
}

// -----

func.func @topk_c5_few(%x: tensor<3x100xf32>) {
  // expected-error @+1 {{expects buckets that divide 100 and hand on at least k = 8 elements, but got 5 that keep 1}}
  %0:2 = thresh.topk %x k(8) buckets(5) kept(1) : tensor<3x100xf32> -> tensor<3x8xf32>, tensor<3x8xi64>
  return
}
