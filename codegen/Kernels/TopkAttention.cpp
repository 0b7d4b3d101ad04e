//===- TopkAttention.cpp - Attention of one query over chosen keys -----------===//
//
// Bound by memory, in two parts. Scores of all keys seen: blocks of keys are tasks, which read the first dimensions of
// the keys in order and each row once for all queries that share it. Then heads are tasks: the statistics of a head's
// scores (the mean, then the squares of x - mean), the list of the chosen keys, the products of their other dimensions,
// softmax and the sum of their values, a block of chosen rows at a time while the next ones are fetched. No result
// depends on the number of threads.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Kernels/Compaction.h"
#include "codegen/Kernels/Fetch.h"
#include "codegen/Kernels/Kernels.h"
#include "codegen/Schedules/Loops.h"

#include <limits>
#include <optional>

using Halide::Expr;
using Halide::Func;
using Halide::ImageParam;
using Halide::LoopLevel;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Tuple;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Rows of keys whose scores are handled together: one vector with AVX-512.
constexpr int kBlockRows = 16;
/// Chains of vectors in which a head's scores are summed.
constexpr int kChains = 4;
/// Queries that share a row of keys and are computed side by side, at most; vectors of it, and key heads one after the
/// other, whose code is unrolled.
constexpr int kMostMembers = 8, kMostSteps = 16, kMostKeyHeads = 4;
/// Simple operations that one score takes after its product: soft cap, statistics, list.
constexpr int kScoreCost = 8;

constexpr float kLowest = std::numeric_limits<float>::lowest();

/// Rows of keys or values.
struct Rows {
  ImageParam elements;
  ImageParam scales; ///< what integers are multiplied with, one for each row; undefined for floats
  int width = 0;     ///< 0: there are none

  Expr element(const Expr &column, const Expr &head, const Expr &row) const {
    return Halide::cast<float>(elements(column, head, row));
  }
  /// 0, and the row gets fetched.
  Expr fetched(const Expr &head, const Expr &row) const {
    return fetch(elements, (row * elements.dim(1).extent() + head) * width, width);
  }
  /// `value`, of a row's elements, with the row's scale.
  Expr scaled(const Expr &value, const Expr &head, const Expr &row) const {
    return scales.defined() ? math::mul(value, scales(head, row)) : value;
  }
};

/// What the kernel is to compute.
struct Attention {
  ImageParam query, queryRest, position, statistics;
  Rows key, keyRest, value;
  int heads, keyHeads, members; ///< members: queries that share keys and values
  int k, window;
  float scale, softCap, softplusScale;
  bool softplus;     ///< the softmax is over the scores that choose
  bool keepsProduct; ///< the products of the chosen keys are needed again, without the soft cap
  int lanes;         ///< floats of a vector register
};

Attention readSpec(const Pipeline &pipeline) {
  auto real = [&](const char *name) { return float(pipeline.parameter(name).real); };
  auto integer = [&](const char *name) { return int(pipeline.parameter(name).integer); };
  bool rest = integer("rest") != 0, scaled = integer("scaled") != 0;
  int operand = 0;
  auto takeRows = [&] {
    Rows rows;
    rows.width = int(pipeline.operand(operand).shape[2]);
    rows.elements = pipeline.input(operand++);
    if (scaled)
      rows.scales = pipeline.input(operand++);
    return rows;
  };
  Attention a;
  a.heads = int(pipeline.operand(operand).shape[1]);
  a.query = pipeline.input(operand++);
  if (rest)
    a.queryRest = pipeline.input(operand++);
  a.keyHeads = int(pipeline.operand(operand).shape[1]);
  a.members = a.heads / a.keyHeads;
  a.key = takeRows();
  if (rest)
    a.keyRest = takeRows();
  a.value = takeRows();
  a.position = pipeline.input(operand++);
  a.statistics = pipeline.input(operand++);
  a.k = integer("k");
  a.window = integer("window");
  a.scale = real("scale");
  a.softCap = real("soft_cap");
  a.softplus = pipeline.spec().parameters.count("softplus_scale") != 0;
  a.softplusScale = a.softplus ? real("softplus_scale") : 0;
  a.keepsProduct = rest && !a.softplus && a.softCap != 0;
  a.lanes = vectorLanes(pipeline, 4);
  return a;
}

//===-----------------------------------------------------------------------===//
// Define
//===-----------------------------------------------------------------------===//

/// Products of queries and rows of keys: in lanes, then summed.
struct Dots {
  Func lanes{"dot_lanes"}, sums{"dots"};
  RDom depth, lane;
  int vector = 0; ///< lanes; 0 without dimensions to multiply

  /// What adds the products up.
  Halide::Stage products() { return lanes.has_update_definition() ? lanes.update() : Halide::Stage(lanes); }
};

/// A reduction over the scores of a head: in lanes of several chains, then these by a tree.
struct Fold {
  Func lanes{"fold_lanes"}, result{"fold"};
  RDom blocks;
};

struct Funcs {
  Var lane{"lane"}, row{"row"}, chain{"chain"}, block{"block"}, member{"member"}, keyHead{"key_head"}, head{"head"},
      column{"column"};
  Expr most, blocks;  ///< keys that are seen at most, and blocks of them
  Expr first, length; ///< keys that are seen
  Dots partial, rest;
  Func scores{"scores"}; ///< of row, block, head: the score; then, if it is needed, the product
  Fold sum, squares, maximum;
  Func thresholds{"thresholds"};
  std::optional<Compaction> survivors; ///< of a head: the chosen keys
  Func fetched{"fetched"};             ///< of block, head: 0, once rows that are needed soon are on their way
  Func chosen{"chosen"};   ///< of row, block, head: products or scores; with softplus, also the other products
  Func weights{"weights"}; ///< of row, block, head: exponentials; these times the softplus, or once more
  Fold top, total;
  Func blockValues{"block_values"}, values{"values"};
  Func attended{"attended"}; ///< of column, head: the result; how many keys were chosen
  RDom padding, fetching, blocksChosen, rowsChosen;

  Expr score(const Expr &row, const Expr &block, const Expr &head, int which = 0) const {
    Halide::FuncRef ref = scores(row, block, head);
    return scores.outputs() > 1 ? Expr(ref[which]) : Expr(ref);
  }
  Expr count(const Expr &head) const { return survivors->count({head}); }
  Expr isEntry(const Expr &row, const Expr &block) const { return block * kBlockRows + row < count(head); }
  /// The key of an entry of the list, plus an offset of 0.
  Expr chosenKey(const Expr &row, const Expr &block, const Expr &zero = 0) const {
    return Halide::unsafe_promise_clamped(survivors->list(block * kBlockRows + row, head) + zero, 0, most - 1);
  }
};

Expr capped(const Attention &a, const Expr &product) {
  if (a.softCap == 0)
    return product;
  return math::mul(math::tanh(math::mul(product, 1 / a.softCap)), a.softCap);
}

Expr softplus(const Expr &x) {
  Expr magnitude = Halide::select(math::lt(x, 0.0f), math::sub(0.0f, x), x);
  Expr positive = Halide::select(math::lt(x, 0.0f), 0.0f, x);
  return math::add(positive, math::log1p(math::exp(math::sub(0.0f, magnitude))));
}

/// The greater one; not NaN unless both are.
Expr greater(const Expr &a, const Expr &b) { return Halide::select(math::lt(a, b) || math::isNan(a), b, a); }

Expr sumOf(const Expr &a, const Expr &b) { return math::add(a, b); }

/// Queries times rows of keys; `args` are the loops.
Dots defineDots(const Attention &a, const Funcs &f, const ImageParam &query, const Rows &keys, const Expr &keyHead,
                const Expr &member, const Expr &row, const std::vector<Var> &args) {
  Dots dots;
  dots.sums(args) = 0.0f;
  if (keys.width == 0)
    return dots;
  dots.vector = vectorThatDivides(a.lanes, keys.width);
  dots.lane = RDom(0, dots.vector, "lanes");
  int steps = keys.width / dots.vector, unrolled = vectorThatDivides(kMostSteps, steps);
  dots.depth = RDom(0, steps / unrolled, "depth");
  Expr product = 0.0f;
  // LLVM turns sums around, and rows are to be read from their beginning on.
  for (int step = unrolled; step-- > 0;) {
    Expr at = ((steps == unrolled ? Expr(0) : Expr(dots.depth)) * unrolled + step) * dots.vector + f.lane;
    product = math::mulAdd(query(at, keyHead * a.members + member, 0), keys.element(at, keyHead, row), product);
  }
  Exprs laneArgs = behind({f.lane}, args), folded = behind({dots.lane}, args);
  dots.lanes(laneArgs) = steps == unrolled ? product : Expr(0.0f);
  if (steps > unrolled)
    dots.lanes(laneArgs) += product;
  dots.sums(args) += dots.lanes(folded);
  return dots;
}

/// Scores of all keys seen. Rows past the last one repeat it.
void defineScores(const Attention &a, Funcs &f) {
  Expr position = Halide::cast<int>(a.position()), keys = a.key.elements.dim(2).extent();
  f.most = a.window > 0 ? Halide::min(keys, a.window) : keys;
  f.blocks = (f.most + kBlockRows - 1) / kBlockRows;
  f.first = a.window > 0 ? Halide::max(position + 1 - a.window, 0) : Expr(0);
  f.length = position + 1 - f.first;
  Expr row = f.first + Halide::min(f.block * kBlockRows + f.row, f.length - 1);
  f.partial = defineDots(a, f, a.query, a.key, f.keyHead, f.member, row, {f.row, f.member, f.keyHead, f.block});
  Expr dot = f.partial.sums(f.row, f.head % a.members, f.head / a.members, f.block);
  Expr product = math::mul(a.key.scaled(dot, f.head / a.members, row), a.scale), score = capped(a, product);
  if (a.keepsProduct)
    f.scores(f.row, f.block, f.head) = Tuple(score, product);
  else
    f.scores(f.row, f.block, f.head) = score;
}

/// Folds `value`, of a block and f.row, over `blocks` times `chains` blocks.
template <typename Combine, typename Value>
void defineFold(Funcs &f, Fold &fold, const RDom &blocks, int chains, const Expr &init, Value value, Combine combine) {
  fold.blocks = blocks;
  fold.lanes(f.row, f.chain, f.head) = init;
  Expr running = fold.lanes(f.row, f.chain, f.head);
  fold.lanes(f.row, f.chain, f.head) = combine(running, value(blocks * chains + f.chain));
  std::vector<Expr> left;
  for (int lane = 0; lane < kBlockRows * chains; ++lane)
    left.push_back(fold.lanes(lane % kBlockRows, lane / kBlockRows, f.head));
  fold.result(f.head) = foldHalves(left, combine);
}

/// min(mean + deviation * quantile, maximum), or less than any score where all keys are kept; NaN where a score is.
void defineThresholds(const Attention &a, Funcs &f) {
  RDom blocks(0, (f.blocks + kChains - 1) / kChains, "statistics");
  auto seen = [&](const Expr &block, const Expr &otherwise, auto value) {
    Expr x = f.score(f.row, Halide::min(block, f.blocks - 1), f.head);
    return Halide::select(block * kBlockRows + f.row < f.length, value(x), otherwise);
  };
  auto same = [](const Expr &x) { return x; };
  defineFold(
      f, f.sum, blocks, kChains, 0.0f, [&](const Expr &b) { return seen(b, 0.0f, same); }, sumOf);
  defineFold(
      f, f.maximum, blocks, kChains, kLowest, [&](const Expr &b) { return seen(b, kLowest, same); }, greater);
  Expr length = Halide::cast<float>(f.length), mean = math::div(f.sum.result(f.head), length);
  auto square = [&](const Expr &x) {
    Expr centred = math::sub(x, mean);
    return math::mul(centred, centred);
  };
  defineFold(
      f, f.squares, blocks, kChains, 0.0f, [&](const Expr &b) { return seen(b, 0.0f, square); }, sumOf);

  Expr variance = math::mul(math::div(f.squares.result(f.head), length), a.statistics(1));
  Expr theta = math::add(mean, math::mul(Halide::sqrt(variance), a.statistics(0)));
  Expr greatest = f.maximum.result(f.head);
  f.thresholds(f.head) =
      Halide::select(f.length <= a.k, kLowest, Halide::select(math::lt(greatest, theta), greatest, theta));
}

/// The chosen keys in ascending order, then the first one seen, up to a whole block.
void defineList(Funcs &f) {
  auto isChosen = [&](const Expr &key) {
    Expr score = f.score(key % kBlockRows, key / kBlockRows, f.head);
    return key < f.length && !math::lt(score, f.thresholds(f.head));
  };
  f.survivors.emplace(f.blocks * kBlockRows, std::vector<Var>{f.head}, isChosen);
  f.padding = RDom(0, kBlockRows, "padding");
  Expr end = Halide::unsafe_promise_clamped(f.count(f.head), 0, f.most);
  f.survivors->list(end + f.padding, f.head) = 0;
}

/// Fetches the values of the keys of a block and, if there is one, the rest of the keys of the next block.
void defineFetches(const Attention &a, Funcs &f) {
  f.fetching = RDom(0, kBlockRows, "fetching");
  f.fetched(f.block, f.head) = 0;
  for (auto [rows, ahead] : {std::pair(&a.value, 0), {&a.keyRest, 1}}) {
    if (rows->width == 0)
      continue;
    Expr row = f.first + f.chosenKey(f.fetching, f.block + ahead);
    f.fetched(f.block, f.head) += rows->fetched(f.head / a.members, row);
  }
}

/// Softmax over the chosen keys, as weights of their values and the sum of the exponentials.
void defineWeights(const Attention &a, Funcs &f) {
  Expr keyHead = f.head / a.members, member = f.head % a.members;
  f.rest = defineDots(a, f, a.queryRest, a.keyRest, keyHead, member, f.first + f.chosenKey(f.row, f.block),
                      {f.row, f.block, f.head});
  f.blocksChosen = RDom(0, f.blocks, "chosen_blocks");
  f.blocksChosen.where(f.blocksChosen * kBlockRows < f.count(f.head));
  Expr block = f.blocksChosen, key = f.chosenKey(f.row, block, f.fetched(block, f.head));
  auto known = [&](int which) { return f.score(key % kBlockRows, key / kBlockRows, f.head, which); };
  Expr rest = a.keyRest.scaled(f.rest.sums(f.row, block, f.head), keyHead, f.first + key);
  if (a.softplus) {
    f.chosen(f.row, f.block, f.head) = Tuple(Halide::undef<float>(), Halide::undef<float>());
    f.chosen(f.row, block, f.head) = Tuple(known(0), math::mul(rest, a.softplusScale));
  } else {
    f.chosen(f.row, f.block, f.head) = Halide::undef<float>();
    f.chosen(f.row, block, f.head) =
        f.rest.vector == 0 ? known(0) : math::add(known(a.keepsProduct ? 1 : 0), math::mul(rest, a.scale));
  }
  auto chosen = [&](const Expr &b, int which) {
    Halide::FuncRef ref = f.chosen(f.row, b, f.head);
    return a.softplus ? Expr(ref[which]) : a.keepsProduct ? capped(a, ref) : Expr(ref);
  };
  auto logit = [&](const Expr &b) { return Halide::select(f.isEntry(f.row, b), chosen(b, 0), kLowest); };
  defineFold(f, f.top, f.blocksChosen, 1, kLowest, logit, greater);

  Expr power = math::exp(math::sub(chosen(block, 0), f.top.result(f.head)));
  Expr exponential = Halide::select(f.isEntry(f.row, block), power, 0.0f);
  f.weights(f.row, f.block, f.head) = Tuple(Halide::undef<float>(), Halide::undef<float>());
  f.weights(f.row, block, f.head) =
      Tuple(exponential, a.softplus ? math::mul(exponential, softplus(chosen(block, 1))) : exponential);
  auto term = [&](const Expr &b) { return Expr(f.weights(f.row, b, f.head)[0]); };
  defineFold(f, f.total, f.blocksChosen, 1, 0.0f, term, sumOf);
}

/// The weighted values over the sum of the exponentials.
void defineResult(const Attention &a, Funcs &f) {
  f.rowsChosen = RDom(0, kBlockRows, "chosen_rows");
  f.rowsChosen.where(f.isEntry(f.rowsChosen, f.block));
  Expr keyHead = f.head / a.members, row = f.first + f.chosenKey(f.rowsChosen, f.block);
  Expr weight = a.value.scaled(f.weights(f.rowsChosen, f.block, f.head)[1], keyHead, row);
  f.blockValues(f.column, f.block, f.head) = 0.0f;
  f.blockValues(f.column, f.block, f.head) += weight * a.value.element(f.column, keyHead, row);
  f.values(f.column, f.head) = 0.0f;
  f.values(f.column, f.head) += f.blockValues(f.column, f.blocksChosen, f.head);
  f.attended(f.column, f.head) = Tuple(math::div(f.values(f.column, f.head), f.total.result(f.head)), f.count(f.head));
}

//===-----------------------------------------------------------------------===//
// Schedule
//===-----------------------------------------------------------------------===//

/// Vectors of `var`, which is within a block.
void vectorizeRow(const Attention &a, Halide::Stage stage, const Var &var) {
  if (a.lanes == kBlockRows)
    stage.vectorize(var);
  else
    stage.vectorize(var, a.lanes);
}

/// Products of `rows` rows at `level`.
void scheduleDots(const Attention &a, const Funcs &f, Dots &dots, int rows, const LoopLevel &level) {
  dots.sums.compute_at(level).bound_extent(f.row, rows);
  vectorizeRow(a, dots.sums, f.row);
  if (dots.vector == 0)
    return;
  Var vectors("vectors");
  dots.sums.update().split(f.row, vectors, f.row, a.lanes);
  dots.sums.update().reorder(dots.lane.x, f.row, vectors).atomic().vectorize(dots.lane.x).vectorize(f.row);
  dots.lanes.compute_at(level).bound(f.lane, 0, dots.vector).bound_extent(f.row, rows).vectorize(f.lane);
  if (dots.lanes.has_update_definition())
    dots.lanes.update().vectorize(f.lane);
  dots.lanes.store_in(Halide::MemoryType::Stack);
}

void scheduleFold(const Attention &a, const Funcs &f, Fold &fold, const LoopLevel &level, int chains) {
  fold.result.compute_at(level);
  fold.lanes.compute_at(fold.result, f.head).bound(f.row, 0, kBlockRows).bound(f.chain, 0, chains).unroll(f.chain);
  vectorizeRow(a, fold.lanes, f.row);
  fold.lanes.update().reorder(f.row, f.chain, fold.blocks.x).unroll(f.chain);
  vectorizeRow(a, fold.lanes.update(), f.row);
}

void scheduleScores(const Attention &a, Funcs &f) {
  int bytes = a.key.elements.type().bytes();
  int cost = a.heads * kScoreCost + a.keyHeads * a.key.width * (bytes + a.members) / kBytesPerOperation;
  f.scores.compute_root().bound(f.row, 0, kBlockRows).bound(f.head, 0, a.heads).bound(f.block, 0, f.blocks);
  vectorizeRow(a, f.scores, f.row);
  f.scores.reorder(f.row, f.head, f.block).reorder_storage(f.row, f.head, f.block);
  LoopLevel task(f.scores, parallelTasks(f.scores, {f.block}, f.blocks, kBlockRows * cost));
  scheduleDots(a, f, f.partial, kBlockRows, task);
  Halide::Stage products = f.partial.products();
  Var members("members"), keyHeads("key_heads");
  products.split(f.member, members, f.member, vectorThatDivides(kMostMembers, a.members));
  products.split(f.keyHead, keyHeads, f.keyHead, vectorThatDivides(kMostKeyHeads, a.keyHeads));
  if (f.partial.lanes.has_update_definition())
    products.reorder(f.lane, f.member, f.partial.depth.x, members, f.keyHead, keyHeads, f.row);
  else
    products.reorder(f.lane, f.member, members, f.keyHead, keyHeads, f.row);
  products.unroll(f.member).unroll(f.keyHead);
}

void scheduleList(const Attention &a, Funcs &f, const LoopLevel &task) {
  for (Fold *fold : {&f.sum, &f.squares, &f.maximum})
    scheduleFold(a, f, *fold, task, kChains);
  f.thresholds.compute_at(task);
  f.survivors->schedule(task, a.lanes, /*behind=*/2 * kBlockRows);
}

void scheduleHeads(const Attention &a, Funcs &f) {
  int bytes = a.key.elements.type().bytes() * (a.keyRest.width + a.value.width);
  Expr cost = f.most + Halide::min(f.most, a.k) * (bytes / kBytesPerOperation + kScoreCost);
  Var column("tile"), part("part"), lane("vector");
  int vector = vectorThatDivides(a.lanes, a.value.width), vectors = a.value.width / vector;
  int width = vector * vectorThatDivides(a.lanes == kBlockRows ? 16 : 8, vectors);
  f.attended.compute_root().bound(f.column, 0, a.value.width).bound(f.head, 0, a.heads).vectorize(f.column, vector);
  LoopLevel task(f.attended, parallelTasks(f.attended, {f.head}, a.heads, cost));
  scheduleList(a, f, task);

  Halide::Stage chosen = f.chosen.update(), weights = f.weights.update();
  f.chosen.compute_at(task).bound(f.row, 0, kBlockRows);
  f.weights.compute_at(task).bound(f.row, 0, kBlockRows);
  Var rows("rows");
  for (Halide::Stage stage : {chosen, weights})
    stage.split(f.row, rows, f.row, a.lanes).reorder(f.row, rows, f.blocksChosen.x).vectorize(f.row);
  scheduleDots(a, f, f.rest, a.lanes, LoopLevel(f.chosen, rows)); // inside the test of the block
  if (f.rest.lanes.has_update_definition())
    f.rest.lanes.update().reorder(f.lane, f.rest.depth.x, f.row);
  f.fetched.compute_at(f.chosen, f.blocksChosen.x);
  for (Fold *fold : {&f.top, &f.total})
    scheduleFold(a, f, *fold, task, 1);

  auto tile = [&](Halide::Stage stage) {
    stage.split(f.column, column, part, width).split(part, part, lane, vector);
    stage.vectorize(lane).unroll(part);
  };
  f.values.compute_at(task).bound(f.column, 0, a.value.width);
  tile(f.values);
  tile(f.values.update());
  f.values.update().reorder(lane, part, column, f.blocksChosen.x);
  f.blockValues.compute_at(f.values, column).bound_extent(f.column, width);
  for (Halide::Stage stage : {Halide::Stage(f.blockValues), f.blockValues.update()})
    stage.split(f.column, part, lane, vector).vectorize(lane).unroll(part);
  f.blockValues.update().reorder(lane, part, f.rowsChosen.x);
}

/// Hands the heads' results and counts out.
void addOutputs(Pipeline &pipeline, const Attention &a, Funcs &f) {
  Var query("query");
  Func result("result"), counts("counts");
  result(f.column, f.head, query) = f.attended(f.column, f.head)[0];
  result.vectorize(f.column, vectorThatDivides(a.lanes, a.value.width));
  counts(f.head, query) = f.attended(0, f.head)[1];
  pipeline.addOutput(result);
  pipeline.addOutput(counts);
}

} // namespace

void buildTopkAttention(Pipeline &pipeline) {
  Attention a = readSpec(pipeline);
  Funcs f;
  defineScores(a, f);
  defineThresholds(a, f);
  defineList(f);
  defineFetches(a, f);
  defineWeights(a, f);
  defineResult(a, f);
  scheduleScores(a, f);
  scheduleHeads(a, f);
  addOutputs(pipeline, a, f);
}

} // namespace thresh::codegen
