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
void defineIntegers(CodeActivations &a, const Halide::ImageParam &x, const Expr &tokens, int groups) {
  Var group("group"), byte("byte"), half("half"), token("token");
  Func largest("largest");
  RDom of(0, kRowGroup, "of");
  // As integers, magnitudes are in the same order, and NaN is above them.
  Expr magnitude = Halide::reinterpret<int32_t>(x(group * kRowGroup + of, token)) & INT32_MAX;
  largest(group, token) = 0;
  largest(group, token) = Halide::max(largest(group, token), magnitude);
  a.scales(group, token) = math::div(Halide::reinterpret<float>(largest(group, token)), 127.0f);
  int bytes = kRowGroup / a.halves;
  Expr at = byte / bytes, column = at * kRowGroup + half * bytes + byte % bytes, scale = a.scales(at, token);
  Expr ratio = Halide::select(math::eq(scale, 0.0f), 0.0f, math::div(x(column, token), scale));
  a.integers(byte, half, token) = Halide::cast<int8_t>(Halide::round(ratio));

  largest.compute_at(a.scales, group).update().atomic().vectorize(of);
  a.scales.compute_root().bound(group, 0, groups).bound(token, 0, tokens);
  a.integers.compute_root().bound(byte, 0, groups * bytes).bound(half, 0, a.halves).bound(token, 0, tokens);
  a.integers.vectorize(byte, bytes);
}

void defineZeros(CodeActivations &a, const Expr &tokens, int steps, int zero) {
  Var lane("lane"), step("step"), token("token");
  Expr sum = 0;
  for (int half = 0; half < a.halves; ++half)
    for (int i = 0; i < kNeighbours; ++i)
      sum += Halide::cast<int32_t>(a.integers((step * a.lanes + lane) * kNeighbours + i, half, token));
  a.zeros(lane, step, token) = -zero * sum;
  a.zeros.compute_root().bound(lane, 0, a.lanes).bound(step, 0, steps).bound(token, 0, tokens).vectorize(lane);
}

} // namespace

CodeActivations defineCodeActivations(const WeightRows &weights, int halves, int lanes, const Halide::ImageParam &x,
                                      const Expr &tokens) {
  CodeActivations a;
  int groupLanes = kRowGroup / halves / kNeighbours;
  a.halves = halves;
  a.groups = vectorThatDivides(std::max(1, lanes / groupLanes), weights.groups());
  a.lanes = a.groups * groupLanes;
  defineIntegers(a, x, tokens, weights.groups());
  defineZeros(a, tokens, weights.groups() / a.groups, weights.zero());
  return a;
}

CodeDots defineCodeDots(const WeightRows &weights, const CodeActivations &x, const std::vector<Var> &place,
                        const Var &token, const RowOfCodes &row) {
  CodeDots dots;
  dots.lanes = x.lanes;
  dots.scales(behind({dots.group}, place)) = row.scale(dots.group) * x.scales(dots.group, token);

  int bytes = x.lanes * kNeighbours;
  dots.codes = RDom({{0, kNeighbours}, {0, x.halves}}, "codes");
  Expr half = dots.codes.y, inStep = dots.lane * kNeighbours + dots.codes.x, byte = dots.step * bytes + inStep;
  Expr code = row.code(byte, half);
  if (x.halves > 1) {
    // A Func hides from Halide that half a byte fits i8: it would not multiply it as an u8.
    dots.halves(behind({dots.byte, dots.half, dots.step}, place)) = row.code(dots.step * bytes + dots.byte, dots.half);
    code = dots.halves(behind({inStep, half, dots.step}, place));
  }
  Exprs at = behind({dots.lane, dots.step}, place);
  Expr start = x.zeros(dots.lane, dots.step, token);
  if (row.fetch) {
    Exprs ofRows = behind({dots.step}, std::vector<Var>(place.begin() + 1, place.end()));
    dots.fetched(ofRows) = row.fetch(dots.step);
    start += Halide::select(place[0] == 0, dots.fetched(ofRows), 0);
  }
  dots.products(at) = start;
  dots.products(at) += Halide::cast<int32_t>(code) * Halide::cast<int32_t>(x.integers(byte, half, token));

  dots.steps = RDom(0, weights.groups() / x.groups, "steps");
  dots.groupLanes = x.lanes / x.groups;
  Expr factor = dots.scales(behind({dots.steps * x.groups + dots.lane / dots.groupLanes}, place));
  dots.partial(behind({dots.lane}, place)) = 0.0f;
  dots.partial(behind({dots.lane}, place)) +=
      Halide::cast<float>(dots.products(behind({dots.lane, dots.steps}, place))) * factor;
  RDom all(0, dots.lanes, "all");
  dots.sums(place) = 0.0f;
  dots.sums(place) += dots.partial(behind({all.x}, place));
  return dots;
}

void scheduleCodeDots(CodeDots &dots, const WeightRows &weights, int rows, const LoopLevel &level) {
  Var row = dots.sums.args()[0];
  scheduleGroups(dots.scales, weights, vectorThatDivides(16, weights.groups()), rows, level);
  dots.products.compute_at(dots.partial, dots.steps.x).bound(dots.lane, 0, dots.lanes).bound_extent(dots.step, 1);
  boundPlace(dots.products, 2, rows);
  dots.products.vectorize(dots.lane).unroll(row);
  dots.products.update().reorder({dots.codes.x, dots.lane, dots.codes.y, row});
  dots.products.update().atomic().vectorize(dots.codes.x).vectorize(dots.lane).unroll(dots.codes.y).unroll(row);
  if (dots.fetched.defined())
    dots.fetched.compute_at(dots.partial, dots.steps.x);
  if (dots.halves.defined()) {
    dots.halves.compute_at(dots.products, row).bound(dots.byte, 0, dots.lanes * kNeighbours).bound(dots.half, 0, 2);
    dots.halves.vectorize(dots.byte).unroll(dots.half);
  }
  dots.partial.compute_at(level).bound(dots.lane, 0, dots.lanes).vectorize(dots.lane).unroll(row);
  boundPlace(dots.partial, 1, rows);
  Var ofVector("of_vector"); // a group of the lanes: scales are loaded once and spread in registers
  dots.partial.update().split(dots.lane, ofVector, dots.lane, dots.groupLanes);
  dots.partial.update().reorder({dots.lane, ofVector, row, dots.steps.x}).vectorize(dots.lane).vectorize(ofVector);
  dots.partial.update().unroll(row);
  scheduleRowSums(dots.sums, rows, level);
}

} // namespace thresh::codegen
