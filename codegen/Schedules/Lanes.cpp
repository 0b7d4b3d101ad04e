//===- Lanes.cpp - Reductions along the contiguous loop, in vector lanes -----===//

#include "codegen/Schedules/Lanes.h"
#include "codegen/Generic/Scalar.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Loops.h"

#include <cmath>

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// The operation that combines two partial results.
struct Fold {
  Op op;
  DType dtype;
};

bool dependsOnRunning(const Stage &stage, int root) {
  if (stage.body[root].op == Op::Acc)
    return true;
  for (int arg : stage.body[root].args)
    if (dependsOnRunning(stage, arg))
      return true;
  return false;
}

/// Whether result `r` is `acc op value` with an associative op; which one.
bool matchFold(const Stage &stage, int r, Fold &fold) {
  const Node &node = stage.body[stage.results[r]];
  fold = {node.op, node.dtype};
  switch (node.op) {
  case Op::MaxNum:
  case Op::MinNum: {
    const Node &init = stage.body[stage.inits[r]]; // a NaN from the start would not survive the lanes
    if (init.op != Op::Const || std::isnan(init.real))
      return false;
    break;
  }
  case Op::Add:
  case Op::Mul:
  case Op::Max:
  case Op::Min:
  case Op::And:
  case Op::Or:
  case Op::Xor: break;
  default: return false;
  }
  for (int i = 0; i < 2; ++i) {
    const Node &running = stage.body[node.args[i]];
    if (running.op == Op::Acc && running.integer == r && !dependsOnRunning(stage, node.args[1 - i]))
      return true;
  }
  return false;
}

/// What leaves the other argument as it is.
Expr identity(const Fold &fold) {
  Halide::Type type = valueType(fold.dtype);
  bool floats = isFloat(fold.dtype);
  switch (fold.op) {
  case Op::Mul: return Halide::cast(type, 1);
  case Op::Max:
  case Op::MaxNum: return floats ? Halide::cast(type, Expr(-INFINITY)) : type.min();
  case Op::Min:
  case Op::MinNum: return floats ? Halide::cast(type, Expr(INFINITY)) : type.max();
  case Op::And: return fold.dtype == DType::Bool ? Halide::Internal::const_true() : Halide::cast(type, -1);
  default: return Halide::Internal::make_zero(type);
  }
}

Exprs combine(const std::vector<Fold> &folds, const Exprs &a, const Exprs &b) {
  Exprs results;
  for (size_t i = 0; i < folds.size(); ++i) {
    Node node;
    node.op = folds[i].op;
    node.dtype = folds[i].dtype;
    results.push_back(applyOp(node, {a[i], b[i]}, folds[i].dtype));
  }
  return results;
}

void assign(Func func, const Exprs &args, const Exprs &values) {
  Exprs stored;
  for (const Expr &value : values)
    stored.push_back(toStorage(value));
  if (stored.size() == 1)
    func(args) = stored[0];
  else
    func(args) = Halide::Tuple(stored);
}

/// The values of `func` at a point.
Exprs read(const Func &func, const Exprs &args, const std::vector<Fold> &folds) {
  Exprs values;
  for (size_t i = 0; i < folds.size(); ++i) {
    Halide::FuncRef ref = func(args);
    values.push_back(fromStorage(folds.size() == 1 ? Expr(ref) : Expr(ref[int(i)]), folds[i].dtype));
  }
  return values;
}

/// Folds func(lane), func(lane + step), func(lane + 2 step) and func(lane + 3 step).
Exprs foldFour(const Func &func, const Expr &lane, int step, const Exprs &rest, const std::vector<Fold> &folds) {
  auto at = [&](int i) {
    Exprs args = {lane + i * step};
    args.insert(args.end(), rest.begin(), rest.end());
    return read(func, args, folds);
  };
  return combine(folds, combine(folds, at(0), at(1)), combine(folds, at(2), at(3)));
}

int chooseWidth(int64_t extent, int vector) {
  if (extent < 0)
    return 2 * vector;
  for (int width : {4 * vector, 2 * vector})
    if (extent >= width && (extent % width == 0 || extent >= 4 * width))
      return width;
  return std::max(vector, 4); // the fold takes quarters
}

} // namespace

bool reducesInLanes(const Pipeline &pipeline, int index) {
  const Stage &stage = pipeline.stage(index);
  Fold fold;
  for (size_t r = 0; r < stage.results.size(); ++r)
    if (!matchFold(stage, int(r), fold))
      return false;
  std::vector<bool> used(stage.body.size());
  for (int result : stage.results)
    used[result] = true;
  for (size_t n = stage.body.size(); n-- > 0;)
    for (int arg : stage.body[n].args)
      used[arg] = used[arg] || used[n];
  int last = int(stage.loops.size()) - 1, along = 0, across = 0;
  for (size_t n = 0; n < stage.body.size(); ++n) {
    const Node &node = stage.body[n];
    if (node.op != Op::Load || node.args.empty() || !used[n])
      continue;
    const Node &coordinate = stage.body[node.args.back()];
    ++(coordinate.op == Op::Index && coordinate.integer == last ? along : across);
  }
  return last >= stage.parallel && along > 0 && along >= across;
}

LaneReduction defineLanes(Pipeline &pipeline, int index) {
  const Stage &stage = pipeline.stage(index);
  LaneReduction result;
  result.stage = index;
  int bytes = 4;
  std::vector<Fold> folds(stage.results.size());
  for (size_t r = 0; r < folds.size(); ++r) {
    matchFold(stage, int(r), folds[r]);
    bytes = std::max(bytes, dtypeBytes(folds[r].dtype));
  }
  int last = int(stage.loops.size()) - 1;
  int64_t known = pipeline.staticExtent(index, last);
  Expr extent = pipeline.extent(index, last);
  result.vector = vectorLanes(pipeline, bytes);
  result.width = chooseWidth(known, result.vector);

  StageFunc whole;
  whole.func = Func("fold");
  whole.vars = pipeline.variables(index);
  Exprs outer(whole.vars.rbegin(), whole.vars.rend()), args = {result.lane};
  args.insert(args.end(), outer.begin(), outer.end());
  Exprs identities;
  for (const Fold &fold : folds)
    identities.push_back(identity(fold));
  result.partial = Func("lanes");
  assign(result.partial, args, identities);

  auto update = [&](const Expr &blocks, const Expr &first, bool guarded) {
    Halide::Region region = {{0, blocks}};
    for (int l = last; l-- > stage.parallel;)
      region.emplace_back(0, pipeline.extent(index, l));
    Halide::RDom domain(region);
    Exprs loops(whole.vars.begin(), whole.vars.end());
    for (int d = domain.dimensions(); d-- > 1;)
      loops.push_back(domain[d]);
    loops.push_back((first + domain[0]) * result.width + result.lane);
    if (guarded)
      domain.where(loops.back() < extent);
    assign(result.partial, args, pipeline.evaluate(index, loops, read(result.partial, args, folds), stage.results));
    return domain;
  };
  Expr wholeBlocks = extent / result.width;
  if (known < 0 || known >= result.width)
    result.blocks = update(wholeBlocks, 0, false);
  if (known < 0 || known % result.width != 0)
    result.rest = update(Halide::select(extent % result.width != 0, 1, 0), wholeBlocks, true);

  int quarter = result.width / 4;
  result.quarter = Func("quarter");
  assign(result.quarter, args, foldFour(result.partial, result.lane, quarter, outer, folds));
  Exprs total;
  for (int lane = 0; lane < quarter; lane += 4) {
    Exprs four = foldFour(result.quarter, lane, 1, outer, folds);
    total = lane == 0 ? four : combine(folds, total, four);
  }
  if (quarter < 4) {
    total.clear();
    for (int lane = 0; lane < quarter; ++lane) {
      Exprs laneArgs = {lane};
      laneArgs.insert(laneArgs.end(), outer.begin(), outer.end());
      Exprs one = read(result.quarter, laneArgs, folds);
      total = lane == 0 ? one : combine(folds, total, one);
    }
  }
  Exprs loops(whole.vars.begin(), whole.vars.end());
  loops.resize(stage.loops.size());
  assign(whole.func, outer, combine(folds, pipeline.evaluate(index, loops, {}, stage.inits), total));
  pipeline.adopt(index, whole);
  return result;
}

void computeLanes(LaneReduction &reduction, const Halide::LoopLevel &level) {
  Var part("part"), vector("vector");
  auto inVectors = [&](Halide::Stage stage, const Halide::RDom &domain) {
    stage.split(reduction.lane, part, vector, reduction.vector);
    std::vector<Halide::VarOrRVar> order = {vector, part};
    for (int d = 0; domain.defined() && d < domain.dimensions(); ++d)
      order.push_back(domain[d]);
    stage.reorder(order).vectorize(vector).unroll(part);
  };
  reduction.partial.compute_at(level).bound(reduction.lane, 0, reduction.width);
  inVectors(reduction.partial, Halide::RDom());
  int updates = 0;
  if (reduction.blocks.defined())
    inVectors(reduction.partial.update(updates++), reduction.blocks);
  if (reduction.rest.defined())
    inVectors(reduction.partial.update(updates++), reduction.rest);
  int quarter = reduction.width / 4;
  reduction.quarter.compute_at(level).bound(reduction.lane, 0, quarter).vectorize(reduction.lane);
}

} // namespace thresh::codegen
