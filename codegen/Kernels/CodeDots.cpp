//===- CodeDots.cpp - Products of activations and codes as integers ----------===//

#include "codegen/Kernels/CodeDots.h"
#include "codegen/Generic/Math.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::RDom;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Products that one sum of i32 gets at once: those of an instruction of u8 and i8.
constexpr int kNeighbours = 4;

/// Integers and scales of x.
void defineActivations(CodeDots &dots, const Halide::ImageParam &x, const Var &token, const Expr &tokens, int groups) {
  Func largest("largest");
  RDom of(0, kRowGroup, "of");
  // As integers, magnitudes are in the same order, and NaN is above them.
  Expr magnitude = Halide::reinterpret<int32_t>(x(dots.group * kRowGroup + of, token)) & INT32_MAX;
  largest(dots.group, token) = 0;
  largest(dots.group, token) = Halide::max(largest(dots.group, token), magnitude);
  dots.xScales(dots.group, token) = math::div(Halide::reinterpret<float>(largest(dots.group, token)), 127.0f);
  Expr scale = dots.xScales(dots.column / kRowGroup, token);
  Expr ratio = Halide::select(math::eq(scale, 0.0f), 0.0f, math::div(x(dots.column, token), scale));
  dots.integers(dots.column, token) = Halide::cast<int8_t>(Halide::round(ratio));

  largest.compute_at(dots.xScales, dots.group).update().atomic().vectorize(of);
  dots.xScales.compute_root().bound(dots.group, 0, groups).bound(token, 0, tokens);
  dots.integers.compute_root().bound(dots.column, 0, groups * kRowGroup).bound(token, 0, tokens);
  dots.integers.vectorize(dots.column, kRowGroup);
}

/// What the zero points of the codes add to each sum.
void defineZeros(CodeDots &dots, const WeightRows &weights, const Var &token, const Expr &tokens) {
  Expr sum = 0;
  for (int i = 0; i < kNeighbours; ++i)
    sum += Halide::cast<int32_t>(dots.integers((dots.step * dots.lanes + dots.lane) * kNeighbours + i, token));
  dots.zeros(dots.lane, dots.step, token) = -weights.zero() * sum;
  dots.zeros.compute_root().bound(dots.lane, 0, dots.lanes).vectorize(dots.lane);
  dots.zeros.bound(dots.step, 0, weights.width / (dots.lanes * kNeighbours)).bound(token, 0, tokens);
}

} // namespace

CodeDots defineCodeDots(const WeightRows &weights, int lanes, const std::vector<Var> &place, const Var &token,
                        const Expr &tokens, const Halide::ImageParam &x, const AtColumn &code, const AtGroup &scale) {
  CodeDots dots;
  constexpr int kGroupLanes = kRowGroup / kNeighbours;
  bool paired = lanes > kGroupLanes && weights.groups() % 2 == 0;
  dots.lanes = paired ? 2 * kGroupLanes : kGroupLanes;
  defineActivations(dots, x, token, tokens, weights.groups());
  defineZeros(dots, weights, token, tokens);
  dots.scales(behind({dots.group}, place)) = scale(dots.group) * dots.xScales(dots.group, token);

  dots.neighbours = RDom(0, kNeighbours, "neighbours");
  Exprs at = behind({dots.lane, dots.step}, place);
  Expr from = (dots.step * dots.lanes + dots.lane) * kNeighbours + dots.neighbours;
  dots.products(at) = dots.zeros(dots.lane, dots.step, token);
  dots.products(at) += Halide::cast<int32_t>(code(from)) * Halide::cast<int32_t>(dots.integers(from, token));

  dots.steps = RDom(0, weights.width / (dots.lanes * kNeighbours), "steps");
  auto scaleAt = [&](const Expr &group) { return Expr(dots.scales(behind({group}, place))); };
  Expr factor = paired ? Halide::select(dots.lane < kGroupLanes, scaleAt(dots.steps * 2), scaleAt(dots.steps * 2 + 1))
                       : scaleAt(dots.steps);
  dots.partial(behind({dots.lane}, place)) = 0.0f;
  dots.partial(behind({dots.lane}, place)) +=
      Halide::cast<float>(dots.products(behind({dots.lane, dots.steps}, place))) * factor;
  RDom all(0, dots.lanes, "all");
  dots.sums(place) = 0.0f;
  dots.sums(place) += dots.partial(behind({all}, place));
  return dots;
}

void scheduleCodeDots(CodeDots &dots, const WeightRows &weights, int rows, const LoopLevel &level) {
  Var row = dots.sums.args()[0];
  scheduleGroups(dots.scales, weights, vectorThatDivides(16, weights.groups()), rows, level);
  dots.products.compute_at(dots.partial, dots.steps.x).bound(dots.lane, 0, dots.lanes).bound_extent(dots.step, 1);
  boundPlace(dots.products, 2, rows);
  dots.products.vectorize(dots.lane).unroll(row);
  dots.products.update().reorder({dots.neighbours.x, dots.lane, row}).atomic().vectorize(dots.neighbours.x);
  dots.products.update().vectorize(dots.lane).unroll(row);
  dots.partial.compute_at(level).bound(dots.lane, 0, dots.lanes).vectorize(dots.lane).unroll(row);
  boundPlace(dots.partial, 1, rows);
  dots.partial.update().reorder({dots.lane, row, dots.steps.x}).vectorize(dots.lane).unroll(row);
  scheduleRowSums(dots.sums, rows, level);
}

} // namespace thresh::codegen
