//===- Matvec.cpp - A contraction whose lhs has one row ----------------------===//

#include "codegen/Schedules/Matvec.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Sums over interleaved parts of k: as many multiply-adds are under way as one takes cycles.
constexpr int kMostChains = 4;

/// The depth of panels whose k is one loop of known extent; else -1.
int64_t streamDepth(const Pipeline &pipeline, const Contraction &c) {
  const Stage &stage = pipeline.stage(c.stage);
  bool oneLoop = int(stage.loops.size()) == stage.parallel + 1;
  return c.packed && oneLoop ? pipeline.staticExtent(c.stage, stage.parallel) : -1;
}

/// The sums of one panel: `chain` over every `chains`th k of a block, `func` adds them up.
TileFunc defineStreams(const Pipeline &pipeline, const Contraction &c, const RhsPanels &rhs, int64_t depth) {
  int chains = kMostChains;
  while (depth % chains != 0)
    chains /= 2;
  int steps = int(depth / chains), inBlock = blockDepth(steps);
  inBlock = inBlock ? inBlock : std::max(steps, 1);
  TileFunc tile;
  tile.func = Func("row_sum");
  tile.chain = Func("row_chain");
  tile.hasRow = c.row >= 0;
  tile.domain = Halide::RDom(0, std::min(inBlock, steps), "k");
  tile.blocks = Halide::RDom({{0, chains}, {0, steps / inBlock}}, "chains");
  Exprs loops = pointOf(pipeline, c, tile.domain), args = {tile.lane, tile.panel};
  if (tile.hasRow)
    args.push_back(loops[c.row]);
  for (int outer : c.outer)
    args.push_back(loops[outer]);
  Exprs chainArgs = args, parts = args;
  Var first("first");
  chainArgs.insert(chainArgs.end(), {first, tile.block});
  parts.insert(parts.end(), {tile.blocks.x, tile.blocks.y});
  loops.back() = (tile.block * inBlock + tile.domain.x) * chains + first;
  Expr lhs = pipeline.evaluate(c.stage, loops, {}, {c.lhs})[0];
  tile.chain(chainArgs) = Halide::cast(lhs.type(), 0);
  tile.chain(chainArgs) = lhs * rhs.at(pipeline, c, tile.lane, tile.panel, loops) + tile.chain(chainArgs);
  tile.func(args) = initialValue(pipeline, c);
  tile.func(args) += tile.chain(parts);
  tile.chain.bound(first, 0, chains);
  return tile;
}

void scheduleStreams(TileFunc &tile, const Tile &shape, Func consumer, const Var &unit) {
  Var vector("vector"), part("part"), first("first");
  auto inVectors = [&](Halide::Stage stage, const std::vector<Halide::VarOrRVar> &around) {
    std::vector<Halide::VarOrRVar> order = {vector, part};
    order.insert(order.end(), around.begin(), around.end());
    stage.split(tile.lane, part, vector, shape.lanes).reorder(order).vectorize(vector).unroll(part);
  };
  tile.func.compute_at(consumer, unit).bound(tile.lane, 0, kPanel);
  inVectors(tile.func, {});
  inVectors(tile.func.update(), {tile.blocks.x, tile.blocks.y});
  tile.func.update().unroll(tile.blocks.x);
  tile.chain.compute_at(tile.func, tile.blocks.y).bound(tile.lane, 0, kPanel);
  inVectors(tile.chain, {first});
  tile.chain.unroll(first);
  inVectors(tile.chain.update(), {first, tile.domain.x});
  tile.chain.update().unroll(first);
}

} // namespace

Matvec defineMatvec(Pipeline &pipeline, const Contraction &c, const Tile &shape, const RhsPanels &rhs) {
  Matvec matvec;
  matvec.shape = shape;
  int64_t depth = streamDepth(pipeline, c);
  if (depth >= 0) {
    matvec.kind = Matvec::Kind::Streams;
    matvec.shape.panels = 1;
    matvec.tile = defineStreams(pipeline, c, rhs, depth);
  } else if (c.alongDepth) {
    matvec.kind = Matvec::Kind::Lanes;
    matvec.shape.panels = 1;
    matvec.lanes = defineLanes(pipeline, c.stage);
    matvec.result = pipeline.func(c.stage).func;
  } else {
    matvec.tile = defineTile(pipeline, c, rhs, "row_tile");
  }
  return matvec;
}

Expr matvecAt(const Pipeline &pipeline, const Matvec &matvec, const Contraction &c, const std::vector<Var> &vars) {
  if (matvec.kind != Matvec::Kind::Lanes)
    return tileAt(matvec.tile, c, vars);
  Exprs coordinates(vars.rbegin(), vars.rend());
  if (pipeline.staticExtent(c.stage, c.column) % kPanel != 0)
    coordinates[0] = Halide::min(Halide::likely(coordinates[0]), pipeline.extent(c.stage, c.column) - 1);
  return matvec.result(coordinates);
}

Var scheduleMatvec(const Pipeline &pipeline, const Contraction &c, Matvec &matvec, Func consumer, Halide::Stage stage,
                   const std::vector<Var> &vars, int cost) {
  Var strip("strip"), column("column"), part("part"), lane("lane");
  const Tile &shape = matvec.shape;
  int width = shape.panels * kPanel;
  stage.split(vars[c.column], strip, column, width, TailStrategy::GuardWithIf);
  stage.split(column, part, lane, shape.lanes).vectorize(lane);
  std::vector<Halide::VarOrRVar> order = {lane, part};
  if (c.row >= 0) {
    Var tile("tile");
    stage.rename(vars[c.row], tile);
    order.push_back(tile);
  }
  order.push_back(strip);
  std::vector<Var> outer;
  Expr count = (pipeline.extent(c.stage, c.column) + width - 1) / width;
  for (int loop : c.outer) {
    outer.push_back(vars[loop]);
    count = count * pipeline.extent(c.stage, loop);
  }
  order.insert(order.end(), outer.rbegin(), outer.rend());
  outer.push_back(strip);
  stage.reorder(order).unroll(part).never_partition_all();
  int bytes = kPanel * dtypeBytes(c.rhsDtype) * shape.panels;
  Expr unitCost = depth(pipeline, c) * (bytes / kBytesPerOperation) + width / shape.lanes * cost;
  Var unit = parallelTasks(stage, outer, count, unitCost);
  if (matvec.kind == Matvec::Kind::Streams) {
    scheduleStreams(matvec.tile, shape, consumer, unit);
  } else if (matvec.kind == Matvec::Kind::Tile) {
    scheduleTile(matvec.tile, shape, 1, consumer, unit);
  } else {
    matvec.result.compute_at(consumer, unit);
    computeLanes(matvec.lanes, Halide::LoopLevel(matvec.result, matvec.result.args()[0]));
  }
  return unit;
}

} // namespace thresh::codegen
