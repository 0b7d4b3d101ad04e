//===- ActiveRows.cpp - The chosen neurons of a feed-forward block ------------===//
//
// Bound by memory that is read in rows far apart. The list of chosen neurons is cut in passes of a few rows that are
// read side by side, and passes in tasks; a task has sums of its own, which are added up at the end, so that the result
// depends on the list alone. Codes and narrow floats are converted in registers. While a pass computes, the rows of a
// later one are fetched.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Generic/Scalar.h"
#include "codegen/Kernels/Kernels.h"
#include "codegen/Ops.h"
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
/// Codes with one scale.
constexpr int kGroup = 32;
/// Bytes of a row that are read before the next row's turn, and fetched at once.
constexpr int kLine = 64;
/// Rows of more bytes are not fetched ahead: the machine sees them coming.
constexpr int kLongRow = 4096;
/// Tasks are a power of two, so that threads of that number get the same share; each has at least so many bytes to
/// read.
constexpr int kTaskBytes = 3 << 17, kMostTasks = 64;

/// Weights [N, width] in one of the formats; element (column, row) is `element` times `scale` of its group.
struct Matrix {
  const Halide::ImageParam *elements = nullptr, *scales = nullptr;
  DType dtype = DType::F32;
  int width = 0;
  int bits = 32; ///< of one element

  bool coded() const { return scales != nullptr; }
  int groups() const { return width / kGroup; }
  /// Columns of a line, or of as much of it as divides the width.
  int lineColumns() const {
    int columns = kLine * 8 / bits;
    return coded() ? vectorThatDivides(columns, width) : columns;
  }

  /// What stands for 0 in 8 bits or 4.
  int zero() const { return coded() ? 1 << (bits - 1) : 0; }
  /// The element in f32, or the unsigned code of one.
  Expr stored(const Expr &column, const Expr &row) const {
    return Halide::cast<float>(bits == 4 ? nibble(column, row) : fromStorage((*elements)(column, row), dtype));
  }
  /// The element in f32, without its scale. Zero is subtracted in 8 bits, of which vectors hold most.
  Expr element(const Expr &column, const Expr &row) const {
    if (!coded())
      return stored(column, row);
    Expr code = bits == 4 ? nibble(column, row) : (*elements)(column, row);
    return Halide::cast<float>(Halide::reinterpret<int8_t>(code - uint8_t(zero())));
  }
  Expr scale(const Expr &group, const Expr &row) const { return Halide::cast<float>((*scales)(group, row)); }

private:
  Expr nibble(const Expr &column, const Expr &row) const {
    Expr pair = (*elements)(column / kGroup * (kGroup / 2) + column % (kGroup / 2), row);
    return Halide::select(column % kGroup < kGroup / 2, pair & uint8_t(15), pair >> uint8_t(4));
  }
};

/// One kind of pass: those of a task that fetch rows of a later one, or its last ones, whose rows are fetched already
/// and may be fewer.
struct Pass {
  bool last;
  RDom steps; ///< (row, pass): of the task
  RDom depth; ///< (group, line): along the up rows; undefined if these are too short
  RDom rest;  ///< what is left of the up rows
  Func upScales{"up_scales"}, dotLanes{"dot_lanes"}, dots{"dots"}; ///< (.., row, pass)
  Func heights{"heights"}, weights{"weights"};                     ///< (.., row, pass)
};

class ActiveRows {
public:
  explicit ActiveRows(Pipeline &pipeline)
      : pipeline(pipeline), lanes(vectorLanes(pipeline, 4)), gated(pipeline.parameter("gated").integer != 0) {
    int operand = 0;
    if (gated)
      x = &pipeline.input(operand++);
    neurons = int(pipeline.operand(operand).shape[1]);
    indices = &pipeline.input(operand++);
    values = &pipeline.input(operand++);
    // Not through the ImageParam's Func, which loop bounds may not depend on.
    count = Halide::Internal::Call::make(pipeline.input(operand++).parameter(), {0});
    if (gated)
      up = takeMatrix(operand);
    down = takeMatrix(operand);
    rows = down.bits == 4 ? kRowsOf4Bits : kRows;
  }

  void build() {
    Expr passes = (count + rows - 1) / rows;
    int bytes = (up.width * up.bits + down.width * down.bits) / 8;
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
  Matrix takeMatrix(int &operand) const {
    const std::string &format = pipeline.parameter("format").text;
    Matrix matrix;
    const Operand &info = pipeline.operand(operand);
    matrix.elements = &pipeline.input(operand++);
    matrix.dtype = info.dtype;
    matrix.width = int(info.shape[1]);
    matrix.bits = dtypeBytes(info.dtype) * 8;
    if (format == "q8" || format == "q4")
      matrix.scales = &pipeline.input(operand++);
    if (format == "q4") {
      matrix.bits = 4;
      matrix.width *= 2;
    }
    return matrix;
  }

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
                  const Matrix &matrix) const {
    if (!part.last && neurons % rows == 0 && matrix.width * matrix.bits / 8 <= kLongRow)
      stage.prefetch(buffer, row, row, kRowsAhead, PrefetchBoundStrategy::NonFaulting);
  }

  /// zeros(lane, group): what the zero points of the codes that lane `lane` multiplies add to the sum of a group.
  void defineZeros() {
    Expr sum = 0.0f;
    for (int column = 0; column < kGroup; column += lanes)
      sum += (*x)(group * kGroup + column + lane, 0);
    zeros(lane, group) = -float(up.zero()) * sum;
    zeros.compute_root().bound(lane, 0, lanes).vectorize(lane);
  }

  /// dots(row, pass): the up row of a neuron times x.
  void defineDots(Pass &part) {
    Expr at = neuron(part, row, pass);
    part.dotLanes(lane, row, pass) = 0.0f;
    if (up.coded())
      part.upScales(group, row, pass) = up.scale(group, at);
    auto product = [&](const Expr &column) { return up.stored(column, at) * (*x)(column, 0); };
    int columns = up.lineColumns(), lines = up.width / columns;
    if (lines > 0) {
      int inStep = up.coded() ? kGroup : lanes;
      part.depth = RDom({{0, columns / inStep}, {0, lines}}, "depth");
      Expr step = part.depth.y * (columns / inStep) + part.depth.x;
      Expr sum = up.coded() ? zeros(lane, step) : Expr(0.0f);
      for (int column = 0; column < inStep; column += lanes)
        sum += product(step * inStep + column + lane);
      part.dotLanes(lane, row, pass) += up.coded() ? sum * part.upScales(step, row, pass) : sum;
    }
    if (up.width > lines * columns) {
      part.rest = RDom(0, (up.width - lines * columns + lanes - 1) / lanes, "rest");
      Expr column = lines * columns + part.rest * lanes + lane;
      part.rest.where(column < up.width);
      part.dotLanes(lane, row, pass) += product(column);
    }
    RDom all(0, lanes, "all");
    part.dots(row, pass) = 0.0f;
    part.dots(row, pass) += part.dotLanes(all, row, pass);
  }

  /// weights(group, row, pass): what the codes of a group of a down row are multiplied with.
  void defineWeights(Pass &part) {
    Expr value = (*values)(place(part, row, pass), 0);
    if (gated)
      value = value * part.dots(row, pass);
    part.heights(row, pass) = part.last ? Halide::select(pass * rows + row < count, value, 0.0f) : value;
    if (down.coded())
      part.weights(group, row, pass) = part.heights(row, pass) * down.scale(group, neuron(part, row, pass));
  }

  void defineSums(Pass &part) {
    Expr r = part.steps.x, p = part.steps.y;
    Expr weight = down.coded() ? part.weights(column / kGroup, r, p) : part.heights(r, p);
    sums(column, task) += weight * down.element(column, neuron(part, r, p));
  }

  /// Something for every group of the rows of a pass.
  void scheduleScales(Func func, const Matrix &matrix, const LoopLevel &level) {
    func.compute_at(level).bound(group, 0, matrix.groups()).bound_extent(row, rows).bound_extent(pass, 1);
    func.vectorize(group, vectorThatDivides(lanes, matrix.groups())).unroll(group);
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
      scheduleScales(part.weights, down, level);
    fetchAhead(part, update, *down.elements, r, down);
    if (down.coded())
      fetchAhead(part, part.weights, *down.scales, row, down);
  }

  void scheduleDots(Pass &part) {
    LoopLevel level(sums, RVar(part.steps.y));
    if (up.coded())
      scheduleScales(part.upScales, up, level);
    part.dotLanes.compute_at(level).bound(lane, 0, lanes).bound_extent(row, rows).bound_extent(pass, 1);
    part.dotLanes.vectorize(lane).unroll(row);
    int updates = 0;
    if (part.depth.defined()) {
      Halide::Stage update = part.dotLanes.update(updates++);
      update.reorder({lane, part.depth.x, row, part.depth.y, pass});
      update.vectorize(lane).unroll(part.depth.x).unroll(row);
      fetchAhead(part, update, *up.elements, row, up);
    }
    if (part.rest.defined())
      part.dotLanes.update(updates++).reorder({lane, row, part.rest.x, pass}).vectorize(lane);
    if (up.coded())
      fetchAhead(part, part.upScales, *up.scales, row, up);
    part.dots.compute_at(level).bound_extent(row, rows).bound_extent(pass, 1).unroll(row);
    RVar all(part.dots.rvars(0)[0]);
    part.dots.update().reorder({all, row, pass}).atomic().vectorize(all).unroll(row);
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
  int lanes, neurons, rows = kRows;
  bool gated;
  const Halide::ImageParam *x = nullptr, *indices = nullptr, *values = nullptr;
  Matrix up, down;
  Expr count, tasks;
  Var lane{"lane"}, row{"row"}, pass{"pass"}, group{"group"}, column{"column"}, task{"task"};
  Func zeros{"zeros"}, sums{"sums"}; ///< (lane, group), (column, task)
};

} // namespace

void buildActiveRows(Pipeline &pipeline) { ActiveRows(pipeline).build(); }

} // namespace thresh::codegen
