//===- ActiveRows.cpp - The chosen neurons of a feed-forward block ------------===//
//
// Bound by memory that is read in rows far apart. The list of chosen neurons is cut in passes of a few rows that are
// read side by side, and passes in tasks; a task has sums of its own, which are added up at the end, so that the result
// depends on the lists alone. Codes and narrow floats are converted in registers. While a pass computes, the rows of a
// later one are fetched.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Kernels/Kernels.h"
#include "codegen/Kernels/WeightRows.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::PrefetchBoundStrategy;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Rows that are read side by side. A line of codes of 4 bits is twice the arithmetic: fewer rows leave a processor
/// enough lines that it can look ahead to.
constexpr int kRows = 8, kRowsOf4Bits = 4;
/// How many rows ahead rows are fetched: whole passes.
constexpr int kRowsAhead = 8;
/// Rows of more bytes are not fetched ahead: the machine sees them coming.
constexpr int kLongRow = 4096;
/// Tasks are a power of two, so that threads of that number get the same share; each has at least so many bytes to
/// read.
constexpr int kTaskBytes = 3 << 17, kMostTasks = 64;

/// One kind of pass: those of a task that fetch rows of a later one, or its last ones, whose rows are fetched already
/// and may be fewer.
struct Pass {
  bool last;
  RDom steps; ///< (row, pass): of the task
  RowDots dots;
  Func heights{"heights"}, weights{"weights"}; ///< (.., row, pass)
};

class ActiveRows : ChosenRows {
public:
  explicit ActiveRows(const Pipeline &pipeline)
      : ChosenRows(pipeline), pipeline(pipeline), lanes(vectorLanes(pipeline, 4)), count(ChosenRows::count(token)),
        rows(down.bits == 4 ? kRowsOf4Bits : kRows) {}

  /// Of (column, token).
  Func build() {
    Expr passes = passesOf(count), most = passesOf(longest());
    int bytes = up.rowBytes() + down.rowBytes();
    Expr enough = Halide::clamp(most / std::max(1, kTaskBytes / (rows * bytes)), 1, kMostTasks);
    Expr doublings = 31 - Halide::cast<int32_t>(Halide::count_leading_zeros(enough));
    tasks = 1 << doublings;
    sums(column, task, token) = 0.0f;
    sums.compute_at(result, token).bound(column, 0, down.width).bound(task, 0, tasks).bound_extent(token, 1);
    sums.vectorize(column, lanes, TailStrategy::GuardWithIf).parallel(task);
    if (gated && up.coded())
      defineZeros();
    for (bool last : {false, true}) {
      Pass part{last};
      part.steps = RDom({{0, rows}, {0, (neurons + rows - 1) / rows}}, last ? "last" : "full");
      Expr begin = (task * passes) >> doublings, end = ((task + 1) * passes) >> doublings;
      Expr ending = end - kRowsAhead / rows;
      part.steps.where(part.steps.y >= (last ? Halide::max(begin, ending) : begin));
      part.steps.where(part.steps.y < (last ? end : ending));
      if (gated)
        defineDots(part);
      defineWeights(part);
      defineSums(part);
      scheduleSums(part, sums.update(last));
      if (gated)
        scheduleDots(part);
    }
    addTotal();
    return result;
  }

private:
  Expr passesOf(const Expr &neurons) const { return (neurons + rows - 1) / rows; }

  /// The neurons of the longest list. The number of tasks is the same for all tokens: a bound cannot depend on a loop.
  Expr longest() const {
    int64_t tokens = pipeline.operand(0).shape[0];
    if (tokens == 1)
      return ChosenRows::count(0);
    Expr most = 0;
    for (int i = 0; i < kFewTokens; ++i)
      most = Halide::max(most, ChosenRows::count(Halide::min(i, counts->dim(0).extent() - 1)));
    return most;
  }

  /// The place in the list of row `row` of a pass. Where rows are fetched ahead it has no minimum in it: Halide would
  /// fetch all rows.
  Expr place(const Pass &part, const Expr &row, const Expr &pass) const {
    Expr at = pass * rows + row;
    return part.last ? Halide::clamp(at, 0, count - 1) : at;
  }
  /// The neuron at that place.
  Expr neuron(const Pass &part, const Expr &row, const Expr &pass) const {
    return Halide::clamp((*indices)(place(part, row, pass), token), 0, neurons - 1);
  }

  /// Fetches what rows of a later pass take of `buffer` while those of this pass are read, whose loop is `row`. The
  /// places of that pass must all be in the list's buffer.
  void fetchAhead(const Pass &part, Halide::Stage stage, const Halide::ImageParam &buffer, const Halide::VarOrRVar &row,
                  const WeightRows &matrix) const {
    if (!part.last && neurons % rows == 0 && matrix.rowBytes() <= kLongRow)
      stage.prefetch(buffer, row, row, kRowsAhead, PrefetchBoundStrategy::NonFaulting);
  }

  Expr xAt(const Expr &column) const { return (*x)(column, token); }

  /// zeros(lane, group, token): what the zero points of the codes that lane `lane` multiplies add to the sum of a
  /// group.
  void defineZeros() {
    Expr sum = 0.0f;
    for (int column = 0; column < kRowGroup; column += lanes)
      sum += xAt(group * kRowGroup + column + lane);
    zeros(lane, group, token) = -float(up.zero()) * sum;
    zeros.compute_at(result, token).bound(lane, 0, lanes).vectorize(lane);
  }

  /// The up rows of the neurons of a pass times x.
  void defineDots(Pass &part) {
    Expr at = neuron(part, row, pass);
    RowOfWeights ofRow{[&](const Expr &column) { return up.stored(column, at); },
                       [&](const Expr &group) { return up.scale(group, at); }, nullptr};
    if (up.coded())
      ofRow.zeros = [&](const Expr &group) { return zeros(lane, group, token); };
    part.dots = defineRowDots(
        up, lanes, {row, pass, token}, ofRow, [&](const Expr &column) { return xAt(column); }, lane);
  }

  /// weights(group, row, pass, token): what the codes of a group of a down row are multiplied with.
  void defineWeights(Pass &part) {
    Expr value = (*values)(place(part, row, pass), token);
    if (gated)
      value = value * part.dots.sums(row, pass, token);
    part.heights(row, pass, token) = part.last ? Halide::select(pass * rows + row < count, value, 0.0f) : value;
    if (down.coded())
      part.weights(group, row, pass, token) =
          part.heights(row, pass, token) * down.scale(group, neuron(part, row, pass));
  }

  void defineSums(Pass &part) {
    Expr r = part.steps.x, p = part.steps.y;
    Expr weight = down.coded() ? part.weights(column / kRowGroup, r, p, token) : part.heights(r, p, token);
    sums(column, task, token) += weight * down.element(column, neuron(part, r, p));
  }

  void scheduleSums(Pass &part, Halide::Stage update) {
    Var chunk("chunk"), inner("inner"), vectors("vectors"), vector("vector");
    RVar r = part.steps.x, p = part.steps.y;
    update.split(column, chunk, inner, down.lineColumns(), TailStrategy::GuardWithIf);
    update.split(inner, vectors, vector, lanes).reorder({vector, vectors, r, chunk, p, task, token});
    update.vectorize(vector).unroll(vectors).unroll(r).parallel(task);
    LoopLevel level(sums, p);
    part.heights.compute_at(level).bound_extent(pass, 1).bound_extent(token, 1);
    if (down.coded())
      scheduleGroups(part.weights, down, lanes, rows, level);
    fetchAhead(part, update, *down.elements, r, down);
    if (down.coded())
      fetchAhead(part, part.weights, *down.scales, row, down);
  }

  void scheduleDots(Pass &part) {
    scheduleRowDots(part.dots, up, lanes, rows, LoopLevel(sums, RVar(part.steps.y)));
    if (part.dots.depth.defined())
      fetchAhead(part, part.dots.partial.update(0), *up.elements, row, up);
    if (up.coded())
      fetchAhead(part, part.dots.scales, *up.scales, row, up);
  }

  /// The sums of all tasks.
  void addTotal() {
    Var vectors("vectors"), vector("vector");
    RDom parts(0, tasks, "parts");
    Func total("total");
    total(column, token) = 0.0f;
    Expr inside = down.width % lanes == 0 ? Expr(column) : Halide::min(Halide::likely(column), down.width - 1);
    total(column, token) = math::add(total(column, token), sums(inside, parts, token));
    result(column, token) = total(column, token);
    result.split(column, vectors, vector, lanes, TailStrategy::GuardWithIf).vectorize(vector);
    total.compute_at(result, vectors).bound_extent(column, lanes).vectorize(column);
    total.update().reorder(column, parts.x).vectorize(column);
  }

  const Pipeline &pipeline;
  Var lane{"lane"}, row{"row"}, pass{"pass"}, group{"group"}, column{"column"}, task{"task"}, token{"token"};
  int lanes;
  Expr count; ///< of the token
  int rows;
  Expr tasks;
  Func zeros{"zeros"}, sums{"sums"}, result{"active_rows"}; ///< (.., token)
};

} // namespace

Func activeRowsOneByOne(const Pipeline &pipeline) { return ActiveRows(pipeline).build(); }

void buildActiveRows(Pipeline &pipeline) {
  if (pipeline.operand(0).shape[0] == 1)
    pipeline.addOutput(activeRowsOneByOne(pipeline));
  else
    buildActiveRowsOfMany(pipeline);
}

} // namespace thresh::codegen
