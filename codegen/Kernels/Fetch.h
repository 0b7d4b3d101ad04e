//===- Fetch.h - Rows that are needed soon -----------------------------------===//
#ifndef THRESH_CODEGEN_KERNELS_FETCH_H
#define THRESH_CODEGEN_KERNELS_FETCH_H

#include <Halide.h>

namespace thresh::codegen {

/// 0, and the `elements` elements of `buffer` from number `first` on get fetched into the cache of level 2. Places in
/// memory may be data, and any numbers: nothing is read. The caller must need the value, of a Func that it computes
/// where the fetch belongs.
Halide::Expr fetch(const Halide::ImageParam &buffer, const Halide::Expr &first, const Halide::Expr &elements);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_FETCH_H
