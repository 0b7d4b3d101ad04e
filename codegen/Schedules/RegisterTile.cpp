//===- RegisterTile.cpp - The inner kernel of a contraction ------------------===//

#include "codegen/Schedules/RegisterTile.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace thresh::codegen {

Tile chooseTile(const Pipeline &pipeline, const Contraction &c) {
  Tile tile;
  tile.lanes = std::min(vectorLanes(pipeline, dtypeBytes(c.dtype)), kPanel);
  int perPanel = kPanel / tile.lanes;
  int accumulators = pipeline.target().vectorBits == 512 ? 24 : 12;
  int64_t columns = pipeline.staticExtent(c.stage, c.column);
  int64_t panels = columns < 0 ? 3 : (columns + kPanel - 1) / kPanel;
  int most = std::max(1, pipeline.target().vectorBits == 512 ? 3 / perPanel : 1);
  for (int candidate = 1; candidate <= most; ++candidate) {
    auto waste = [&](int width) { return (panels + width - 1) / width * width - panels; };
    if (candidate <= panels && waste(candidate) * 8 <= panels)
      tile.panels = candidate;
  }
  tile.rows = std::min(8, accumulators / (tile.panels * perPanel));
  return tile;
}

int blockDepth(int64_t depth) {
  constexpr int kShortest = 128, kLongest = 256, kOneChain = 512;
  if (depth <= kOneChain)
    return 0;
  for (int candidate = kLongest; candidate >= kShortest; --candidate)
    if (depth % candidate == 0)
      return candidate;
  return 0;
}

namespace {

/// Vectors of the tile unrolled, its reduction around them.
void scheduleVectors(TileFunc &tile, Func f, const Tile &shape, int rows, const Halide::RDom &domain) {
  Var lane("vector"), part("part");
  f.bound_extent(tile.panel, shape.panels).bound(tile.lane, 0, kPanel);
  f.split(tile.lane, part, lane, shape.lanes).vectorize(lane).unroll(part).unroll(tile.panel);
  Halide::Stage update = f.update();
  update.split(tile.lane, part, lane, shape.lanes);
  std::vector<Halide::VarOrRVar> order = {lane, part, tile.panel};
  if (tile.hasRow) {
    f.bound_extent(tile.row, rows).unroll(tile.row);
    order.push_back(tile.row);
  }
  for (int d = 0; d < domain.dimensions(); ++d)
    order.push_back(domain[d]);
  update.reorder(order).vectorize(lane).unroll(part).unroll(tile.panel);
  if (tile.hasRow)
    update.unroll(tile.row);
}

} // namespace

TileFunc defineTile(const Pipeline &pipeline, const Contraction &c, const RhsPanels &rhs, const std::string &name) {
  TileFunc tile;
  tile.func = Func(name);
  tile.hasRow = c.row >= 0;
  const Stage &stage = pipeline.stage(c.stage);
  bool oneLoop = int(stage.loops.size()) == stage.parallel + 1;
  int64_t depth = oneLoop ? pipeline.staticExtent(c.stage, stage.parallel) : -1;
  int inBlock = blockDepth(depth);
  tile.domain = inBlock ? Halide::RDom(0, inBlock, "k") : reductionDomain(pipeline, c);
  Exprs loops = pointOf(pipeline, c, tile.domain);
  Exprs args = {tile.lane, tile.panel};
  if (tile.hasRow) {
    loops[c.row] = Halide::min(tile.row, pipeline.extent(c.stage, c.row) - 1);
    args.push_back(tile.row);
  }
  for (int outer : c.outer)
    args.push_back(loops[outer]);
  if (inBlock)
    loops.back() = tile.block * inBlock + loops.back();
  Expr lhs = pipeline.evaluate(c.stage, loops, {}, {c.lhs})[0];
  Expr right = rhs.at(pipeline, c, tile.lane, tile.panel, loops);
  tile.func(args) = initialValue(pipeline, c);
  if (!inBlock) {
    tile.func(args) = lhs * right + tile.func(args);
    return tile;
  }
  tile.blocks = Halide::RDom(0, int(depth / inBlock), "block");
  tile.chain = Func(name + "_chain");
  Exprs chainArgs = args, blockArgs = args;
  chainArgs.push_back(tile.block);
  blockArgs.push_back(tile.blocks.x);
  tile.chain(chainArgs) = Halide::cast(lhs.type(), 0);
  tile.chain(chainArgs) = lhs * right + tile.chain(chainArgs);
  tile.func(args) += tile.chain(blockArgs);
  return tile;
}

void scheduleTile(TileFunc &tile, const Tile &shape, int rows, Func consumer, const Var &at) {
  tile.func.compute_at(consumer, at);
  if (!tile.chain.defined())
    return scheduleVectors(tile, tile.func, shape, rows, tile.domain);
  scheduleVectors(tile, tile.func, shape, rows, tile.blocks);
  tile.chain.compute_at(tile.func, tile.blocks.x);
  scheduleVectors(tile, tile.chain, shape, rows, tile.domain);
}

Expr tileAt(const TileFunc &tile, const Contraction &c, const std::vector<Var> &vars) {
  Exprs coordinates = {vars[c.column] % kPanel, vars[c.column] / kPanel};
  if (tile.hasRow)
    coordinates.push_back(vars[c.row]);
  for (int outer : c.outer)
    coordinates.push_back(vars[outer]);
  return tile.func(coordinates);
}

} // namespace thresh::codegen
