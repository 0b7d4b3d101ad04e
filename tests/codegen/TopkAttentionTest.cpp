//===- TopkAttentionTest.cpp - Attention of one query over chosen keys -------===//
//
// Every kernel is compared with a plain function in double precision. A key whose score is closer to the threshold than
// rounding may be chosen or not; heads that have one are compared by their counts only, and there must be few.
//
//===-----------------------------------------------------------------------===//

#include "tests/codegen/Runner.h"
#include "tests/codegen/SparseSpecs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace thresh::codegen::test {
namespace {

constexpr unsigned kSeed = 20261123;

/// Where the operands of a spec are. The scales of integer rows are behind them.
struct Places {
  int query, queryRest, key, keyRest, value, position, statistics, result, counts;

  explicit Places(const TopkAttentionCase &c) {
    int next = 0, rows = c.cache == DType::I8 ? 2 : 1;
    auto take = [&](int operands) { return (next += operands) - operands; };
    query = take(1);
    queryRest = take(c.rest > 0);
    key = take(rows);
    keyRest = take(c.rest > 0 ? rows : 0);
    value = take(rows);
    position = take(1);
    statistics = take(1);
    result = take(1);
    counts = take(1);
  }
  std::vector<int> rows(const TopkAttentionCase &c) const {
    return c.rest > 0 ? std::vector<int>{key, keyRest, value} : std::vector<int>{key, value};
  }
};

/// Q(1 - share), by bisection.
double upperQuantile(double share) {
  double low = -40, high = 40;
  for (int i = 0; i < 200; ++i) {
    double middle = (low + high) / 2;
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > share ? low : high) = middle;
  }
  return low;
}

/// The caches hold `rows` rows, of which the query at `position` sees those up to its own.
struct Call {
  int64_t position = 0;
  int64_t rowsBehind = 0;
};

int64_t keysSeen(const TopkAttentionCase &c, const Call &call) {
  return c.window > 0 ? std::min(call.position + 1, c.window) : call.position + 1;
}

std::vector<Tensor> makeOperands(const KernelSpec &spec, const TopkAttentionCase &c, const Call &call,
                                 std::mt19937 &generator) {
  std::vector<Tensor> operands;
  for (const Operand &operand : spec.operands) {
    std::vector<int64_t> shape = operand.shape;
    if (!shape.empty() && shape[0] < 0)
      shape[0] = call.position + 1 + call.rowsBehind;
    operands.emplace_back(operand.dtype, shape);
  }
  Places at(c);
  for (int o : {at.query, at.queryRest})
    fillRandom(operands[o], generator, -2, 2);
  for (int o : at.rows(c)) {
    bool isInteger = c.cache == DType::I8;
    fillRandom(operands[o], generator, isInteger ? -127 : -2, isInteger ? 127 : 2);
    if (isInteger)
      fillRandom(operands[o + 1], generator, 0.005, 0.025);
    // Nothing of the rows behind the query may show.
    Tensor &seen = operands[o + isInteger];
    for (int64_t row = seen.size() / seen.shape[0], i = (call.position + 1) * row; i < seen.size(); ++i)
      seen.set(i, {NAN});
  }
  operands[at.position].set(0, {0, call.position});
  int64_t seen = keysSeen(c, call);
  operands[at.statistics].set(0, {seen > c.k ? upperQuantile(double(c.k) / double(seen)) : NAN});
  operands[at.statistics].set(1, {1});
  return operands;
}

/// One head in double precision.
class Head {
public:
  Head(const std::vector<Tensor> &operands, const TopkAttentionCase &c, int64_t head)
      : operands(operands), c(c), at(c), head(head), keyHead(head / (c.heads / c.keyHeads)),
        end(operands[at.position].get(0).integer + 1), first(c.window > 0 ? std::max<int64_t>(end - c.window, 0) : 0) {
    for (int64_t row = first; row < end; ++row)
      scores.push_back(capped(c.scale * dot(at.query, at.key, row)));
    choose();
  }

  std::vector<int64_t> chosen; ///< rows
  int64_t unsure = 0;          ///< keys whose score rounding may move across the threshold

  /// Column of the result, and the size of what is summed.
  std::pair<double, double> attend(int64_t column) {
    if (weights.empty())
      weigh();
    double sum = 0, size = 0;
    for (size_t i = 0; i < chosen.size(); ++i) {
      double term = weights[i] * element(at.value, chosen[i], column);
      sum += term;
      size += std::fabs(term);
    }
    return {sum, size};
  }

private:
  double capped(double x) const { return c.softCap > 0 ? c.softCap * std::tanh(x / c.softCap) : x; }

  /// Of keys or values.
  double element(int rows, int64_t row, int64_t column) const {
    int64_t place = row * c.keyHeads + keyHead;
    Value value = operands[rows].get(place * operands[rows].shape[2] + column);
    return c.cache == DType::I8 ? double(value.integer) * operands[rows + 1].get(place).real : value.real;
  }

  double dot(int query, int keys, int64_t row) const {
    double sum = 0;
    for (int64_t i = 0, width = operands[query].shape[2]; i < width; ++i)
      sum += operands[query].get(head * width + i).real * element(keys, row, i);
    return sum;
  }

  double rest(int64_t row) const { return c.rest > 0 ? dot(at.queryRest, at.keyRest, row) : 0; }

  void choose() {
    double n = double(scores.size()), mean = 0, variance = 0, greatest = -INFINITY, size = 0;
    for (double x : scores) {
      mean += x / n;
      greatest = std::max(greatest, x);
      size = std::max(size, std::fabs(x));
    }
    for (double x : scores)
      variance += (x - mean) * (x - mean) / n;
    double quantile = operands[at.statistics].get(0).real, factor = operands[at.statistics].get(1).real;
    double theta = std::min(mean + std::sqrt(variance * factor) * quantile, greatest);
    bool areEqual = std::count(scores.begin(), scores.end(), greatest) == int64_t(scores.size());
    bool keepsAll = int64_t(scores.size()) <= c.k || std::isnan(mean) || areEqual;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (keepsAll || scores[i] >= theta)
        chosen.push_back(first + int64_t(i));
      if (!keepsAll && scores[i] != theta && std::fabs(scores[i] - theta) < 1e-5 * size)
        ++unsure;
    }
  }

  void weigh() {
    std::vector<double> logits;
    for (int64_t row : chosen)
      logits.push_back(c.softplus ? scores[row - first] : capped(c.scale * (dot(at.query, at.key, row) + rest(row))));
    double top = *std::max_element(logits.begin(), logits.end()), total = 0;
    for (double logit : logits)
      total += std::exp(logit - top);
    for (size_t i = 0; i < chosen.size(); ++i) {
      double factor = c.softplus ? std::log1p(std::exp(0.125 * rest(chosen[i]))) : 1;
      weights.push_back(std::exp(logits[i] - top) / total * factor);
    }
  }

  const std::vector<Tensor> &operands;
  const TopkAttentionCase &c;
  Places at;
  int64_t head, keyHead, end, first;
  std::vector<double> scores, weights;
};

struct Tally {
  int heads = 0, unsure = 0;
};

void expectHead(const std::vector<Tensor> &got, const TopkAttentionCase &c, int64_t head, const std::string &what,
                Tally &tally) {
  Head expected(got, c, head);
  Places at(c);
  int64_t count = got[at.counts].get(head).integer;
  ASSERT_LE(std::llabs(count - int64_t(expected.chosen.size())), expected.unsure) << what << ": keys of head " << head;
  ++tally.heads;
  tally.unsure += expected.unsure > 0;
  for (int64_t i = 0; expected.unsure == 0 && i < c.valueWidth; ++i) {
    double value = got[at.result].get(head * c.valueWidth + i).real;
    auto [sum, size] = expected.attend(i);
    if (std::isnan(sum) && std::isnan(value))
      continue;
    ASSERT_LE(std::fabs(value - sum), 1e-5 * size + 1e-7)
        << what << ": head " << head << " column " << i << " is " << value << ", expected " << sum;
  }
}

void expectPlain(const Library &library, const KernelSpec &spec, const TopkAttentionCase &c,
                 std::vector<Tensor> operands, Tally &tally) {
  std::string what = describe(spec, operands);
  ASSERT_TRUE(library.loaded()) << what;
  ASSERT_EQ(library.run(spec.name, operands), 0) << what;
  for (int64_t head = 0; head < c.heads && !testing::Test::HasFatalFailure(); ++head)
    expectHead(operands, c, head, what, tally);
}

/// What a test does to random operands.
using Change = void (*)(const TopkAttentionCase &, std::vector<Tensor> &);

/// All forms for all targets on all calls.
void check(const std::vector<TopkAttentionCase> &cases, const std::vector<Call> &calls, Change change = nullptr) {
  std::vector<KernelSpec> specs;
  std::vector<TopkAttentionCase> caseOf;
  for (const std::string &target : runnableTargets())
    for (const TopkAttentionCase &c : cases) {
      specs.push_back(topkAttentionSpec(c));
      specs.back().target = target;
      specs.back().name += std::to_string(specs.size());
      caseOf.push_back(c);
    }
  Library library(specs);
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Tally tally;
  for (size_t s = 0; s < specs.size(); ++s)
    for (const Call &call : calls) {
      std::vector<Tensor> operands = makeOperands(specs[s], caseOf[s], call, generator);
      if (change)
        change(caseOf[s], operands);
      expectPlain(library, specs[s], caseOf[s], operands, tally);
      if (testing::Test::HasFatalFailure())
        return;
    }
  EXPECT_LE(tally.unsure, tally.heads / 10);
}

/// Lengths around k = 16, of whole blocks and not, and long ones; some caches have rows that the query does not see.
const std::vector<Call> kCalls = {{0}, {14}, {15, 3}, {16}, {31}, {32, 20}, {99}, {4095}};

TopkAttentionCase form(DType cache, int64_t heads, int64_t keyHeads, int64_t partial, int64_t rest, int64_t window = 0,
                       double softCap = 0, bool softplus = true) {
  TopkAttentionCase c;
  c.cache = cache;
  c.heads = heads;
  c.keyHeads = keyHeads;
  c.partial = partial;
  c.rest = rest;
  c.window = window;
  c.softCap = softCap;
  c.softplus = softplus;
  return c;
}

TEST(TopkAttention, Softplus) {
  check({form(DType::F32, 4, 2, 32, 32), form(DType::F16, 6, 2, 16, 32, 0, 3), form(DType::BF16, 4, 1, 40, 24, 0, 50)},
        kCalls);
}

TEST(TopkAttention, Softmax) {
  check({form(DType::F32, 4, 2, 32, 32, 0, 0, false), form(DType::F16, 4, 4, 48, 16, 0, 2, false),
         form(DType::BF16, 2, 1, 32, 0, 0, 5, false)},
        kCalls);
}

TEST(TopkAttention, Windows) {
  check({form(DType::F32, 4, 2, 32, 32, 20), form(DType::F16, 4, 2, 32, 32, 33, 4, false)},
        {{0}, {15}, {16}, {18}, {19}, {20}, {32}, {33, 5}, {100}, {4095, 1}});
}

/// Widths that no vector divides, and groups of queries that do not fit the registers.
TEST(TopkAttention, OddShapes) {
  TopkAttentionCase odd = form(DType::F16, 3, 3, 5, 6), narrow = form(DType::F32, 1, 1, 1, 1);
  odd.valueWidth = 7;
  narrow.valueWidth = 1;
  check({odd, narrow, form(DType::F32, 24, 1, 8, 16)}, {{0}, {15}, {16}, {40, 2}, {333}});
}

/// The shape of Spark Gemma-2 2B.
TEST(TopkAttention, ManyWideHeads) {
  TopkAttentionCase c = form(DType::F16, 8, 4, 128, 128, 4096, 50);
  c.valueWidth = 256;
  c.k = 256;
  c.scale = 0.0884;
  check({c}, {{254}, {255}, {256}, {4095}, {4500}});
}

/// Each row of keys, of their rest and of values has a scale of its own.
TEST(TopkAttention, Integers) {
  check({form(DType::I8, 4, 2, 32, 32), form(DType::I8, 6, 2, 40, 24, 33, 3, false),
         form(DType::I8, 2, 1, 64, 0, 0, 0, false)},
        kCalls);
}

TEST(TopkAttention, OneKey) {
  TopkAttentionCase c = form(DType::F32, 4, 2, 16, 16);
  c.k = 1;
  check({c}, {{0}, {1}, {2}, {77}});
}

/// Of equal scores all are chosen, whatever the rounding of their mean.
TEST(TopkAttention, EqualScores) {
  auto makeEqual = [](const TopkAttentionCase &c, std::vector<Tensor> &operands) {
    Tensor &key = operands[Places(c).key];
    for (int64_t i = 0; i < key.size(); ++i)
      key.set(i, key.get(i % (c.keyHeads * c.partial)));
  };
  check({form(DType::F32, 4, 2, 16, 16), form(DType::F16, 4, 2, 16, 16, 40, 2, false)}, {{0}, {16}, {70}, {1000}},
        makeEqual);
}

/// NaN in a key that decides keeps all keys of its group, and the result is NaN; other groups do not notice.
TEST(TopkAttention, NanScores) {
  auto makeNan = [](const TopkAttentionCase &c, std::vector<Tensor> &operands) {
    operands[Places(c).key].set(c.keyHeads * c.partial * 5 + 3, {NAN});
  };
  check({form(DType::F32, 4, 2, 16, 16), form(DType::BF16, 4, 2, 16, 16, 0, 2, false)}, {{10}, {100}}, makeNan);
}

/// What the chosen keys do not need is not read: the other dimensions and the values of the rest.
TEST(TopkAttention, ReadsChosenRowsOnly) {
  auto spoilOthers = [](const TopkAttentionCase &c, std::vector<Tensor> &operands) {
    Places at(c);
    int64_t rows = operands[at.key].shape[0];
    for (int64_t keyHead = 0, members = c.heads / c.keyHeads; keyHead < c.keyHeads; ++keyHead) {
      std::vector<bool> isRead(rows);
      for (int64_t member = 0; member < members; ++member)
        for (int64_t row : Head(operands, c, keyHead * members + member).chosen)
          isRead[row] = true;
      for (int64_t row = 0; row < rows; ++row)
        for (int o : {at.keyRest, at.value})
          for (int64_t i = 0, width = operands[o].shape[2]; !isRead[row] && i < width; ++i)
            operands[o].set((row * c.keyHeads + keyHead) * width + i, {NAN});
    }
  };
  check({form(DType::F32, 4, 2, 32, 32), form(DType::F16, 2, 1, 32, 32, 0, 3, false)}, {{50}, {777}}, spoilOthers);
}

/// The same call gives the same bits.
TEST(TopkAttention, IsDeterministic) {
  TopkAttentionCase c = form(DType::F16, 8, 4, 32, 32, 0, 50);
  Places at(c);
  KernelSpec spec = topkAttentionSpec(c);
  spec.target = runnableTargets().back();
  Library library({spec});
  std::mt19937 generator(kSeed);
  std::vector<Tensor> operands = makeOperands(spec, c, {4095}, generator), first;
  for (int i = 0; i < 20; ++i) {
    std::vector<Tensor> again = operands;
    for (int o : {at.result, at.counts})
      again[o] = Tensor(operands[o].dtype, operands[o].shape);
    ASSERT_EQ(library.run(spec.name, again), 0);
    if (first.empty())
      first = again;
    for (int o : {at.result, at.counts})
      ASSERT_EQ(std::memcmp(again[o].data(), first[o].data(), size_t(again[o].size()) * 4), 0) << "operand " << o;
  }
}

} // namespace
} // namespace thresh::codegen::test
