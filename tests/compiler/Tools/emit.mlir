// Every stage of one small model: y = tanh(x @ w) + x.
// RUN: thresh compile %s --emit=graph | FileCheck %s --check-prefix=GRAPH
// RUN: thresh compile %s --emit=sparse | FileCheck %s --check-prefix=GRAPH
// RUN: thresh compile %s --emit=linalg | FileCheck %s --check-prefix=LINALG
// RUN: thresh compile %s --emit=kernels | FileCheck %s --check-prefix=KERNELS
// RUN: thresh compile %s --emit=halide --target x86-64-v3 | FileCheck %s --check-prefix=HALIDE
// RUN: thresh compile %s --emit=llvm | FileCheck %s --check-prefix=LLVM
// RUN: thresh compile %s --emit=asm | FileCheck %s --check-prefix=ASM
// RUN: thresh compile %s --emit=object -o %t.o && llvm-readelf -h -s %t.o | FileCheck %s --check-prefix=OBJECT
// RUN: thresh compile %s -o %t.so && llvm-readelf -h --dyn-syms %t.so | FileCheck %s --check-prefix=LIBRARY
// RUN: not thresh compile %s --emit=frob 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: not thresh compile %s --emit=object 2>&1 | FileCheck %s --check-prefix=NO-OUTPUT

// GRAPH-LABEL: func.func @main(
// GRAPH-SAME: thresh.dims = ["batch", ""], thresh.name = "x"
// GRAPH: %[[PRODUCT:.*]] = thresh.matmul %{{.*}}, %{{.*}} : tensor<?x32xf32>, tensor<32x32xf32> -> tensor<?x32xf32>
// GRAPH: math.tanh %[[PRODUCT]]

// LINALG-LABEL: func.func @main(
// LINALG-NOT: thresh.matmul
// LINALG: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
// LINALG: math.tanh
// LINALG-NEXT: arith.addf

// KERNELS: thresh.launch @[[KERNEL:.*]] ins(
// KERNELS: thresh.kernel @[[KERNEL]] matmul
// KERNELS: arith.mulf
// KERNELS: math.tanh

// HALIDE: // kernel [[KERNEL:.*]]__x86_64_v3
// HALIDE: "family": "matmul"
// HALIDE: "target": "x86-64-v3"
// HALIDE: module name=[[KERNEL]]__x86_64_v3, target=x86-64
// HALIDE: produce

// LLVM: declare i32 @[[KERNEL:.*]](ptr
// LLVM: define i32 @[[MAIN:thresh_main__[a-z0-9_]*]](ptr
// LLVM: call i32 @[[KERNEL]](

// ASM-LABEL: {{^}}thresh_main__{{.*}}:
// ASM: call{{.*}}thresh_matmul

// OBJECT: Type: REL
// OBJECT: thresh_main__

// LIBRARY: Type: DYN
// LIBRARY: Symbol table '.dynsym'
// LIBRARY: thresh_library

// STAGE: error: '--emit' expects one of graph, sparse, linalg, kernels, halide, llvm, asm, object, library, but got 'frob'
// NO-OUTPUT: error: expects -o

func.func @main(
    %x: tensor<?x32xf32> {thresh.name = "x", thresh.dims = ["batch", ""]},
    %w: tensor<32x32xf32> {thresh.name = "w", thresh.dims = ["", ""]})
    -> (tensor<?x32xf32> {thresh.name = "y", thresh.dims = ["batch", ""]}) {
  %0 = thresh.matmul %x, %w : tensor<?x32xf32>, tensor<32x32xf32> -> tensor<?x32xf32>
  %1 = math.tanh %0 : tensor<?x32xf32>
  %2 = arith.addf %1, %x : tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}
