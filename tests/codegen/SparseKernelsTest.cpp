//===- SparseKernelsTest.cpp - Sparse kernels against plain functions ----------===//
//
// The references below compute in double precision from unpacked numbers, one neuron after the other.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Codegen.h"
#include "tests/codegen/Runner.h"
#include "tests/codegen/SparseSpecs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace thresh::codegen::test {
namespace {

constexpr unsigned kSeed = 20261124;

/// Every spec for every target that this machine runs, under names of their own; the first one also for plain x86-64.
/// Spec number i is a copy of specs[i % specs.size()].
std::vector<KernelSpec> forAllTargets(const std::vector<KernelSpec> &specs) {
  std::vector<KernelSpec> all;
  auto add = [&](const KernelSpec &spec, const std::string &target) {
    all.push_back(spec);
    all.back().target = target;
    all.back().name += "_" + std::to_string(all.size());
  };
  for (const std::string &target : runnableTargets())
    for (const KernelSpec &spec : specs)
      add(spec, target);
  add(specs[0], "x86-64");
  return all;
}

/// `rows`: what unknown extents are.
Tensor operandOf(const KernelSpec &spec, int operand, int64_t rows = 1) {
  std::vector<int64_t> shape = spec.operands[operand].shape;
  std::replace(shape.begin(), shape.end(), int64_t(-1), rows);
  return Tensor(spec.operands[operand].dtype, shape);
}

/// A row as a tensor of its own.
Tensor rowOf(const Tensor &tensor, int64_t row) {
  std::vector<int64_t> shape = tensor.shape;
  shape[0] = 1;
  Tensor result(tensor.dtype, shape);
  for (int64_t i = 0; i < result.size(); ++i)
    result.set(i, tensor.get(row * result.size() + i));
  return result;
}

std::vector<double> reals(const Tensor &tensor) {
  std::vector<double> result;
  for (int64_t i = 0; i < tensor.size(); ++i)
    result.push_back(tensor.get(i).real);
  return result;
}

//===-----------------------------------------------------------------------===//
// choose_rows
//===-----------------------------------------------------------------------===//

double activate(const std::string &name, double x) {
  auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
  if (name == "relu" || name == "relu2")
    return std::pow(std::max(x, 0.0), name == "relu" ? 1 : 2);
  if (name == "silu")
    return x * sigmoid(x);
  if (name == "gelu")
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  if (name == "gelu_tanh")
    return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  if (name == "quick_gelu")
    return x * sigmoid(1.702 * x);
  if (name == "sigmoid")
    return sigmoid(x);
  return name == "tanh" ? std::tanh(x) : x;
}

/// Distances from the threshold.
std::vector<double> distances(const std::vector<double> &scores, const ChooseCase &c) {
  double n = double(scores.size()), mean = std::accumulate(scores.begin(), scores.end(), 0.0) / n, squares = 0;
  for (double score : scores)
    squares += (score - mean) * (score - mean);
  double step = c.quantile * std::sqrt(squares / n * c.varianceFactor);
  std::vector<double> result;
  for (double score : scores)
    result.push_back(score - mean - step);
  return result;
}

/// Compares what was chosen of one row; scores nearer to the threshold than `margin` may be chosen or not.
void expectChosenRow(const std::vector<Tensor> &operands, const ChooseCase &c, double margin, const std::string &what) {
  std::vector<double> all = reals(operands[0]), distance = distances(all, c);
  int64_t count = operands[3].get(0).integer, next = 0;
  ASSERT_GE(count, 0) << what;
  ASSERT_LE(count, c.n) << what;
  for (int64_t place = 0; place < count; ++place) {
    int64_t index = operands[1].get(place).integer;
    ASSERT_GE(index, next) << what << ": place " << place;
    ASSERT_LT(index, c.n) << what << ": place " << place;
    for (; next < index; ++next)
      ASSERT_LE(distance[next], margin) << what << ": score " << next << " is missing";
    ++next;
    ASSERT_FALSE(distance[index] <= -margin) << what << ": score " << index << " is chosen";
    double got = operands[2].get(place).real, wanted = activate(c.activation, c.mask ? all[index] : distance[index]);
    if (std::isnan(wanted))
      ASSERT_TRUE(std::isnan(got)) << what << ": place " << place << " is " << got;
    else if (got != wanted)
      ASSERT_NEAR(got, wanted, 2e-6 + margin + 2e-6 * std::fabs(wanted)) << what << ": place " << place;
  }
  for (; next < c.n; ++next)
    ASSERT_LE(distance[next], margin) << what << ": score " << next << " is missing";
  for (int64_t place = count; place < std::min((count + 15) / 16 * 16, c.n); ++place) {
    ASSERT_EQ(operands[1].get(place).integer, 0) << what << ": place " << place << " behind " << count;
    ASSERT_EQ(operands[2].get(place).real, 0) << what << ": place " << place << " behind " << count;
  }
}

/// Runs the kernel and compares every row.
void expectChosen(const Library &library, const KernelSpec &spec, const ChooseCase &c, const Tensor &scores,
                  double margin) {
  std::vector<Tensor> operands = {scores};
  for (int operand : {1, 2, 3})
    operands.push_back(operandOf(spec, operand, c.rows));
  std::string what = describe(spec, operands);
  ASSERT_TRUE(library.loaded()) << what;
  ASSERT_EQ(library.run(spec.name, operands), 0) << what;
  for (int64_t row = 0; row < c.rows; ++row) {
    std::vector<Tensor> ofRow;
    for (const Tensor &operand : operands)
      ofRow.push_back(rowOf(operand, row));
    ASSERT_NO_FATAL_FAILURE(expectChosenRow(ofRow, c, margin, what + ": row " + std::to_string(row)));
  }
}

void fillNormal(Tensor &scores, std::mt19937 &generator) {
  std::normal_distribution<double> normal(0.3, 1);
  for (int64_t i = 0; i < scores.size(); ++i)
    scores.set(i, {normal(generator)});
}

/// All targets on all cases; every one of `fills` sets the scores.
template <typename Fill>
void checkChosen(const std::vector<ChooseCase> &cases, double margin, const std::vector<Fill> &fills) {
  std::vector<KernelSpec> specs;
  for (const ChooseCase &c : cases)
    specs.push_back(chooseRowsSpec(c));
  std::vector<KernelSpec> all = forAllTargets(specs);
  Library library(all);
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (size_t i = 0; i < all.size(); ++i)
    for (const Fill &fill : fills) {
      const ChooseCase &c = cases[i % cases.size()];
      Tensor scores = operandOf(all[i], 0, c.rows);
      fill(scores, generator);
      expectChosen(library, all[i], c, scores, margin);
      if (testing::Test::HasFatalFailure())
        return;
    }
}

using Fills = std::vector<std::function<void(Tensor &, std::mt19937 &)>>;

TEST(ChooseRows, Lengths) {
  std::vector<ChooseCase> cases;
  for (int64_t n : {1, 7, 8, 9, 16, 31, 65, 1000, 13824})
    cases.push_back({n, 1.405, "identity"});
  checkChosen(cases, 1e-5, Fills{fillNormal});
}

TEST(ChooseRows, Quantiles) {
  std::vector<ChooseCase> cases;
  for (double quantile : {-8.0, 0.0, 0.7, 8.0})
    for (int64_t n : {65, 1024})
      cases.push_back({n, quantile, "identity", n == 65, double(n) / double(n - 1)});
  checkChosen(cases, 1e-5, Fills{fillNormal});
}

TEST(ChooseRows, Activations) {
  std::vector<ChooseCase> cases;
  for (const char *name : {"identity", "relu", "relu2", "silu", "gelu", "gelu_tanh", "quick_gelu", "sigmoid", "tanh"})
    cases.push_back({200, 0.2, name, cases.size() % 2 == 1});
  checkChosen(cases, 1e-5, Fills{fillNormal, fillNormal});
}

/// Rows of equal scores have no survivors, nor have ties at the threshold: half of a row -1, half 1, and a step of 1.
TEST(ChooseRows, Ties) {
  auto equal = [](Tensor &scores, std::mt19937 &) {
    for (int64_t i = 0; i < scores.size(); ++i)
      scores.set(i, {0.75});
  };
  auto halves = [](Tensor &scores, std::mt19937 &) {
    for (int64_t i = 0; i < scores.size(); ++i)
      scores.set(i, {i % 2 ? 1.0 : -1.0});
  };
  checkChosen({{16, 1, "identity"}, {1000, 1, "identity"}, {1024, 1.5, "identity", true}}, 0, Fills{equal, halves});
}

TEST(ChooseRows, ManyRows) {
  std::vector<ChooseCase> cases;
  for (int64_t rows : {2, 3, 17, 130})
    for (int64_t n : {1, 9, 100, 1000})
      cases.push_back({n, 1.2, "gelu_tanh", rows == 3, 1, rows});
  checkChosen(cases, 1e-5, Fills{fillNormal});
}

TEST(ChooseRows, LargeMean) {
  auto shifted = [](Tensor &scores, std::mt19937 &generator) {
    fillNormal(scores, generator);
    for (int64_t i = 0; i < scores.size(); ++i)
      scores.set(i, {scores.get(i).real + 1000});
  };
  checkChosen({{1000, 1.405, "identity"}}, 2e-3, Fills{shifted});
}

/// One score that is not finite makes the threshold NaN, and all survive.
TEST(ChooseRows, NotFinite) {
  Fills fills;
  for (double value : {double(NAN), double(INFINITY), -double(INFINITY)})
    fills.push_back([value](Tensor &scores, std::mt19937 &generator) {
      fillNormal(scores, generator);
      scores.set(scores.size() / 2, {value});
    });
  checkChosen({{1, 1.4, "identity"}, {40, 1.4, "identity", true}, {1000, 1.4, "identity"}}, 0, fills);
}

//===-----------------------------------------------------------------------===//
// active_rows
//===-----------------------------------------------------------------------===//

/// What surrounds a list of chosen neurons.
enum class List { Random, First, Last };

/// The list of one row: `count` neurons, ascending, zeros up to a multiple of 16, then what must not matter.
void fillList(std::vector<Tensor> &operands, size_t first, int64_t row, int64_t count, List list,
              std::mt19937 &generator) {
  Tensor &indices = operands[first], &values = operands[first + 1];
  int64_t n = indices.shape[1], padded = std::min((count + 15) / 16 * 16, n);
  std::vector<int64_t> neurons(n);
  std::iota(neurons.begin(), neurons.end(), 0);
  if (list == List::Random)
    std::shuffle(neurons.begin(), neurons.end(), generator);
  if (list == List::Last)
    std::reverse(neurons.begin(), neurons.end());
  std::sort(neurons.begin(), neurons.begin() + count);
  std::uniform_real_distribution<double> value(-1, 1);
  for (int64_t place = 0; place < n; ++place) {
    indices.set(row * n + place, {0, place < count ? neurons[place] : place < padded ? 0 : INT32_MAX - place % 2});
    values.set(row * n + place, {place < count ? value(generator) : place < padded ? 0 : NAN});
  }
  operands[first + 2].set(row, {0, count});
}

/// Lists of all rows: `count` neurons in the first, in the others any number, none and all among them.
void fillLists(std::vector<Tensor> &operands, size_t first, int64_t count, List list, std::mt19937 &generator) {
  int64_t n = operands[first].shape[1];
  std::uniform_int_distribution<int64_t> any(0, n);
  for (int64_t row = 0; row < operands[first].shape[0]; ++row)
    fillList(operands, first, row,
             row == 0       ? count
             : row % 7 == 1 ? 0
             : row % 7 == 2 ? n
                            : any(generator),
             list, generator);
}

/// Weights [N, width] as the kernel reads them.
struct Weights {
  const Tensor &elements;
  const Tensor *scales;
  std::string format;

  double at(int64_t row, int64_t column) const {
    int64_t rowBytes = elements.shape[1], width = format == "q4" ? 2 * rowBytes : rowBytes;
    if (!scales)
      return elements.get(row * width + column).real;
    double scale = scales->get(row * (width / 32) + column / 32).real;
    if (format == "q8")
      return scale * double(elements.get(row * rowBytes + column).integer - 128);
    int64_t pair = elements.get(row * rowBytes + column / 32 * 16 + column % 16).integer;
    return scale * double((column % 32 < 16 ? pair & 15 : pair >> 4) - 8);
  }

  /// What rounding is relative to: the largest magnitude that the codes of the element's group stand for.
  double reach(int64_t row, int64_t column) const {
    if (!scales)
      return std::fabs(at(row, column));
    int64_t groups = elements.shape[1] / (format == "q4" ? 16 : 32);
    return std::fabs(scales->get(row * groups + column / 32).real) * (format == "q4" ? 8 : 128);
  }
};

/// x as it is multiplied with codes: integers of [-127, 127] per group of 32, times their scale.
std::vector<double> onGrid(const std::vector<double> &x) {
  std::vector<double> result;
  for (size_t group = 0; group < x.size(); group += 32) {
    float largest = 0;
    for (size_t i = group; i < group + 32; ++i)
      largest = std::max(largest, std::fabs(float(x[i])));
    float scale = largest / 127;
    for (size_t i = group; i < group + 32; ++i)
      result.push_back(scale == 0 ? 0 : double(std::nearbyint(float(x[i]) / scale)) * double(scale));
  }
  return result;
}

/// Compares one row, whose x, list and result the operands are.
void expectSumsOfRow(const std::vector<Tensor> &operands, const ActiveCase &c, const std::string &what) {
  bool coded = c.format == "q8" || c.format == "q4";
  size_t first = c.gated ? 1 : 0, weights = first + 3, downAt = weights + (c.gated ? (coded ? 2 : 1) : 0);
  Weights up{operands[weights], coded ? &operands[weights + 1] : nullptr, c.format};
  Weights down{operands[downAt], coded ? &operands[downAt + 1] : nullptr, c.format};
  std::vector<double> x = c.gated ? reals(operands[0]) : std::vector<double>();
  if (c.gated && coded)
    x = onGrid(x);
  std::vector<double> sums(c.d), sizes(c.d);
  for (int64_t place = 0; place < operands[first + 2].get(0).integer; ++place) {
    int64_t neuron = operands[first].get(place).integer;
    double height = operands[first + 1].get(place).real, dot = 0, size = 0;
    for (int64_t k = 0; c.gated && k < c.k; ++k) {
      dot += up.at(neuron, k) * x[k];
      size += std::fabs(up.at(neuron, k) * x[k]);
    }
    for (int64_t d = 0; d < c.d; ++d) {
      sums[d] += height * down.at(neuron, d) * (c.gated ? dot : 1);
      sizes[d] += std::fabs(height) * down.reach(neuron, d) * (c.gated ? size : 1);
    }
  }
  for (int64_t d = 0; d < c.d; ++d)
    ASSERT_LE(std::fabs(operands.back().get(d).real - sums[d]), 2e-6 * sizes[d])
        << what << ": element " << d << " is " << operands.back().get(d).real << ", expected " << sums[d];
}

void expectSums(const Library &library, const KernelSpec &spec, const ActiveCase &c, std::vector<Tensor> operands) {
  std::string what =
      describe(spec, operands) + " with count " + std::to_string(operands[c.gated ? 3 : 2].get(0).integer);
  ASSERT_TRUE(library.loaded()) << what;
  ASSERT_EQ(library.run(spec.name, operands), 0) << what;
  for (int64_t row = 0; row < c.rows; ++row) {
    std::vector<Tensor> ofRow = operands;
    for (size_t i = 0; i < operands.size(); ++i)
      if (spec.operands[i].shape[0] == (c.rows == 1 ? 1 : -1))
        ofRow[i] = rowOf(operands[i], row);
    ASSERT_NO_FATAL_FAILURE(expectSumsOfRow(ofRow, c, what + ": row " + std::to_string(row)));
  }
}

/// Random weights and x; scales are small and of both signs.
std::vector<Tensor> randomOperands(const KernelSpec &spec, std::mt19937 &generator, int64_t rows = 1) {
  std::vector<Tensor> operands;
  for (const Operand &operand : spec.operands) {
    operands.push_back(operandOf(spec, int(operands.size()), rows));
    Tensor &tensor = operands.back();
    if (operand.dtype != DType::U8) {
      bool scales = operand.name.find("scales") != std::string::npos;
      fillRandom(tensor, generator, scales ? -0.02 : -1, scales ? 0.02 : 1);
      continue;
    }
    std::uniform_int_distribution<int> byte(0, 255);
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.set(i, {0, byte(generator)});
  }
  return operands;
}

void checkActive(const std::vector<ActiveCase> &cases, const std::vector<int64_t> &counts,
                 const std::vector<List> &lists = {List::Random}) {
  std::vector<KernelSpec> specs;
  for (const ActiveCase &c : cases)
    specs.push_back(activeRowsSpec(c));
  std::vector<KernelSpec> all = forAllTargets(specs);
  Library library(all);
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (size_t i = 0; i < all.size(); ++i) {
    const ActiveCase &c = cases[i % cases.size()];
    std::vector<Tensor> operands = randomOperands(all[i], generator, c.rows);
    for (int64_t count : counts)
      for (List list : lists) {
        fillLists(operands, c.gated ? 1 : 0, std::min(count, c.n), list, generator);
        expectSums(library, all[i], c, operands);
        if (testing::Test::HasFatalFailure())
          return;
      }
  }
}

const std::vector<int64_t> kCounts = {0, 1, 3, 4, 5, 7, 8, 9, 16, 17, 1 << 20};

TEST(ActiveRows, Floats) {
  checkActive({{"f32", 64, 64, 96},
               {"f32", 64, 1, 1},
               {"f32", 64, 33, 31},
               {"f16", 64, 64, 96},
               {"f16", 64, 130, 19},
               {"bf16", 64, 64, 96},
               {"bf16", 64, 5, 100}},
              kCounts);
}

TEST(ActiveRows, Codes) {
  std::vector<ActiveCase> cases;
  for (const char *format : {"q8", "q4"})
    for (auto [k, d] : {std::pair<int64_t, int64_t>{32, 32}, {96, 64}, {256, 160}})
      cases.push_back({format, 64, k, d});
  checkActive(cases, kCounts);
}

TEST(ActiveRows, WithoutAGate) {
  checkActive({{"f32", 40, 64, 96, false}, {"bf16", 40, 64, 96, false}, {"q8", 40, 64, 96, false}}, kCounts);
}

/// Numbers of neurons that a pass does not divide, one among them.
TEST(ActiveRows, OddNumbersOfNeurons) {
  checkActive({{"f32", 1, 64, 64}, {"q8", 13, 64, 64}, {"q4", 100, 64, 64}}, {0, 1, 2, 8, 9, 99, 100});
}

/// Lists long enough for several tasks.
TEST(ActiveRows, ManyTasks) {
  checkActive({{"f32", 2048, 128, 160}, {"q8", 2048, 256, 320}, {"q4", 2048, 256, 320}}, {200, 1001, 2047, 2048});
}

TEST(ActiveRows, EndsOfTheMatrices) {
  checkActive({{"f16", 100, 48, 40}, {"q4", 100, 32, 96}}, {1, 9, 33}, {List::First, List::Last});
}

TEST(ActiveRows, ManyRows) {
  std::vector<ActiveCase> cases;
  for (const char *format : {"f32", "f16", "bf16", "q8", "q4"})
    for (int64_t rows : {2, 32, 33, 70})
      cases.push_back({format, 100 + rows, 96, 160, true, rows});
  cases.push_back({"q8", 300, 64, 2304, true, 40});
  cases.push_back({"q8", 70, 128, 96, true, 37});
  cases.push_back({"q4", 40, 32, 32, false, 33});
  cases.push_back({"bf16", 40, 64, 96, false, 45});
  cases.push_back({"bf16", 40, 64, 96, false, 5});
  checkActive(cases, {0, 9, 1 << 20});
}

TEST(ActiveRows, OddWidthsOfManyRows) {
  checkActive({{"f32", 1, 1, 1, true, 35},
               {"f32", 1, 1, 1, true, 2},
               {"f32", 33, 33, 31, true, 39},
               {"f32", 33, 33, 31, true, 9},
               {"f16", 130, 130, 19, true, 36},
               {"bf16", 65, 5, 101, true, 34},
               {"bf16", 47, 70, 272, true, 33},
               {"q8", 13, 32, 1184, true, 42},
               {"f32", 2500, 40, 300, true, 33}},
              {0, 1, 13});
}

/// The result depends on the list, not on who computes which part of it.
TEST(ActiveRows, SameEveryTime) {
  ActiveCase c{"q8", 2048, 256, 320};
  KernelSpec spec = activeRowsSpec(c);
  spec.target = runnableTargets().back();
  Library library({spec});
  ASSERT_TRUE(library.loaded());
  std::mt19937 generator(kSeed);
  std::vector<Tensor> operands = randomOperands(spec, generator);
  fillLists(operands, 1, 1500, List::Random, generator);
  ASSERT_EQ(library.run(spec.name, operands), 0);
  std::vector<double> first = reals(operands.back());
  for (int run = 0; run < 20; ++run) {
    ASSERT_EQ(library.run(spec.name, operands), 0);
    ASSERT_EQ(reals(operands.back()), first);
  }
}

/// The rows of the weights may lie apart, of each matrix as it likes; the last one ends where its memory does.
TEST(ActiveRows, RowsApart) {
  std::vector<ActiveCase> cases = {{"f32", 64, 33, 31}, {"bf16", 64, 64, 96},          {"q8", 64, 96, 160},
                                   {"q4", 64, 96, 160}, {"q8", 64, 96, 160, true, 40}, {"f16", 64, 48, 40, true, 5}};
  std::vector<KernelSpec> specs;
  for (const ActiveCase &c : cases)
    specs.push_back(activeRowsSpec(c));
  std::vector<KernelSpec> all = forAllTargets(specs);
  Library library(all);
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (size_t i = 0; i < all.size(); ++i) {
    const ActiveCase &c = cases[i % cases.size()];
    std::vector<Tensor> operands = randomOperands(all[i], generator, c.rows);
    for (size_t o = 4; o + 1 < operands.size(); ++o)
      operands[o] = Tensor::apart(operands[o], operands[o].shape[1] + 7 * int64_t(o));
    for (int64_t count : {1, 13, 64}) {
      fillLists(operands, 1, count, List::Random, generator);
      ASSERT_NO_FATAL_FAILURE(expectSums(library, all[i], c, operands));
    }
  }
}

/// What the rows of other neurons hold does not matter.
TEST(ActiveRows, OtherRowsMayHoldAnything) {
  ActiveCase c{"f32", 64, 64, 96};
  std::vector<KernelSpec> all = forAllTargets({activeRowsSpec(c)});
  Library library(all);
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (const KernelSpec &spec : all)
    for (int64_t count : {1, 9}) {
      std::vector<Tensor> operands = randomOperands(spec, generator);
      fillLists(operands, 1, count, List::Last, generator);
      for (int64_t i = 0; i < (64 - count) * 64; ++i)
        operands[4].set(i, {NAN});
      for (int64_t i = 0; i < (64 - count) * 96; ++i)
        operands[5].set(i, {INFINITY});
      expectSums(library, spec, c, operands);
    }
}

} // namespace
} // namespace thresh::codegen::test
