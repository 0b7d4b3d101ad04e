//===- WeightRows.cpp - Weights that are read row by row ---------------------===//

#include "codegen/Kernels/WeightRows.h"
#include "codegen/Generic/Scalar.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::RDom;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Bytes of a row that are read before the next row's turn, and fetched at once.
constexpr int kLine = 64;

} // namespace

int WeightRows::lineColumns() const {
  int columns = kLine * 8 / bits;
  return coded() ? vectorThatDivides(columns, width) : columns;
}

Expr WeightRows::code(const Expr &column, const Expr &row) const {
  if (bits == 8)
    return (*elements)(column, row);
  constexpr int kGroupBytes = kRowGroup / 2;
  Expr byte = column / kRowGroup * kGroupBytes + column % kGroupBytes;
  return codeOfByte(byte, column % kRowGroup / kGroupBytes, row);
}

Expr WeightRows::codeOfByte(const Expr &byte, const Expr &half, const Expr &row) const {
  Expr stored = (*elements)(byte, row);
  return bits == 8 ? stored : Halide::select(half == 0, stored & uint8_t(15), stored >> uint8_t(4));
}

Expr WeightRows::plain(const Expr &column, const Expr &row) const {
  if (!coded())
    return (*elements)(column, row);
  // Zero is subtracted in 8 bits, of which vectors hold most.
  return Halide::reinterpret<int8_t>(code(column, row) - uint8_t(zero()));
}

Expr WeightRows::fromPlain(const Expr &value) const {
  return Halide::cast<float>(coded() ? value : fromStorage(value, dtype));
}

WeightRows takeWeightRows(const Pipeline &pipeline, int &operand) {
  const std::string &format = pipeline.parameter("format").text;
  WeightRows weights;
  const Operand &info = pipeline.operand(operand);
  weights.elements = &pipeline.input(operand++);
  weights.dtype = info.dtype;
  weights.width = int(info.shape[1]);
  weights.bits = dtypeBytes(info.dtype) * 8;
  if (format == "q8" || format == "q4")
    weights.scales = &pipeline.input(operand++);
  if (format == "q4") {
    weights.bits = 4;
    weights.width *= 2;
  }
  return weights;
}

ChosenRows::ChosenRows(const Pipeline &pipeline) : gated(pipeline.parameter("gated").integer != 0) {
  int operand = 0;
  if (gated)
    x = &pipeline.input(operand++);
  neurons = int(pipeline.operand(operand).shape[1]);
  for (const Halide::ImageParam **list : {&indices, &values, &counts})
    *list = &pipeline.input(operand++);
  if (gated)
    up = takeWeightRows(pipeline, operand);
  down = takeWeightRows(pipeline, operand);
}

RowDots defineRowDots(const WeightRows &weights, int lanes, const std::vector<Var> &place, const AtColumn &weight,
                      const AtColumn &x) {
  RowDots dots;
  auto addProducts = [&](const Expr &column) {
    dots.partial(behind({dots.lane}, place)) += weight(column) * x(column);
  };
  dots.partial(behind({dots.lane}, place)) = 0.0f;
  int columns = weights.lineColumns(), lines = weights.width / columns;
  if (lines > 0) {
    dots.depth = RDom({{0, columns / lanes}, {0, lines}}, "depth");
    addProducts(dots.depth.y * columns + dots.depth.x * lanes + dots.lane);
  }
  if (weights.width > lines * columns) {
    dots.rest = RDom(0, (weights.width - lines * columns + lanes - 1) / lanes, "rest");
    Expr column = lines * columns + dots.rest * lanes + dots.lane;
    dots.rest.where(column < weights.width);
    addProducts(column);
  }
  RDom all(0, lanes, "all");
  dots.sums(place) = 0.0f;
  dots.sums(place) += dots.partial(behind({all.x}, place));
  return dots;
}

void boundPlace(Func func, size_t first, int rows) {
  std::vector<Var> args = func.args();
  for (size_t i = first; i < args.size(); ++i)
    func.bound_extent(args[i], i == first ? rows : 1);
}

void scheduleGroups(Func func, const WeightRows &weights, int lanes, int rows, const LoopLevel &level) {
  Var group = func.args()[0];
  func.compute_at(level).bound(group, 0, weights.groups());
  boundPlace(func, 1, rows);
  func.vectorize(group, vectorThatDivides(lanes, weights.groups())).unroll(group);
}

void scheduleRowDots(RowDots &dots, int lanes, int rows, const LoopLevel &level) {
  Var row = dots.sums.args()[0];
  dots.partial.compute_at(level).bound(dots.lane, 0, lanes).vectorize(dots.lane).unroll(row);
  boundPlace(dots.partial, 1, rows);
  int updates = 0;
  if (dots.depth.defined()) {
    Halide::Stage update = dots.partial.update(updates++);
    update.reorder({dots.lane, dots.depth.x, row, dots.depth.y}).vectorize(dots.lane).unroll(dots.depth.x).unroll(row);
  }
  if (dots.rest.defined())
    dots.partial.update(updates++).reorder({dots.lane, row, dots.rest.x}).vectorize(dots.lane);
  scheduleRowSums(dots.sums, rows, level);
}

void scheduleRowSums(Func sums, int rows, const LoopLevel &level) {
  Var row = sums.args()[0];
  sums.compute_at(level).unroll(row);
  boundPlace(sums, 0, rows);
  Halide::RVar all(sums.rvars(0)[0]);
  sums.update().reorder({all, row}).atomic().vectorize(all).unroll(row);
}

} // namespace thresh::codegen
