// One test per numbered constraint of thresh.attend_chosen (dialects/README.md), named after it.
// RUN: thresh-opt %s -split-input-file -verify-diagnostics

func.func @attend_chosen_c1_queries(%q: tensor<2x4x4xf32>, %qr: tensor<2x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects one query, and static heads and widths of 1 at least, but got 'tensor<2x4x4xf32>', 'tensor<?x2x4xf16>', 'tensor<?x2x6xf16>', 'tensor<2x4x4xf32>', 'tensor<?x2x4xf16>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c1_dynamic(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects one query, and static heads and widths of 1 at least}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c1_heads(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x?x4xf16>, %kr: tensor<?x?x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects one query, and static heads and widths of 1 at least}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x?x4xf16>, tensor<?x?x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c1_width(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x0xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects one query, and static heads and widths of 1 at least}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x0xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x0xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c1_rest(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x0xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x0xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects one query, and static heads and widths of 1 at least}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x0xf32>, tensor<?x2x4xf16>, tensor<?x2x0xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c2_rows(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<5x2x4xf16>, %kr: tensor<5x2x4xf16>, %v: tensor<6x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of equal rows, heads and elements, and keys as wide as queries}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<5x2x4xf16>, tensor<5x2x4xf16>, tensor<6x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c2_heads(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x4x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of equal rows, heads and elements, and keys as wide as queries}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x4x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c2_elements(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xbf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of equal rows, heads and elements, and keys as wide as queries, but got 'tensor<1x4x4xf32>', 'tensor<?x2x4xf16>' and 'tensor<?x2x6xbf16>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xbf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c2_widths(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x5xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of equal rows, heads and elements, and keys as wide as queries}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x5xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c3(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x3x4xf16>, %kr: tensor<?x3x4xf16>, %v: tensor<?x3x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a multiple of 3 query heads, but got 4}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x3x4xf16>, tensor<?x3x4xf16>, tensor<?x3x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c4_result(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a result 1x4x6 and a count per head, but got}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x8xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c4_counts(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a result 1x4x6 and a count per head, but got}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x2xi32>)
  return
}

// -----

func.func @attend_chosen_c5(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<3xf32>) {
  // expected-error @+1 {{expects 2 statistics, but got 'tensor<3xf32>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<3xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c6_query_alone(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a rest of the query and of the keys, or of neither and no softplus}}
  %0:2 = thresh.attend_chosen %q rest %q key %k value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c6_softplus(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a rest of the query and of the keys, or of neither and no softplus}}
  %0:2 = thresh.attend_chosen %q key %k value %v at %p by %s topk(3) scale(1.0) softplus(1.0)
    : (tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c6_widths(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x5xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects rests of one width, with the rows, heads and elements of query and keys, but got 'tensor<1x4x4xf32>' and 'tensor<?x2x5xf16>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x5xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c6_heads(%q: tensor<1x4x4xf32>, %qr: tensor<1x2x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects rests of one width, with the rows, heads and elements of query and keys, but got 'tensor<1x2x4xf32>' and 'tensor<?x2x4xf16>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x2x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c6_elements(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xbf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects rests of one width, with the rows, heads and elements of query and keys, but got 'tensor<1x4x4xf32>' and 'tensor<?x2x4xbf16>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xbf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c6_key_heads(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x4x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects rests of one width, with the rows, heads and elements of query and keys, but got 'tensor<1x4x4xf32>' and 'tensor<?x4x4xf16>'}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x4x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c7(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects k of 1 to 2147483647, but got 0}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(0) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c7_large(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects k of 1 to 2147483647, but got 2147483648}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(2147483648) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c8_scale(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects finite scales}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(0x7FF0000000000000)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c8_softplus(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects finite scales}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0) softplus(0x7FF8000000000000)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c8_cap(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a positive cap, but got 0}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0) cap(0.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c9(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects a window of 0 to 2147483647, but got -1}}
  %0:2 = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(1.0) window(-1)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2x4xf16>, tensor<?x2x6xf16>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c10_no_scales(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xi8>, %v: tensor<?x2x6xi8>, %f: tensor<?x2xf32>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of floats, or of integers with their scales, but got ('tensor<?x2x4xi8>'), () and ('tensor<?x2x6xi8>', 'tensor<?x2xf32>')}}
  %0:2 = thresh.attend_chosen %q key %k value %v, %f at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<?x2x4xi8>, tensor<?x2x6xi8>, tensor<?x2xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c10_scaled_floats(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %v: tensor<?x2x6xf16>, %f: tensor<?x2xf32>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of floats, or of integers with their scales, but got }}
  %0:2 = thresh.attend_chosen %q key %k, %f value %v, %f at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2xf32>, tensor<?x2x6xf16>, tensor<?x2xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c10_scales(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xi8>, %v: tensor<?x2x6xi8>, %f: tensor<?x2xf32>, %g: tensor<?x4xf32>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of floats, or of integers with their scales, but got }}
  %0:2 = thresh.attend_chosen %q key %k, %g value %v, %f at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<?x2x4xi8>, tensor<?x4xf32>, tensor<?x2x6xi8>, tensor<?x2xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c10_rest(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xi8>, %v: tensor<?x2x6xi8>, %f: tensor<?x2xf32>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of floats, or of integers with their scales, but got }}
  %0:2 = thresh.attend_chosen %q rest %q key %k, %f rest %k value %v, %f at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xi8>, tensor<?x2xf32>, tensor<?x2x4xi8>, tensor<?x2x6xi8>, tensor<?x2xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}

// -----

func.func @attend_chosen_c10_no_values(%q: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %f: tensor<?x2xf32>, %p: tensor<i64>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects keys and values of floats, or of integers with their scales, but got }}
  %0:2 = thresh.attend_chosen %q key %k value %f at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<?x2x4xf16>, tensor<?x2xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return
}
