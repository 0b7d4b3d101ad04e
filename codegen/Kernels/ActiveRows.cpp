//===- ActiveRows.cpp - The chosen neurons of a feed-forward block ------------===//
//
// Bound by memory that is read in rows far apart. The list of chosen neurons is cut in passes of a few rows that are
// read side by side, and passes in tasks; a task has sums of its own, which are added up at the end, so that the result
// depends on the lists alone. Narrow floats are converted in registers; up rows of codes are multiplied with integers,
// down rows as floats, those of 4 bits made by their bits (Nibbles.h).
// While a pass computes, the rows of the next one are fetched.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Kernels/CodeDots.h"
#include "codegen/Kernels/Fetch.h"
#include "codegen/Kernels/Kernels.h"
#include "codegen/Kernels/Nibbles.h"
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

/// Rows that are read side by side.
constexpr int kRows = 8;
/// Bytes of a line. Rows of floats with more bytes than kLongRow are not fetched ahead: the machine sees them coming.
constexpr int kLine = 64, kLongRow = 4096;
/// Tasks are a power of two, so that threads of that number get the same share; each has at least so many bytes to
/// read.
constexpr int kTaskBytes = 3 << 17, kMostTasks = 64;

/// One kind of pass: those of a task that fetch the rows of the next one, or its last one, whose rows may be fewer.
struct Pass {
  bool last;
  RDom steps;        ///< (row, pass): of the task
  RowDots dots;      ///< of floats
  CodeDots codeDots; ///< of codes
  Func heights{"heights"}, weights{"weights"}, starts{"starts"}, words{"words"}, fetched{"fetched"};
};

class ActiveRows : ChosenRows {
public:
  explicit ActiveRows(const Pipeline &pipeline)
      : ChosenRows(pipeline), pipeline(pipeline), lanes(vectorLanes(pipeline, 4)), nibbles(down.bits == 4),
        count(ChosenRows::count(token)) {}

  /// Of (column, token).
  Func build() {
    Expr passes = passesOf(count), most = passesOf(longest());
    int bytes = up.rowBytes() + down.rowBytes();
    Expr enough = Halide::clamp(most / std::max(1, kTaskBytes / (kRows * bytes)), 1, kMostTasks);
    Expr doublings = 31 - Halide::cast<int32_t>(Halide::count_leading_zeros(enough));
    tasks = 1 << doublings;
    sums(column, task, token) = 0.0f;
    sums.compute_at(result, token).bound(column, 0, down.width).bound(task, 0, tasks).bound_extent(token, 1);
    sums.vectorize(column, lanes, TailStrategy::GuardWithIf).parallel(task);
    if (gated && up.coded())
      activations = defineCodeActivations(up, 8 / up.bits, lanes, *x, counts->dim(0).extent());
    for (bool last : {false, true}) {
      Pass part{last};
      part.steps = RDom({{0, kRows}, {0, (neurons + kRows - 1) / kRows}}, last ? "last" : "full");
      Expr begin = (task * passes) >> doublings, end = ((task + 1) * passes) >> doublings;
      Expr ending = end - 1;
      part.steps.where(part.steps.y >= (last ? Halide::max(begin, ending) : begin));
      part.steps.where(part.steps.y < (last ? end : ending));
      if (gated)
        defineDots(part);
      defineHeights(part);
      defineSums(part);
      scheduleSums(part, sums.update(last));
      if (gated)
        scheduleDots(part);
    }
    addTotal();
    return result;
  }

private:
  Expr passesOf(const Expr &neurons) const { return (neurons + kRows - 1) / kRows; }

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
    Expr at = pass * kRows + row;
    return part.last ? Halide::clamp(at, 0, count - 1) : at;
  }
  /// The neuron at that place.
  Expr neuron(const Pass &part, const Expr &row, const Expr &pass) const {
    return Halide::clamp((*indices)(place(part, row, pass), token), 0, neurons - 1);
  }

  /// Fetches a line of floats of a row of the next pass after each that is read; the rows are the loop `row`. The
  /// places of that pass must all be in the list's buffer.
  void fetchAhead(const Pass &part, Halide::Stage stage, const Halide::ImageParam &buffer, const Halide::VarOrRVar &row,
                  const WeightRows &matrix) const {
    if (!part.last && neurons % kRows == 0 && matrix.rowBytes() <= kLongRow)
      stage.prefetch(buffer, row, row, kRows, PrefetchBoundStrategy::NonFaulting);
  }

  /// The up rows of the neurons of a pass times x.
  void defineDots(Pass &part) {
    Expr at = neuron(part, row, pass);
    if (up.coded()) {
      int steps = up.groups() / activations.groups;
      RowOfCodes ofRow{[&](const Expr &byte, const Expr &half) { return up.codeOfByte(byte, half, at); },
                       [&](const Expr &group) { return up.scale(group, at); },
                       [&](const Expr &step) { return fetchPart(part, up, step, steps, pass); }};
      part.codeDots = defineCodeDots(up, activations, {row, pass, token}, token, ofRow);
    } else
      part.dots = defineRowDots(
          up, lanes, {row, pass, token}, [&](const Expr &column) { return up.element(column, at); },
          [&](const Expr &column) { return (*x)(column, token); });
  }

  /// Rows of codes are fetched in pieces to the cache of level 2, where far more lines can be on their way: 0, and one
  /// of the `steps` parts of what the next pass reads of `matrix` gets fetched, scales behind the codes with it.
  Expr fetchPart(const Pass &part, const WeightRows &matrix, const Expr &step, int steps, const Expr &pass) const {
    if (part.last || neurons % kRows != 0)
      return 0;
    int pieces = std::max(1, steps / kRows), each = (kRows * pieces + steps - 1) / steps; // of a row; in a step
    int bytes = matrix.rowBytes() + matrix.groups() * 2, length = (bytes / pieces + kLine - 1) / kLine * kLine;
    Expr zero = 0;
    for (int i = 0; i < each; ++i) {
      Expr piece = step * each + i, row = Halide::min(piece / pieces, kRows - 1);
      Expr first = neuron(part, row, pass + 1) * matrix.elements->dim(1).stride() + piece % pieces * length;
      zero += fetch(*matrix.elements, first, Halide::select(piece < kRows * pieces, length, 0));
    }
    return zero;
  }

  /// heights(row, pass, token): what the down rows are multiplied with.
  void defineHeights(Pass &part) {
    Expr value = (*values)(place(part, row, pass), token);
    if (gated)
      value = value * (up.coded() ? part.codeDots.sums : part.dots.sums)(row, pass, token);
    part.heights(row, pass, token) = part.last ? Halide::select(pass * kRows + row < count, value, 0.0f) : value;
  }

  void defineSums(Pass &part) {
    Expr r = part.steps.x, p = part.steps.y;
    if (down.coded())
      defineSumsOfCodes(part, r, p);
    else
      sums(column, task, token) += part.heights(r, p, token) * down.element(column, neuron(part, r, p));
  }

  /// Codes count as they are stored; what that is too much, a sum of the weights, is subtracted once a pass.
  void defineSumsOfCodes(Pass &part, const Expr &r, const Expr &p) {
    int line = down.lineColumns(), words = line / kWordNibbles;
    float unit = nibbles ? kNibbleUnit : 1.0f, zero = down.zero() * unit + (nibbles ? 1.0f : 0.0f);
    Expr scale = down.scale(group, neuron(part, row, pass));
    part.weights(group, row, pass, token) = part.heights(row, pass, token) * scale / unit;
    RDom rows(0, kRows, "rows");
    part.starts(group, pass, token) = 0.0f;
    part.starts(group, pass, token) -= zero * part.weights(group, rows, pass, token);
    part.fetched(chunk, pass, token) = fetchPart(part, down, chunk, down.width / line, pass);
    Expr at = column / line, inLine = column % line, atGroup, code;
    if (nibbles) {
      part.words(word, row, pass, token) = wordOfNibbles(down, word, neuron(part, row, pass));
      atGroup = at * (line / kRowGroup) + inLine % words / kGroupWords;
      code = floatOfNibble(part.words(at * words + inLine % words, r, p, token), inLine / words);
    } else {
      atGroup = column / kRowGroup;
      code = Halide::cast<float>(down.code(column, neuron(part, r, p)));
    }
    Expr product = part.weights(atGroup, r, p, token) * code;
    Expr start = part.starts(atGroup, p, token) + Halide::cast<float>(part.fetched(at, p, token));
    sums(column, task, token) += Halide::select(r == 0, product + start, product);
  }

  void scheduleSums(Pass &part, Halide::Stage update) {
    Var inner("inner"), vectors("vectors"), vector("vector");
    RVar r = part.steps.x, p = part.steps.y;
    update.split(column, chunk, inner, down.lineColumns(), TailStrategy::GuardWithIf);
    if (nibbles)
      scheduleNibbles(part, update, inner);
    else {
      update.split(inner, vectors, vector, lanes).reorder({vector, vectors, r, chunk, p, task, token});
      update.vectorize(vector).unroll(vectors);
    }
    update.unroll(r).parallel(task);
    LoopLevel level(sums, p);
    part.heights.compute_at(level).bound_extent(pass, 1).bound_extent(token, 1);
    if (!down.coded()) {
      fetchAhead(part, update, *down.elements, r, down);
      return;
    }
    part.fetched.compute_at(sums, chunk);
    scheduleGroups(part.weights, down, lanes, kRows, level);
    int groups = vectorThatDivides(lanes, down.groups());
    part.starts.compute_at(level).bound(group, 0, down.groups()).bound_extent(pass, 1).bound_extent(token, 1);
    part.starts.vectorize(group, groups).update().reorder(group, part.starts.rvars(0)[0]).vectorize(group, groups);
  }

  /// A vector of words at a time: the sums of its nibbles stay in registers for all rows.
  void scheduleNibbles(Pass &part, Halide::Stage update, const Var &inner) {
    Var nibble("nibble"), ofLine("of_line"), vectors("vectors"), groups("groups"), inGroup("in_group");
    RVar r = part.steps.x;
    int words = down.lineColumns() / kWordNibbles;
    update.split(inner, nibble, ofLine, words).split(ofLine, vectors, groups, std::min(lanes, words));
    update.split(groups, groups, inGroup, kGroupWords);
    update.reorder({inGroup, groups, nibble, r, vectors, chunk, part.steps.y, task, token});
    update.vectorize(inGroup).vectorize(groups).unroll(nibble).unroll(vectors);
    part.words.compute_at(sums, r).bound_extent(row, 1).bound_extent(pass, 1).bound_extent(token, 1);
    part.words.vectorize(word, kGroupWords).unroll(word); // a load: of longer vectors LLVM makes shuffles of bytes
  }

  void scheduleDots(Pass &part) {
    LoopLevel level(sums, RVar(part.steps.y));
    if (up.coded()) {
      scheduleCodeDots(part.codeDots, up, kRows, level);
      return;
    }
    scheduleRowDots(part.dots, lanes, kRows, level);
    if (part.dots.depth.defined())
      fetchAhead(part, part.dots.partial.update(0), *up.elements, row, up);
  }

  /// The sums of all tasks.
  void addTotal() {
    Var vectors("vectors"), vector("vector");
    RDom parts(0, tasks, "parts");
    Func total("total");
    total(column, token) = 0.0f;
    Expr inside = down.width % lanes == 0 ? Expr(column) : Halide::min(Halide::likely(column), down.width - 1);
    total(column, token) = math::add(total(column, token), sums(inside, parts, token));
    result(column, token) = total(nibbles ? placeOfNibble(column, down.lineColumns()) : column, token);
    result.split(column, vectors, vector, lanes, TailStrategy::GuardWithIf).vectorize(vector);
    if (nibbles) {
      total.compute_at(result, token).bound(column, 0, down.width).vectorize(column, lanes);
      total.update().split(column, vectors, vector, lanes).reorder({vector, parts.x, vectors}).vectorize(vector);
      return;
    }
    total.compute_at(result, vectors).bound_extent(column, lanes).vectorize(column);
    total.update().reorder(column, parts.x).vectorize(column);
  }

  const Pipeline &pipeline;
  Var lane{"lane"}, row{"row"}, pass{"pass"}, group{"group"}, column{"column"}, word{"word"}, chunk{"chunk"},
      task{"task"}, token{"token"};
  int lanes;
  bool nibbles; ///< down rows are; then columns of `sums` are in the order of placeOfNibble
  Expr count;   ///< of the token
  Expr tasks;
  CodeActivations activations;              ///< of x, if up rows are codes
  Func sums{"sums"}, result{"active_rows"}; ///< (.., token)
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
