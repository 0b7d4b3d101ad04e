//===- Contraction.cpp - Recognise and take apart a contraction --------------===//

#include "codegen/Schedules/Contraction.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace thresh::codegen {

bool reduces(const Stage &stage) { return stage.parallel < int(stage.loops.size()); }

std::vector<bool> loopsOf(const Stage &stage, int root) {
  std::vector<bool> loops(stage.loops.size()), reached(stage.body.size());
  reached[root] = true;
  for (int n = root; n >= 0; --n) {
    if (!reached[n])
      continue;
    if (stage.body[n].op == Op::Index)
      loops[stage.body[n].integer] = true;
    for (int arg : stage.body[n].args)
      reached[arg] = true;
  }
  return loops;
}

bool loadsInStep(const Stage &stage, const Node &load, int count) {
  for (int d = 0; d < count; ++d) {
    const Node *coordinate = d < int(load.args.size()) ? &stage.body[load.args[d]] : nullptr;
    if (!coordinate || coordinate->op != Op::Index || coordinate->integer != d)
      return false;
  }
  return true;
}

namespace {

bool isConst(const Stage &stage, int node, int64_t value) {
  return stage.body[node].op == Op::Const && stage.body[node].integer == value;
}

/// Whether the node is `op`(column, 16).
bool splitsColumn(const Stage &stage, int node, Op op, int column) {
  const Node &split = stage.body[node];
  if (split.op != op || !isConst(stage, split.args[1], kPanel))
    return false;
  const Node &index = stage.body[split.args[0]];
  return index.op == Op::Index && index.integer == column;
}

/// The node, or what it converts; of narrow integers times a scale, the integers.
const Node &underCast(const Stage &stage, int node) {
  const Node *value = &stage.body[node];
  if (value->op == Op::Mul && stage.body[value->args[0]].op == Op::Cast && stage.body[value->args[1]].op == Op::Load)
    value = &stage.body[value->args[0]];
  return value->op == Op::Cast ? stage.body[value->args[0]] : *value;
}

/// A load of panels: the last coordinate is the lane, another the panel, and no other depends on the column.
bool loadsPanels(const Stage &stage, int node, int column) {
  const Node &load = underCast(stage, node);
  if (load.op != Op::Load || load.args.empty() || !splitsColumn(stage, load.args.back(), Op::FloorMod, column))
    return false;
  int panels = 0;
  for (size_t d = 0; d + 1 < load.args.size(); ++d) {
    if (splitsColumn(stage, load.args[d], Op::FloorDiv, column))
      ++panels;
    else if (loopsOf(stage, load.args[d])[column])
      return false;
  }
  return panels == 1;
}

/// A load whose last coordinate is the loop, and no other depends on that.
bool loadsAlong(const Stage &stage, int node, int loop) {
  const Node &load = underCast(stage, node);
  if (load.op != Op::Load || load.args.empty())
    return false;
  for (size_t d = 0; d + 1 < load.args.size(); ++d)
    if (loopsOf(stage, load.args[d])[loop])
      return false;
  const Node &coordinate = stage.body[load.args.back()];
  return coordinate.op == Op::Index && coordinate.integer == loop;
}

} // namespace

bool matchContraction(const Pipeline &pipeline, int index, Contraction &c) {
  const Stage &stage = pipeline.stage(index);
  if (stage.parallel == 0 || stage.parallel == int(stage.loops.size()) || stage.results.size() != 1)
    return false;
  const Node &sum = stage.body[stage.results[0]];
  if (sum.op != Op::Add || (sum.dtype != DType::F32 && sum.dtype != DType::F64))
    return false;
  int product = stage.body[sum.args[0]].op == Op::Acc ? sum.args[1] : sum.args[0];
  int running = sum.args[0] + sum.args[1] - product;
  if (stage.body[running].op != Op::Acc || stage.body[product].op != Op::Mul)
    return false;
  c.stage = index;
  c.dtype = sum.dtype;
  c.column = stage.parallel - 1;
  c.lhs = stage.body[product].args[0];
  c.rhs = stage.body[product].args[1];
  if (loopsOf(stage, c.lhs)[c.column])
    std::swap(c.lhs, c.rhs);
  std::vector<bool> lhs = loopsOf(stage, c.lhs), rhs = loopsOf(stage, c.rhs);
  if (lhs[c.column] || !rhs[c.column] || !(lhs.back() || rhs.back()))
    return false;
  const Node &stored = underCast(stage, c.rhs);
  c.rhsDtype = stored.dtype;
  c.rhsOperand = stored.op == Op::Load && stored.source < kStageSource ? stored.source : -1;
  c.row = -1;
  for (int l = 0; l < c.column; ++l) {
    bool isLonger = c.row < 0 || pipeline.staticExtent(index, l) < 0 || pipeline.staticExtent(index, c.row) >= 0;
    if (lhs[l] && !rhs[l] && isLonger)
      c.row = l;
  }
  c.outer.clear();
  for (int l = 0; l < c.column; ++l)
    if (l != c.row)
      c.outer.push_back(l);
  c.packed = loadsPanels(stage, c.rhs, c.column);
  c.alongDepth = loadsAlong(stage, c.rhs, int(stage.loops.size()) - 1);
  c.alongColumn = loadsAlong(stage, c.rhs, c.column);
  return true;
}

bool findContraction(const Pipeline &pipeline, Contraction &c) {
  int reductions = 0;
  for (int s = 0; s < pipeline.numStages(); ++s) {
    if (pipeline.stage(s).parallel == int(pipeline.stage(s).loops.size()))
      continue;
    ++reductions;
    if (!matchContraction(pipeline, s, c))
      return false;
  }
  return reductions == 1;
}

Expr depth(const Pipeline &pipeline, const Contraction &c) {
  Expr product = 1;
  const Stage &stage = pipeline.stage(c.stage);
  for (int l = stage.parallel; l < int(stage.loops.size()); ++l)
    product = product * pipeline.extent(c.stage, l);
  return product;
}

Halide::RDom reductionDomain(const Pipeline &pipeline, const Contraction &c) {
  const Stage &stage = pipeline.stage(c.stage);
  Halide::Region region;
  for (int l = int(stage.loops.size()); l-- > stage.parallel;)
    region.emplace_back(0, pipeline.extent(c.stage, l));
  return Halide::RDom(region, "k");
}

Exprs pointOf(const Pipeline &pipeline, const Contraction &c, const Halide::RDom &domain) {
  std::vector<Var> vars = pipeline.variables(c.stage);
  Exprs loops(vars.begin(), vars.end());
  for (int d = domain.dimensions(); d-- > 0;)
    loops.push_back(domain[d]);
  return loops;
}

Expr initialValue(const Pipeline &pipeline, const Contraction &c) {
  const Stage &stage = pipeline.stage(c.stage);
  std::vector<Var> vars = pipeline.variables(c.stage);
  Exprs loops(vars.begin(), vars.end());
  loops.resize(stage.loops.size());
  return pipeline.evaluate(c.stage, loops, {}, stage.inits)[0];
}

bool walksInStep(const Pipeline &pipeline, int index) {
  int loops = pipeline.stage(index).parallel;
  for (int s = index + 1; s < pipeline.numStages(); ++s) {
    const Stage &stage = pipeline.stage(s);
    if (stage.parallel != loops || int(stage.loops.size()) != loops)
      return false;
    for (const Node &node : stage.body) {
      if (node.op != Op::Load || node.source < kStageSource + index)
        continue;
      for (int d = 0; d < loops; ++d) {
        const Node &coordinate = stage.body[node.args[d]];
        if (coordinate.op != Op::Index || coordinate.integer != d)
          return false;
      }
    }
  }
  return true;
}

Consumer scheduleConsumer(Pipeline &pipeline, int index) {
  Consumer consumer{pipeline.func(index).func, pipeline.func(index).vars};
  if (pipeline.outputs().size() == 1 && walksInStep(pipeline, index)) {
    consumer = {pipeline.outputs()[0].func, pipeline.outputs()[0].vars};
    for (int s = index + 1; s < pipeline.numStages(); ++s)
      consumer.cost += bodyCost(pipeline.stage(s));
    return consumer;
  }
  consumer.func.compute_root();
  for (OutputFunc &output : pipeline.outputs())
    scheduleFlat(pipeline, output);
  return consumer;
}

Expr RhsPanels::at(const Pipeline &pipeline, const Contraction &c, const Expr &atLane, const Expr &atPanel,
                   Exprs loops) const {
  const Stage &stage = pipeline.stage(c.stage);
  if (!copy.defined()) {
    Expr last = (pipeline.extent(c.stage, c.column) + kPanel - 1) / kPanel - 1;
    loops[c.column] = Halide::min(atPanel, last) * kPanel + atLane;
    return pipeline.evaluate(c.stage, loops, {}, {c.rhs})[0];
  }
  std::vector<bool> depends = loopsOf(stage, c.rhs);
  Exprs args = {atLane};
  for (int l = int(stage.loops.size()); l-- > stage.parallel;)
    args.push_back(loops[l]);
  args.push_back(atPanel);
  for (int outer : c.outer)
    if (depends[outer])
      args.push_back(loops[outer]);
  return copy(args);
}

RhsPanels makePanels(const Pipeline &pipeline, const Contraction &c) {
  RhsPanels rhs;
  if (c.packed)
    return rhs;
  const Stage &stage = pipeline.stage(c.stage);
  std::vector<Var> vars = pipeline.variables(c.stage);
  Exprs loops(vars.begin(), vars.end());
  for (int l = stage.parallel; l < int(stage.loops.size()); ++l) {
    rhs.k.emplace_back("k" + std::to_string(l));
    loops.push_back(rhs.k.back());
  }
  Expr columns = pipeline.extent(c.stage, c.column);
  Expr column = rhs.panel * kPanel + rhs.lane;
  int64_t known = pipeline.staticExtent(c.stage, c.column);
  bool whole = known > 0 && known % kPanel == 0;
  loops[c.column] = whole ? Halide::min(rhs.panel, int(known / kPanel) - 1) * kPanel + rhs.lane
                          : Halide::min(Halide::likely(column), columns - 1);
  Expr value = pipeline.evaluate(c.stage, loops, {}, {c.rhs})[0];
  Func copy("panels");
  rhs.copy = copy;
  Exprs args = {rhs.lane};
  for (size_t i = rhs.k.size(); i-- > 0;)
    args.push_back(rhs.k[i]);
  args.push_back(rhs.panel);
  std::vector<bool> depends = loopsOf(stage, c.rhs);
  for (int outer : c.outer)
    if (depends[outer])
      args.push_back(vars[outer]);
  copy(args) = value;
  return rhs;
}

void schedulePanels(const Pipeline &, const Contraction &, RhsPanels &rhs, int lanes, Func consumer, const Var &at) {
  if (!rhs.copy.defined())
    return;
  Var lane("vector"), part("part");
  rhs.copy.compute_at(consumer, at).bound(rhs.lane, 0, kPanel);
  rhs.copy.split(rhs.lane, part, lane, lanes).vectorize(lane).unroll(part);
}

} // namespace thresh::codegen
