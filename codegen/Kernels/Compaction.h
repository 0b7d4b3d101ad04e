//===- Compaction.h - The elements of a row that survive ---------------------===//
#ifndef THRESH_CODEGEN_KERNELS_COMPACTION_H
#define THRESH_CODEGEN_KERNELS_COMPACTION_H

#include <Halide.h>

#include <functional>

namespace thresh::codegen {

/// The indices of the elements that survive, ascending, of one row or of each that `args` tell. First a bit for every
/// element, then 8 elements at a time: a table says for every pattern of 8 bits where its ones are, so that 8 indices
/// are stored at once, the survivors in front, and the next 8 begin behind these. No branch depends on an element.
class Compaction {
public:
  /// `survives` is asked for indices below `elements` rounded up to a multiple of 8.
  Compaction(const Halide::Expr &elements, const std::vector<Halide::Var> &args,
             const std::function<Halide::Expr(const Halide::Expr &)> &survives);

  Halide::Expr count(const std::vector<Halide::Expr> &args) const;
  /// How many survive before an element whose number is a multiple of 8; behind all of them, the count.
  Halide::Expr countBefore(const Halide::Expr &element, const std::vector<Halide::Expr> &args) const;
  /// Of a position and the row; unspecified from the count on.
  Halide::Func list{"survivors"};

  /// Told of a loop nest over one row, and its cost in operations on vectors.
  using NestOfRow = std::function<void(Halide::Func, Halide::Stage, const Halide::Expr &cost)>;

  /// Computes all of it at `level`, the list with room for `behind` entries behind those of all elements, 8 at least.
  /// `each` may schedule the rows of a nest.
  void schedule(const Halide::LoopLevel &level, int lanes, int behind, const NestOfRow &each = nullptr);

private:
  Halide::Expr elements, octets;
  Halide::Var octet{"octet"}, position{"position"};
  Halide::RDom bit, before, of;
  Halide::Func bits{"bits"}, starts{"starts"};
};

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELS_COMPACTION_H
