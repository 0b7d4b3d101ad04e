//===- QuantizedMatmul.cpp - Matmuls on weights of 8 and 4 bits ---------------===//
//
// A tile of rows x panels keeps two sets of sums in registers: i32 within a group of 32 along k, f32 over the groups.
// The i32 sums take codes as they are, unsigned, and start at -zero times the sum of the group's activations, which is
// computed once a call. One row is bound by memory: it walks panel after panel, so that codes and scales are two
// streams. Many rows take a strip of panels, from the cache for every tile but the first.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Schedules/Contraction.h"
#include "codegen/Schedules/Loops.h"
#include "codegen/Schedules/QuantizedDot.h"
#include "codegen/Schedules/Schedules.h"
#include "thresh/abi.h"

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Row tiles of one unit of work.
constexpr int kBlockTiles = 8;

/// Products of u8 and i8 that one instruction adds up: 4 with VNNI, else 2 (as i16).
int dotWidth(const Pipeline &pipeline) { return pipeline.target().cpuFeatures & THRESH_CPU_ZEN4 ? 4 : 2; }

/// Extents of the register tile.
struct Shape {
  int rows, panels;
};

Shape chooseShape(const Pipeline &pipeline, const QuantizedDot &q) {
  if (pipeline.target().vectorBits < 512)
    return {pipeline.target().vectorBits == 256 ? 2 : 1, 1};
  int64_t columns = pipeline.staticExtent(q.sum, q.column);
  bool narrow = columns >= 0 && columns <= kPanel;
  if (dotWidth(pipeline) == 4)
    return narrow ? Shape{8, 1} : Shape{6, 2};
  return narrow ? Shape{4, 1} : Shape{3, 2};
}

/// The matmul of one tile: Funcs of (lane, panel, row), or of (lane, panel) for the first row alone, some with more
/// arguments in front or behind.
struct QuantizedTile {
  Func sum;      ///< f32, over the groups
  Func dot;      ///< (..., group): i32, of one group
  Func partial;  ///< (pair, ..., group): the same for every pair of the neighbours; undefined with VNNI
  Func halves;   ///< (neighbour, lane, panel, half, step, group): u8 of half a byte; undefined for whole bytes
  RDom groups;   ///< of `sum`
  RDom pairs;    ///< of `dot` where there is `partial`
  RDom products; ///< (neighbour, half of the byte, step) of the innermost Func
  bool hasRow = false;
  Var lane{"lane"}, panel{"panel"}, row{"row"}, group{"group"}, pair{"pair"}, neighbour{"neighbour"}, half{"half"},
      step{"step"};

  /// Arguments of `sum`, and of the others with the group behind.
  Exprs place() const { return hasRow ? Exprs{lane, panel, row} : Exprs{lane, panel}; }
  Exprs place(const Expr &atGroup) const {
    Exprs args = place();
    args.push_back(atGroup);
    return args;
  }
};

Exprs behind(const Expr &first, Exprs rest) {
  rest.insert(rest.begin(), first);
  return rest;
}

/// Builds the Funcs.
class Builder {
public:
  Builder(Pipeline &pipeline, const QuantizedDot &q) : pipeline(pipeline), q(q) {}

  /// (row, group): where the dot product of a group starts.
  void defineStart() {
    Func total("activations");
    start = Func("start");
    Var row("row"), group("group");
    RDom j(0, kGroup, "j");
    total(group, row) = 0;
    total(group, row) += Halide::cast<int32_t>(dotValue(q.activation, row, Expr(0), group, j));
    start(group, row) = -q.zero * total(group, row);
    start.compute_root().bound(group, 0, pipeline.extent(q.sum, q.column + 1));
    start.bound(row, 0, q.row >= 0 ? pipeline.extent(q.sum, q.row) : Expr(1));
    total.compute_at(start, group);
    total.update().atomic().vectorize(j);
  }

  QuantizedTile defineTile(const std::string &name, bool hasRow) {
    QuantizedTile tile;
    tile.hasRow = hasRow;
    int width = dotWidth(pipeline), perStep = kDepth * q.halves;
    tile.products = RDom(0, width, 0, q.halves, 0, kGroup / perStep, "product");
    if (q.halves == 2)
      defineHalves(tile, name);
    Expr from = start(tile.group, rowOf(tile));
    tile.dot = Func(name + "_dot");
    if (width == kDepth) {
      tile.dot(tile.place(tile.group)) = from;
      tile.dot(tile.place(tile.group)) += product(tile, tile.products.x);
    } else {
      tile.partial = Func(name + "_partial");
      tile.pairs = RDom(0, kDepth / width, "pair");
      Exprs args = behind(tile.pair, tile.place(tile.group));
      tile.partial(args) = Halide::select(tile.pair == 0, from, 0);
      tile.partial(args) += product(tile, tile.pair * width + tile.products.x);
      tile.dot(tile.place(tile.group)) = 0;
      tile.dot(tile.place(tile.group)) += tile.partial(behind(tile.pairs, tile.place(tile.group)));
    }
    defineSum(tile, name);
    return tile;
  }

  /// The element of the tile at a point of the loops of `sum`.
  Expr at(const QuantizedTile &tile, const std::vector<Var> &vars) const {
    Exprs args = {vars[q.column] % kPanel, vars[q.column] / kPanel};
    if (tile.hasRow)
      args.push_back(vars[q.row]);
    return tile.sum(args);
  }

private:
  /// A row past the last repeats it.
  Expr rowOf(const QuantizedTile &tile) const {
    return tile.hasRow ? Halide::min(tile.row, pipeline.extent(q.sum, q.row) - 1) : Expr(0);
  }

  /// A panel past the last repeats it.
  Expr columnOf(const QuantizedTile &tile) const {
    Expr last = (pipeline.extent(q.sum, q.column) + kPanel - 1) / kPanel - 1;
    return Halide::min(tile.panel, last) * kPanel + tile.lane;
  }

  /// A node of the dot product's stage.
  Expr dotValue(int node, const Expr &row, const Expr &column, const Expr &group, const Expr &j) const {
    Exprs loops = {column, group, j};
    return pipeline.evaluate(q.dot, q.row >= 0 ? behind(row, loops) : loops, {}, {node})[0];
  }

  /// A Func of their own: Halide would see that they fit into i8, and miss the product of u8 and i8.
  void defineHalves(QuantizedTile &tile, const std::string &name) const {
    tile.halves = Func(name + "_halves");
    Expr byte = dotValue(q.codes, Expr(0), columnOf(tile), tile.group, tile.step * (2 * kDepth) + tile.neighbour);
    Expr low = byte & Halide::cast<uint8_t>(15), high = byte >> Halide::cast<uint8_t>(4);
    tile.halves(tile.neighbour, tile.lane, tile.panel, tile.half, tile.step, tile.group) =
        Halide::select(tile.half == 0, low, high);
  }

  /// code * activation, where `neighbour` is below kDepth.
  Expr product(const QuantizedTile &tile, const Expr &neighbour) const {
    Expr half = tile.products.y, step = tile.products.z, base = step * (kDepth * q.halves);
    Expr code = q.halves == 2 ? tile.halves(neighbour, tile.lane, tile.panel, half, step, tile.group)
                              : dotValue(q.codes, Expr(0), columnOf(tile), tile.group, base + neighbour);
    Expr x = dotValue(q.activation, rowOf(tile), Expr(0), tile.group, base + half * kDepth + neighbour);
    return Halide::cast<int32_t>(code) * Halide::cast<int32_t>(x);
  }

  void defineSum(QuantizedTile &tile, const std::string &name) const {
    tile.sum = Func(name);
    tile.groups = RDom(0, pipeline.extent(q.sum, q.column + 1), "groups");
    auto evaluate = [&](const Expr &group, int node) {
      Exprs loops = {columnOf(tile), group};
      return pipeline.evaluate(q.sum, q.row >= 0 ? behind(rowOf(tile), loops) : loops, {}, {node})[0];
    };
    tile.sum(tile.place()) = evaluate(Expr(), pipeline.stage(q.sum).inits[0]);
    tile.sum(tile.place()) +=
        Halide::cast<float>(tile.dot(tile.place(tile.groups.x))) * evaluate(tile.groups.x, q.weight);
  }

  Pipeline &pipeline;
  const QuantizedDot &q;
  Func start;
};

/// The loop that every tile is computed at: both versions of the consumer have it, as Halide asks.
const char *const kTileLoop = "tile";

/// Unrolls the tile's vectors in a pure definition or an update. A tile of one row has one panel, but no bound that
/// says so: Halide would take it to hold for the version of the consumer that does not use the tile, too.
template <typename Definition> void unrollTile(Definition definition, const QuantizedTile &tile) {
  definition.vectorize(tile.lane);
  if (tile.hasRow)
    definition.unroll(tile.panel).unroll(tile.row);
}

void boundTile(const QuantizedTile &tile, Func f, const Shape &shape) {
  f.bound(tile.lane, 0, kPanel);
  if (tile.hasRow)
    f.bound_extent(tile.panel, shape.panels).bound_extent(tile.row, shape.rows);
}

using Order = std::vector<Halide::VarOrRVar>;

/// `front`, the tile's loops, `back`; innermost first.
Order tileOrder(const QuantizedTile &tile, Order front, const Order &back) {
  front.push_back(tile.lane);
  if (tile.hasRow)
    front.push_back(tile.row);
  front.push_back(tile.panel);
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

/// Everything of the tile unrolled, apart from the loop over the groups.
void scheduleTile(QuantizedTile &tile, const Shape &shape, Func consumer) {
  bool paired = tile.partial.defined();
  tile.sum.compute_at(consumer, Var(kTileLoop));
  tile.dot.compute_at(tile.sum, tile.groups.x);
  for (Func f : {tile.sum, tile.dot}) {
    boundTile(tile, f, shape);
    unrollTile<Func &>(f, tile);
  }
  tile.sum.update().reorder(tileOrder(tile, {}, {tile.groups.x}));
  unrollTile(tile.sum.update(), tile);
  if (paired) {
    tile.dot.update().reorder(tileOrder(tile, {tile.pairs.x}, {})).atomic().vectorize(tile.pairs.x);
    unrollTile(tile.dot.update(), tile);
    tile.partial.compute_at(tile.sum, tile.groups.x).bound(tile.pair, 0, 2).vectorize(tile.pair);
    boundTile(tile, tile.partial, shape);
    unrollTile<Func &>(tile.partial, tile);
  }
  Func inner = paired ? tile.partial : tile.dot;
  Halide::Stage update = inner.update();
  Order front = paired ? Order{tile.products.x, tile.pair} : Order{tile.products.x};
  update.reorder(tileOrder(tile, front, {tile.products.y, tile.products.z})).atomic().vectorize(tile.products.x);
  if (paired)
    update.vectorize(tile.pair);
  unrollTile(update, tile);
  update.unroll(tile.products.y).unroll(tile.products.z);
  if (!tile.halves.defined())
    return;
  tile.halves.compute_at(inner, tile.products.z).bound(tile.neighbour, 0, kDepth).bound(tile.lane, 0, kPanel);
  tile.halves.bound(tile.half, 0, 2).vectorize(tile.neighbour).vectorize(tile.lane).unroll(tile.half);
  if (tile.hasRow)
    tile.halves.bound_extent(tile.panel, shape.panels).unroll(tile.panel);
}

/// One row waits for memory: asks for whole bytes 2 KiB before their use. For halves it has work enough in flight, and
/// the requests cost more than they gain. Past the end of a panel lies the next one.
void prefetchCodes(const Pipeline &pipeline, const QuantizedDot &q, QuantizedTile &tile) {
  constexpr int kGroupsAhead = 4;
  if (q.halves == 1)
    tile.sum.update().prefetch(pipeline.input(q.codesOperand), tile.groups.x, tile.groups.x, kGroupsAhead,
                               Halide::PrefetchBoundStrategy::NonFaulting);
}

/// Operations on a vector that a tile of one row and one panel takes.
Expr tileCost(const Pipeline &pipeline, const QuantizedDot &q) {
  return pipeline.extent(q.sum, q.column + 1) * (kGroup / kDepth);
}

/// Splits the loops of many rows into tiles, blocks of tiles and tasks.
void tileRows(const Pipeline &pipeline, const QuantizedDot &q, const Shape &shape, const Consumer &consumer) {
  Halide::Stage stage = consumer.func;
  Var strip("strip"), column("column"), part("part"), lane("lane"), block("block"), tile(kTileLoop), row("row");
  int width = shape.panels * kPanel, blockRows = shape.rows * kBlockTiles;
  Expr rows = pipeline.extent(q.sum, q.row), columns = pipeline.extent(q.sum, q.column);
  stage.split(consumer.vars[q.column], strip, column, width, TailStrategy::GuardWithIf);
  stage.split(column, part, lane, kPanel).vectorize(lane);
  stage.split(consumer.vars[q.row], tile, row, shape.rows, TailStrategy::GuardWithIf);
  stage.split(tile, block, tile, kBlockTiles, TailStrategy::GuardWithIf);
  stage.reorder({lane, part, row, tile, block, strip}).unroll(part);
  if (consumer.cost < 16)
    stage.unroll(row);
  Expr count = ((columns + width - 1) / width) * ((rows + blockRows - 1) / blockRows);
  parallelTasks(stage, {strip, block}, count,
                Halide::min(rows, blockRows) * shape.panels * (tileCost(pipeline, q) + consumer.cost));
}

/// One row, or none: a task is a run of panels.
void tilePanels(const Pipeline &pipeline, const QuantizedDot &q, Halide::Stage stage, const Consumer &consumer) {
  Var panel("panel"), lane("lane");
  stage.split(consumer.vars[q.column], panel, lane, kPanel, TailStrategy::GuardWithIf).vectorize(lane);
  std::vector<Var> outer = {panel};
  if (q.row >= 0) {
    stage.reorder({lane, panel, consumer.vars[q.row]});
    outer.insert(outer.begin(), consumer.vars[q.row]);
  }
  Expr panels = (pipeline.extent(q.sum, q.column) + kPanel - 1) / kPanel;
  // Memory sets the pace: a vector of codes costs as much as 8 operations, of halves as 4.
  Expr cost = (8 / q.halves) * tileCost(pipeline, q) + consumer.cost;
  Var step = parallelTasks(stage, outer, panels, cost);
  stage.split(step, step, Var(kTileLoop), 1);
}

} // namespace

void scheduleQuantizedMatmul(Pipeline &pipeline) {
  QuantizedDot q;
  if (!matchQuantizedDot(pipeline, q))
    return scheduleReduction(pipeline);
  for (int s = 0; s < q.dot; ++s)
    pipeline.define(s);
  Builder builder(pipeline, q);
  builder.defineStart();
  int64_t rows = q.row < 0 ? 1 : pipeline.staticExtent(q.sum, q.row);
  QuantizedTile single, tile;
  StageFunc result;
  result.func = Func("quantized");
  result.vars = pipeline.variables(q.sum);
  Expr value, isSingle;
  if (rows != 1) {
    tile = builder.defineTile("tile", true);
    value = builder.at(tile, result.vars);
  }
  if (rows == 1 || rows < 0) {
    single = builder.defineTile("vector_tile", false);
    Expr vector = builder.at(single, result.vars);
    isSingle = rows == 1 ? Expr() : pipeline.extent(q.sum, q.row) == 1;
    value = rows == 1 ? vector : Halide::select(isSingle, vector, value);
  }
  result.func(Exprs(result.vars.rbegin(), result.vars.rend())) = value;
  pipeline.adopt(q.sum, result);
  for (int s = q.sum + 1; s < pipeline.numStages(); ++s)
    pipeline.define(s);
  pipeline.defineOutputs();

  Consumer consumer = scheduleConsumer(pipeline, q.sum);
  consumer.func.never_partition_all();
  Shape shape = chooseShape(pipeline, q);
  if (single.sum.defined()) {
    tilePanels(pipeline, q, isSingle.defined() ? consumer.func.specialize(isSingle) : consumer.func, consumer);
    scheduleTile(single, {1, 1}, consumer.func);
    prefetchCodes(pipeline, q, single);
  }
  if (tile.sum.defined()) {
    tileRows(pipeline, q, shape, consumer);
    scheduleTile(tile, shape, consumer.func);
  }
}

} // namespace thresh::codegen
