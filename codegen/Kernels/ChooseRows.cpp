//===- ChooseRows.cpp - The scores above a statistical threshold --------------===//
//
// Walks over each row: its mean, its variance, and the compaction of the scores that survive.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Generic/Math.h"
#include "codegen/Kernels/Activations.h"
#include "codegen/Kernels/Compaction.h"
#include "codegen/Kernels/Kernels.h"
#include "codegen/Schedules/Loops.h"

#include <optional>

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// The results behind the last survivor are zero up to the next multiple of this.
constexpr int kPadding = 16;
/// Chains of a sum over the row.
constexpr int kChains = 4;

class ChooseRows {
public:
  explicit ChooseRows(Pipeline &pipeline)
      : pipeline(pipeline), scores(pipeline.input(0)), n(int(pipeline.operand(0).shape[1])),
        lanes(vectorLanes(pipeline, 4)), isSingle(pipeline.operand(0).shape[0] == 1),
        rows(isSingle ? Expr(1) : scores.dim(1).extent()) {}

  void build() {
    defineStatistics();
    defineSurvivors();
    bool mask = pipeline.parameter("mask").integer != 0;
    const std::string &activation = pipeline.parameter("activation").text;
    addPadded("chosen_indices", [&](const Expr &position) { return chosen(position); });
    addPadded("chosen_values", [&](const Expr &position) {
      Expr chosenScore = score(Halide::unsafe_promise_clamped(chosen(position), 0, n - 1));
      return applyActivation(activation, mask ? chosenScore : shifted(chosenScore));
    });
    Func counts("chosen_counts");
    counts(row) = count();
    counts.bound(row, 0, rows);
    pipeline.addOutput(counts);
  }

private:
  Expr score(const Expr &index) const { return scores(index, row); }
  /// The score minus the threshold.
  Expr shifted(const Expr &score) const { return math::sub(math::sub(score, mean(row)), step(row)); }

  /// Computes `func` for all rows, in tasks of them; `cost`: of one row, in operations on vectors. Returns the loop
  /// over the rows of a task.
  Var computeRows(Func func, int cost) {
    func.compute_root().bound(row, 0, rows);
    return parallelRows(func, cost);
  }
  Var parallelRows(Halide::Stage stage, const Expr &cost) {
    return isSingle ? row : parallelTasks(stage, {row}, rows, cost);
  }

  /// The sum over a row of a term of each score.
  template <typename Term> Func sumOfRow(const std::string &name, Term term) {
    int width = n >= kChains * lanes ? kChains * lanes : lanes;
    int blocks = n / width, rest = n % width;
    Var lane("lane"), part("part"), vector("vector");
    Func partial(name + "_lanes"), sum(name);
    partial(lane, row) = 0.0f;
    partial.bound(lane, 0, width).vectorize(lane, lanes);
    if (blocks > 0) {
      RDom block(0, blocks, "block");
      partial(lane, row) = math::add(partial(lane, row), term(score(block * width + lane)));
      partial.update().split(lane, part, vector, lanes).reorder(vector, part, block.x).vectorize(vector).unroll(part);
    }
    if (rest > 0) {
      RDom last(0, rest, "last");
      partial(last, row) = math::add(partial(last, row), term(score(blocks * width + last)));
    }
    Exprs terms;
    for (int l = 0; l < width; ++l)
      terms.push_back(partial(l, row));
    sum(row) = foldHalves(terms, [](const Expr &a, const Expr &b) { return math::add(a, b); });
    partial.compute_at(sum, computeRows(sum, n / lanes + 1));
    return sum;
  }

  void defineStatistics() {
    Func sum = sumOfRow("sum", [](const Expr &score) { return score; });
    mean = Func("mean");
    mean(row) = math::div(sum(row), float(n));
    Func squares = sumOfRow("squares", [&](const Expr &score) {
      Expr distance = math::sub(score, mean(row));
      return math::mul(distance, distance);
    });
    Expr variance = math::mul(math::div(squares(row), float(n)), float(pipeline.parameter("variance_factor").real));
    step = Func("step");
    step(row) = math::mul(Halide::sqrt(variance), float(pipeline.parameter("quantile").real));
    computeRows(mean, 1);
    computeRows(step, 1);
  }

  void defineSurvivors() {
    auto survives = [&](const Expr &index) {
      Expr inside = Halide::min(Halide::likely(index), n - 1);
      return !math::le(shifted(score(inside)), 0.0f) && index < n;
    };
    survivors.emplace(n, std::vector<Var>{row}, survives);
    survivors->schedule(Halide::LoopLevel::root(), lanes, /*behind=*/8,
                        [&](Func func, Halide::Stage stage, const Expr &cost) {
                          func.bound(row, 0, rows);
                          parallelRows(stage, cost);
                        });
  }

  Expr count() const { return survivors->count({row}); }
  /// The index of a survivor; 0 behind the last one.
  Expr chosen(const Expr &position) const {
    return Halide::select(position < count(), survivors->list(position, row), 0);
  }

  /// The next output: `value` at the positions of the survivors, zero up to the end of their last vector.
  template <typename Value> void addPadded(const std::string &name, Value value) {
    Var position("position");
    Func result(name);
    auto define = [&](RDom at, const Expr &start, const Expr &offset) {
      Expr here = start + offset;
      Expr wanted = value(here);
      if (!result.defined())
        result(position, row) = Halide::undef(wanted.type());
      at.where(start < count());
      result(here, row) = Halide::select(here < count(), wanted, Halide::cast(wanted.type(), 0));
    };
    if (n >= kPadding) {
      RDom whole(0, kPadding, 0, n / kPadding, "whole");
      define(whole, whole.y * kPadding, whole.x);
      Halide::RVar part("part"), vector("vector");
      result.update().allow_race_conditions().split(whole.x, part, vector, lanes).vectorize(vector).unroll(part);
      parallelRows(result.update(), n / lanes + 1);
    }
    if (n % kPadding != 0) {
      RDom rest(0, n % kPadding, "rest");
      define(rest, n / kPadding * kPadding, rest);
    }
    result.bound(row, 0, rows);
    pipeline.addOutput(result);
  }

  Pipeline &pipeline;
  const Halide::ImageParam &scores;
  int n, lanes;
  bool isSingle; ///< one row, known
  Expr rows;
  Var row{"row"};
  Func mean, step;
  std::optional<Compaction> survivors;
};

} // namespace

void buildChooseRows(Pipeline &pipeline) { ChooseRows(pipeline).build(); }

} // namespace thresh::codegen
