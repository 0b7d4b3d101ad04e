// Attention that no kernel computes stays as it is, and a remark says why.
// RUN: thresh-opt %s -thresh-choose-sparse-kernels -verify-diagnostics | FileCheck %s

// CHECK-NOT: thresh.attend_chosen
// CHECK-LABEL: func.func @prefill
// CHECK: thresh.topk_attention
func.func @prefill(%q: tensor<?x4x4xf32>, %qr: tensor<?x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<?x4x6xf32> {
  // expected-remark @+1 {{'thresh.topk_attention' gets no sparse kernel: it is not known to compute a single query}}
  %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(0.5)
    : (tensor<?x4x4xf32>, tensor<?x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<?x4x6xf32>
  return %y : tensor<?x4x6xf32>
}

// CHECK-LABEL: func.func @all_keys
// CHECK: thresh.topk_attention
func.func @all_keys(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<1x4x6xf32> {
  // expected-remark @+1 {{'thresh.topk_attention' gets no sparse kernel: it attends to all keys}}
  %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p scale(0.5) softplus(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<1x4x6xf32>
  return %y : tensor<1x4x6xf32>
}

// CHECK-LABEL: func.func @exact
// CHECK: thresh.topk_attention
func.func @exact(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<1x4x6xf32> {
  // expected-remark @+1 {{'thresh.topk_attention' gets no sparse kernel: its top-k is exact}}
  %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) exact scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<1x4x6xf32>
  return %y : tensor<1x4x6xf32>
}

// CHECK-LABEL: func.func @empty
// CHECK: thresh.topk_attention
func.func @empty(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x0xf32>, %p: index) -> tensor<1x4x0xf32> {
  // expected-remark @+1 {{'thresh.topk_attention' gets no sparse kernel: its values are empty}}
  %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x0xf32>, index) -> tensor<1x4x0xf32>
  return %y : tensor<1x4x0xf32>
}

// CHECK-LABEL: func.func @long_window
// CHECK: thresh.topk_attention
func.func @long_window(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: index) -> tensor<1x4x6xf32> {
  // expected-remark @+1 {{'thresh.topk_attention' gets no sparse kernel: its k or window is above 2147483647}}
  %y = thresh.topk_attention %q rest %qr key %k rest %kr value %v at %p topk(3) scale(0.5) window(2147483648)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, index) -> tensor<1x4x6xf32>
  return %y : tensor<1x4x6xf32>
}
