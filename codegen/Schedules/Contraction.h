//===- Contraction.h - Recognise and take apart a contraction ----------------===//
//
// result[outer, row, column] = init + sum over k of lhs[outer, row, k] * rhs[outer, k, column],
// whatever the order of the dimensions in memory. Shared by the matmul and the attention rule.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_CONTRACTION_H
#define THRESH_CODEGEN_SCHEDULES_CONTRACTION_H

#include "codegen/Generic/Pipeline.h"

namespace thresh::codegen {

/// Columns of a panel of the rhs, as the compiler packs weights.
constexpr int kPanel = 16;

struct Contraction {
  int stage = -1;
  DType dtype = DType::F32;
  DType rhsDtype = DType::F32; ///< in memory
  int rhsOperand = -1;         ///< that the rhs, or what it casts, is a load of; -1: it is none
  int lhs = -1, rhs = -1;      ///< nodes; the rhs depends on `column`, the lhs does not
  int column = -1;             ///< the last parallel loop
  int row = -1;                ///< the last loop that only the lhs depends on, of dynamic extent if any is; -1: none
  std::vector<int> outer;      ///< all other parallel loops, outermost first
  bool packed = false;         ///< the rhs is a load of panels, or a cast of one
  bool alongDepth = false;     ///< the rhs is a load, or a cast of one, contiguous along the last reduction loop
  bool alongColumn = false;    ///< the same along the column
};

bool reduces(const Stage &stage);
/// Which loops the value of a node depends on.
std::vector<bool> loopsOf(const Stage &stage, int node);
/// Whether the load's first `count` coordinates are the loops 0, 1, ...
bool loadsInStep(const Stage &stage, const Node &load, int count);

/// Whether the stage is a contraction in f32 or f64.
bool matchContraction(const Pipeline &pipeline, int stage, Contraction &contraction);

/// The only reduction of the pipeline, if it is a contraction.
bool findContraction(const Pipeline &pipeline, Contraction &contraction);

/// Product of the extents of the reduction loops.
Halide::Expr depth(const Pipeline &pipeline, const Contraction &c);
Halide::RDom reductionDomain(const Pipeline &pipeline, const Contraction &c);
/// Loops of the stage: variables for the parallel ones, the domain's for the others.
Exprs pointOf(const Pipeline &pipeline, const Contraction &c, const Halide::RDom &domain);
Halide::Expr initialValue(const Pipeline &pipeline, const Contraction &c);

/// Whether all later stages and outputs walk the same loops as `stage` and load it at their own point.
bool walksInStep(const Pipeline &pipeline, int stage);

/// What reads the elements of a contraction, and is split into its tiles.
struct Consumer {
  Halide::Func func;
  std::vector<Halide::Var> vars; ///< as the loops of the contraction's stage
  int cost = 1;                  ///< simple operations per element besides the contraction
};

/// The output itself where all later stages walk in step with `stage`; else the stage, at the root, with the outputs
/// scheduled after it. All stages and outputs are defined.
Consumer scheduleConsumer(Pipeline &pipeline, int stage);

/// The rhs as panels.
struct RhsPanels {
  Halide::Func copy; ///< (lane, k..., panel, outer...); undefined if the operand is packed already
  std::vector<Halide::Var> k;
  Halide::Var lane{"lane"}, panel{"panel"};

  /// The element of lane and panel; other coordinates as in `loops`, whose column is ignored.
  Halide::Expr at(const Pipeline &pipeline, const Contraction &c, const Halide::Expr &lane, const Halide::Expr &panel,
                  Exprs loops) const;
};

RhsPanels makePanels(const Pipeline &pipeline, const Contraction &c);
/// Copies the panels, if they need it, at the loop `at` of `consumer`.
void schedulePanels(const Pipeline &pipeline, const Contraction &c, RhsPanels &rhs, int lanes, Halide::Func consumer,
                    const Halide::Var &at);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_CONTRACTION_H
