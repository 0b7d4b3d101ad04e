//===- ActiveRows.cpp - The chosen neurons of a feed-forward block ------------===//
//
// Bound by memory that is read in rows far apart. The list of chosen neurons is cut in passes of a few rows that are
// read side by side, and passes in tasks; a task has sums of its own, which are added up at the end, so that the result
// depends on the list alone. Codes and narrow floats are converted in registers. While a pass computes, the rows of a
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
  explicit ActiveRows(Pipeline &pipeline)
      : ChosenRows(pipeline), pipeline(pipeline), lanes(vectorLanes(pipeline, 4)), count(ChosenRows::count(0)),
        rows(down.bits == 4 ? kRowsOf4Bits : kRows) {}

  void build() {
    Expr passes = (count + rows - 1) / rows;
    int bytes = up.rowBytes() + down.rowBytes();
    Expr enough = Halide::clamp(passes / std::max(1, kTaskBytes / (rows * bytes)), 1, kMostTasks);
    Expr doublings = 31 - Halide::cast<int32_t>(Halide::count_leading_zeros(enough));
    tasks = 1 << doublings;
    sums(column, task) = 0.0f;
    sums.compute_root().bound(column, 0, down.width).bound(task, 0, tasks);
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
  }

private:
  /// The place in the list of row `row` of a pass. Where rows are fetched ahead it has no minimum in it: Halide would
  /// fetch all rows.
  Expr place(const Pass &part, const Expr &row, const Expr &pass) const {
    Expr at = pass * rows + row;
    return part.last ? Halide::clamp(at, 0, count - 1) : at;
  }
  /// The neuron at that place.
  Expr neuron(const Pass &part, const Expr &row, const Expr &pass) const {
    return Halide::clamp((*indices)(place(part, row, pass), 0), 0, neurons - 1);
  }

  /// Fetches what rows of a later pass take of `buffer` while those of this pass are read, whose loop is `row`. The
  /// places of that pass must all be in the list's buffer.
  void fetchAhead(const Pass &part, Halide::Stage stage, const Halide::ImageParam &buffer, const Halide::VarOrRVar &row,
                  const WeightRows &matrix) const {
    if (!part.last && neurons % rows == 0 && matrix.rowBytes() <= kLongRow)
      stage.prefetch(buffer, row, row, kRowsAhead, PrefetchBoundStrategy::NonFaulting);
  }

  Expr xAt(const Expr &column) const { return (*x)(column, 0); }

  /// zeros(lane, group): what the zero points of the codes that lane `lane` multiplies add to the sum of a group.
  void defineZeros() {
    Expr sum = 0.0f;
    for (int column = 0; column < kRowGroup; column += lanes)
      sum += xAt(group * kRowGroup + column + lane);
    zeros(lane, group) = -float(up.zero()) * sum;
    zeros.compute_root().bound(lane, 0, lanes).vectorize(lane);
  }

  /// The up rows of the neurons of a pass times x.
  void defineDots(Pass &part) {
    Expr at = neuron(part, row, pass);
    RowOfWeights ofRow{[&](const Expr &column) { return up.stored(column, at); },
                       [&](const Expr &group) { return up.scale(group, at); }, nullptr};
    if (up.coded())
      ofRow.zeros = [&](const Expr &group) { return zeros(lane, group); };
    part.dots = defineRowDots(
        up, lanes, {row, pass}, ofRow, [&](const Expr &column) { return xAt(column); }, lane);
  }

  /// weights(group, row, pass): what the codes of a group of a down row are multiplied with.
  void defineWeights(Pass &part) {
    Expr value = (*values)(place(part, row, pass), 0);
    if (gated)
      value = value * part.dots.sums(row, pass);
    part.heights(row, pass) = part.last ? Halide::select(pass * rows + row < count, value, 0.0f) : value;
    if (down.coded())
      part.weights(group, row, pass) = part.heights(row, pass) * down.scale(group, neuron(part, row, pass));
  }

  void defineSums(Pass &part) {
    Expr r = part.steps.x, p = part.steps.y;
    Expr weight = down.coded() ? part.weights(column / kRowGroup, r, p) : part.heights(r, p);
    sums(column, task) += weight * down.element(column, neuron(part, r, p));
  }

  void scheduleSums(Pass &part, Halide::Stage update) {
    Var chunk("chunk"), inner("inner"), vectors("vectors"), vector("vector");
    RVar r = part.steps.x, p = part.steps.y;
    update.split(column, chunk, inner, down.lineColumns(), TailStrategy::GuardWithIf);
    update.split(inner, vectors, vector, lanes).reorder({vector, vectors, r, chunk, p, task});
    update.vectorize(vector).unroll(vectors).unroll(r).parallel(task);
    LoopLevel level(sums, p);
    part.heights.compute_at(level).bound_extent(pass, 1);
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

  /// The output: the sums of all tasks.
  void addTotal() {
    Var vectors("vectors"), vector("vector"), only("only");
    RDom parts(0, tasks, "parts");
    Func total("total"), result("active_rows");
    total(column) = 0.0f;
    Expr inside = down.width % lanes == 0 ? Expr(column) : Halide::min(Halide::likely(column), down.width - 1);
    total(column) = math::add(total(column), sums(inside, parts));
    result(column, only) = total(column);
    result.split(column, vectors, vector, lanes, TailStrategy::GuardWithIf).vectorize(vector);
    total.compute_at(result, vectors).bound_extent(column, lanes).vectorize(column);
    total.update().reorder(column, parts.x).vectorize(column);
    pipeline.addOutput(result);
  }

  Pipeline &pipeline;
  int lanes;
  Expr count; ///< of the only row
  int rows;
  Expr tasks;
  Var lane{"lane"}, row{"row"}, pass{"pass"}, group{"group"}, column{"column"}, task{"task"};
  Func zeros{"zeros"}, sums{"sums"}; ///< (lane, group), (column, task)
};

} // namespace

void buildActiveRows(Pipeline &pipeline) {
  if (pipeline.operand(0).shape[0] == 1)
    ActiveRows(pipeline).build();
  else
    buildActiveRowsOfMany(pipeline);
}

} // namespace thresh::codegen
