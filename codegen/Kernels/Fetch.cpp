//===- Fetch.cpp - Rows that are needed soon ---------------------------------===//

#include "codegen/Kernels/Fetch.h"

using Halide::Expr;
using Halide::Internal::Call;
using Halide::Internal::Variable;

namespace thresh::codegen {

Expr fetch(const Halide::ImageParam &buffer, const Expr &first, const Expr &elements) {
  const Halide::Parameter &parameter = buffer.parameter();
  Expr handle = Variable::make(Halide::type_of<halide_buffer_t *>(), parameter.name() + ".buffer", parameter);
  Expr base = Call::make(Halide::type_of<void *>(), Call::buffer_get_host, {handle}, Call::Extern);
  int bytes = buffer.type().bytes();
  return Call::make(Halide::Int(32), "thresh_fetch", {base, Halide::cast<int64_t>(first) * bytes, elements * bytes},
                    Call::Extern);
}

} // namespace thresh::codegen
