// RUN: thresh-opt %s | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -mlir-print-op-generic | thresh-opt | FileCheck %s
// RUN: thresh-opt %s -canonicalize | FileCheck %s --check-prefix=FOLD
// RUN: thresh-opt %s -pass-pipeline='builtin.module(func.func(resolve-ranked-shaped-type-result-dims),canonicalize)' | FileCheck %s --check-prefix=SHAPE

// CHECK-LABEL: func.func @spellings
// CHECK: thresh.attend_chosen %{{.*}} rest %{{.*}} key %{{.*}} rest %{{.*}} value %{{.*}} at %{{.*}} by %{{.*}} topk(3) scale(5.000000e-01) : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
// CHECK: thresh.attend_chosen %{{.*}} rest %{{.*}} key %{{.*}} rest %{{.*}} value %{{.*}} at %{{.*}} by %{{.*}} topk(3) scale(5.000000e-01) softplus(2.500000e-01) cap(5.000000e+01) window(7) :
// CHECK: thresh.attend_chosen %{{[a-z0-9]*}} key %{{[a-z0-9]*}} value %{{[a-z0-9]*}} at %{{.*}} by %{{.*}} topk(3) scale(1.000000e+00) :
// SHAPE-LABEL: func.func @spellings
// SHAPE-DAG: %[[HEADS:.*]] = arith.constant 4 : index
// SHAPE-DAG: %[[WIDTH:.*]] = arith.constant 6 : index
// SHAPE: return %{{.*}}, %[[WIDTH]], %[[HEADS]]
func.func @spellings(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf32>, %p: tensor<i64>, %s: tensor<2xf32>) -> (tensor<1x4x6xf32>, index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %a, %m = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  %b, %n = thresh.attend_chosen %q rest %qr key %k rest %kr value %v at %p by %s topk(3) scale(0.5) softplus(0.25) cap(50.0) window(7)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  %w, %x = thresh.attend_chosen %q key %k value %v at %p by %s topk(3) scale(1.0)
    : (tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  %c = arith.addf %a, %b : tensor<1x4x6xf32>
  %d = tensor.dim %b, %c2 : tensor<1x4x6xf32>
  %e = tensor.dim %n, %c1 : tensor<1x4xi32>
  return %c, %d, %e : tensor<1x4x6xf32>, index, index
}

// Integers come with their scales.
// CHECK-LABEL: func.func @integers
// CHECK: thresh.attend_chosen %{{.*}} rest %{{.*}} key %{{.*}}, %{{.*}} rest %{{.*}}, %{{.*}} value %{{.*}}, %{{.*}} at %{{.*}} by
func.func @integers(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x3xf32>, %k: tensor<?x2x4xi8>, %kr: tensor<?x2x3xi8>, %v: tensor<?x2x6xi8>, %f: tensor<?x2xf32>, %p: tensor<i64>, %s: tensor<2xf32>) -> tensor<1x4x6xf32> {
  %a, %m = thresh.attend_chosen %q rest %qr key %k, %f rest %kr, %f value %v, %f at %p by %s topk(3) scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x3xf32>, tensor<?x2x4xi8>, tensor<?x2xf32>, tensor<?x2x3xi8>, tensor<?x2xf32>, tensor<?x2x6xi8>, tensor<?x2xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return %a : tensor<1x4x6xf32>
}

// Keys and values that were only widened are read as they are stored.
// FOLD-LABEL: func.func @narrow
// FOLD-SAME: %[[K:[a-z0-9]*]]: tensor<?x2x4xbf16>, %[[KR:[a-z0-9]*]]: tensor<?x2x4xbf16>, %[[V:[a-z0-9]*]]: tensor<?x2x6xbf16>
// FOLD-NOT: arith.extf
// FOLD: thresh.attend_chosen %{{.*}} rest %{{.*}} key %[[K]] rest %[[KR]] value %[[V]] at
func.func @narrow(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xbf16>, %kr: tensor<?x2x4xbf16>, %v: tensor<?x2x6xbf16>, %p: tensor<i64>, %s: tensor<2xf32>) -> tensor<1x4x6xf32> {
  %wk = arith.extf %k : tensor<?x2x4xbf16> to tensor<?x2x4xf32>
  %wkr = arith.extf %kr : tensor<?x2x4xbf16> to tensor<?x2x4xf32>
  %wv = arith.extf %v : tensor<?x2x6xbf16> to tensor<?x2x6xf32>
  %a, %m = thresh.attend_chosen %q rest %qr key %wk rest %wkr value %wv at %p by %s topk(3) scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return %a : tensor<1x4x6xf32>
}

// All must be of one type.
// FOLD-LABEL: func.func @mixed
// FOLD-COUNT-3: arith.extf
// FOLD: thresh.attend_chosen {{.*}} : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>,
func.func @mixed(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf16>, %kr: tensor<?x2x4xf16>, %v: tensor<?x2x6xbf16>, %p: tensor<i64>, %s: tensor<2xf32>) -> tensor<1x4x6xf32> {
  %wk = arith.extf %k : tensor<?x2x4xf16> to tensor<?x2x4xf32>
  %wkr = arith.extf %kr : tensor<?x2x4xf16> to tensor<?x2x4xf32>
  %wv = arith.extf %v : tensor<?x2x6xbf16> to tensor<?x2x6xf32>
  %a, %m = thresh.attend_chosen %q rest %qr key %wk rest %wkr value %wv at %p by %s topk(3) scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return %a : tensor<1x4x6xf32>
}

// FOLD-LABEL: func.func @values_only
// FOLD: arith.extf
// FOLD: thresh.attend_chosen {{.*}} : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>,
func.func @values_only(%q: tensor<1x4x4xf32>, %qr: tensor<1x4x4xf32>, %k: tensor<?x2x4xf32>, %kr: tensor<?x2x4xf32>, %v: tensor<?x2x6xf16>, %p: tensor<i64>, %s: tensor<2xf32>) -> tensor<1x4x6xf32> {
  %wv = arith.extf %v : tensor<?x2x6xf16> to tensor<?x2x6xf32>
  %a, %m = thresh.attend_chosen %q rest %qr key %k rest %kr value %wv at %p by %s topk(3) scale(0.5)
    : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x6xf32>, tensor<i64>, tensor<2xf32>) -> (tensor<1x4x6xf32>, tensor<1x4xi32>)
  return %a : tensor<1x4x6xf32>
}
