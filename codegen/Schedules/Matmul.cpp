//===- Matmul.cpp - Contractions with elementwise stages around them ----------===//
//
// A register tile of rows x columns accumulates over k, so that each loaded vector of the rhs serves
// all rows and each broadcast of the lhs all columns; the epilogue reads the tile while it is hot.
// The rhs is read in panels of 16 columns, [n / 16][k][16]: as the compiler packs weights, or
// copied to that form per strip of columns. Tiles past an edge repeat the last row or panel and are
// not stored. One unit of work is one strip of columns by a block of row tiles; it reads its strip
// of the rhs from the cache for every row tile but the first.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/Matvec.h"
#include "codegen/Schedules/Schedules.h"

using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Row tiles of one unit of work: enough to pay for bringing the strip of the rhs into the cache.
constexpr int kBlockTiles = 8;

/// Splits the consumer's loops into tiles and tasks; returns the loops where tiles and strips are made.
struct TileLoops {
  Var tile{"tile"}, unit;
};

TileLoops tileConsumer(const Pipeline &pipeline, const Contraction &c, const Tile &shape, Consumer &consumer) {
  TileLoops loops;
  Func &f = consumer.func;
  Var strip("strip"), column("column"), part("part"), lane("lane"), block("block"), row("row");
  std::vector<Var> outer;
  Expr count = 1;
  for (int loop : c.outer) {
    outer.push_back(consumer.vars[loop]);
    count = count * pipeline.extent(c.stage, loop);
  }
  int width = shape.panels * kPanel;
  Expr columns = pipeline.extent(c.stage, c.column);
  f.split(consumer.vars[c.column], strip, column, width, TailStrategy::GuardWithIf);
  f.split(column, part, lane, shape.lanes).vectorize(lane);
  std::vector<Halide::VarOrRVar> order = {lane, part};
  outer.push_back(strip);
  count = count * ((columns + width - 1) / width);
  Expr rows = pipeline.extent(c.stage, c.row);
  f.split(consumer.vars[c.row], loops.tile, row, shape.rows, TailStrategy::GuardWithIf);
  f.split(loops.tile, block, loops.tile, kBlockTiles, TailStrategy::GuardWithIf);
  outer.push_back(block);
  count = count * ((rows + shape.rows * kBlockTiles - 1) / (shape.rows * kBlockTiles));
  order.push_back(row);
  order.push_back(loops.tile);
  for (size_t i = outer.size(); i-- > 0;)
    order.push_back(outer[i]);
  f.reorder(order).unroll(part);
  if (consumer.cost < 16)
    f.unroll(row);
  Expr unitRows = Halide::min(rows, shape.rows * kBlockTiles);
  loops.unit = parallelTasks(f, outer, count, unitRows * width / shape.lanes * (depth(pipeline, c) + consumer.cost));
  f.never_partition_all();
  return loops;
}

} // namespace

void scheduleMatmul(Pipeline &pipeline) {
  Contraction c;
  if (!findContraction(pipeline, c))
    return scheduleReduction(pipeline);
  Tile shape = chooseTile(pipeline, c);
  for (int s = 0; s < c.stage; ++s)
    pipeline.define(s);
  RhsPanels rhs = makePanels(pipeline, c);
  int64_t rows = c.row < 0 ? 1 : pipeline.staticExtent(c.stage, c.row);
  StageFunc result;
  result.func = Func("contraction");
  result.vars = pipeline.variables(c.stage);
  Matvec matvec;
  TileFunc tile;
  Expr value, oneRow = rows < 0 ? pipeline.extent(c.stage, c.row) == 1 : Expr(rows == 1);
  if (rows == 1 || rows < 0) {
    matvec = defineMatvec(pipeline, c, shape, rhs);
    value = matvecAt(pipeline, matvec, c, result.vars);
  }
  if (rows != 1) {
    tile = defineTile(pipeline, c, rhs, "tile");
    Expr element = tileAt(tile, c, result.vars);
    value = value.defined() ? Halide::select(oneRow, value, element) : element;
  }
  Exprs args(result.vars.rbegin(), result.vars.rend());
  result.func(args) = value;
  pipeline.adopt(c.stage, result);
  for (int s = c.stage + 1; s < pipeline.numStages(); ++s)
    pipeline.define(s);
  pipeline.defineOutputs();

  Consumer consumer = scheduleConsumer(pipeline, c.stage);
  Var unit;
  if (rows == 1) {
    unit = scheduleMatvec(pipeline, c, matvec, consumer.func, consumer.func, consumer.vars, consumer.cost);
  } else {
    if (rows < 0)
      scheduleMatvec(pipeline, c, matvec, consumer.func, consumer.func.specialize(oneRow), consumer.vars,
                     consumer.cost);
    TileLoops loops = tileConsumer(pipeline, c, shape, consumer);
    scheduleTile(tile, shape, shape.rows, consumer.func, loops.tile);
    unit = loops.unit;
  }
  schedulePanels(pipeline, c, rhs, shape.lanes, consumer.func, unit);
}

} // namespace thresh::codegen
