//===- sampler_test.cpp - from logits to a token --------------------------------===//
extern "C" {
#include "runtime/src/sampler.h"
}

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace {

const float infinity = std::numeric_limits<float>::infinity();

thresh_generation_options sampling() {
  thresh_generation_options options = {};
  options.do_sample = 1;
  options.temperature = options.top_p = options.repetition_penalty = 1;
  return options;
}

thresh_generation_options greedy() {
  thresh_generation_options options = sampling();
  options.do_sample = 0;
  return options;
}

class Sampler {
public:
  Sampler(int32_t vocabulary, const thresh_generation_options &options) {
    EXPECT_EQ(thresh_sampler_init(&sampler, vocabulary, &options, nullptr), THRESH_OK);
  }
  ~Sampler() { thresh_sampler_free(&sampler); }
  Sampler(const Sampler &) = delete;
  Sampler &operator=(const Sampler &) = delete;

  int64_t choose(const std::vector<float> &logits) { return thresh_sampler_choose(&sampler, logits.data()); }
  void see(int64_t token) { thresh_sampler_see(&sampler, token); }

  /// Share of each token among many draws from the same logits.
  std::map<int64_t, double> shares(const std::vector<float> &logits) {
    enum { DRAWS = 10000 };
    std::map<int64_t, double> result;
    for (int i = 0; i < DRAWS; ++i)
      result[choose(logits)] += 1.0 / DRAWS;
    return result;
  }

private:
  thresh_sampler sampler = {};
};

int64_t chooseOnce(const std::vector<float> &logits, const thresh_generation_options &options = greedy()) {
  return Sampler(int32_t(logits.size()), options).choose(logits);
}

TEST(Sampler, GreedyTakesTheLargestAndTheLowerOnTies) {
  EXPECT_EQ(chooseOnce({1, 3, 2}), 1);
  EXPECT_EQ(chooseOnce({-1, -3, -2}), 0);
  EXPECT_EQ(chooseOnce({1, 3, 3, 3}), 1);
  EXPECT_EQ(chooseOnce({7}), 0);
  EXPECT_EQ(chooseOnce({1, infinity, infinity}), 1);
  EXPECT_EQ(chooseOnce({-infinity, -infinity}), 0);
  EXPECT_EQ(chooseOnce({-infinity, -5}), 1);
}

TEST(Sampler, NaNIsNoLogit) {
  for (const auto &options : {greedy(), sampling()})
    EXPECT_EQ(chooseOnce({1, NAN, 2}, options), -1);
}

TEST(Sampler, DrawsBySoftmaxAtTheTemperature) {
  const std::vector<float> logits = {1, 0, 2, -1, 0.5f};
  for (float temperature : {0.5f, 1.0f, 3.0f}) {
    thresh_generation_options options = sampling();
    options.temperature = temperature;
    double sum = 0;
    for (float logit : logits)
      sum += std::exp(logit / temperature);
    auto shares = Sampler(5, options).shares(logits);
    for (int i = 0; i < 5; ++i)
      EXPECT_NEAR(shares[i], std::exp(logits[i] / temperature) / sum, 0.02) << i << " at " << temperature;
  }
}

TEST(Sampler, TopKDrawsFromTheLargestAlone) {
  thresh_generation_options options = sampling();
  options.top_k = 2;
  auto shares = Sampler(5, options).shares({1, 0, 2, -1, 0.5f});
  EXPECT_EQ(shares.size(), 2u);
  EXPECT_NEAR(shares[2], std::exp(1.0) / (1 + std::exp(1.0)), 0.02);
  EXPECT_NEAR(shares[0], 1 / (1 + std::exp(1.0)), 0.02);
  options.top_k = 1;
  EXPECT_EQ(Sampler(4, options).shares({1, 3, 3, 2}),
            (std::map<int64_t, double>(Sampler(4, greedy()).shares({1, 3, 3, 2}))));
  options.top_k = 100;
  EXPECT_EQ(Sampler(3, options).shares({0, 0, 0}).size(), 3u);
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  // Probabilities 0.5, 0.25, 0.125, 0.125.
  const float step = float(std::log(2.0));
  const std::vector<float> logits = {0, 2 * step, 0, step};
  const std::pair<float, std::vector<int64_t>> cases[] = {{1e-6f, {1}},    {0.49f, {1}},      {0.51f, {1, 3}},
                                                          {0.74f, {1, 3}}, {0.8f, {0, 1, 3}}, {0.9f, {0, 1, 2, 3}}};
  for (const auto &[top_p, tokens] : cases) {
    thresh_generation_options options = sampling();
    options.top_p = top_p;
    std::vector<int64_t> drawn;
    for (const auto &[token, share] : Sampler(4, options).shares(logits))
      drawn.push_back(token);
    EXPECT_EQ(drawn, tokens) << top_p;
  }
}

TEST(Sampler, TopPCountsShareOfWhatTopKKept) {
  const float step = float(std::log(2.0));
  thresh_generation_options options = sampling();
  options.top_k = 2; // leaves 2/3 and 1/3
  options.top_p = 0.6f;
  EXPECT_EQ(Sampler(4, options).shares({0, 2 * step, 0, step}).size(), 1u);
  options.top_p = 0.7f;
  EXPECT_EQ(Sampler(4, options).shares({0, 2 * step, 0, step}).size(), 2u);
}

TEST(Sampler, HeapAgreesWithASort) {
  std::vector<float> logits(200);
  uint32_t noise = 1;
  for (float &logit : logits)
    logit = float((noise = noise * 1664525 + 1013904223) >> 24) / 64; // many ties
  std::vector<int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
  for (int32_t count : {1, 2, 17, 100, 199}) {
    thresh_generation_options options = sampling();
    options.top_k = count;
    options.temperature = 1e6f; // all that are kept are equally likely
    std::vector<int64_t> expected(order.begin(), order.begin() + count);
    std::sort(expected.begin(), expected.end());
    std::vector<int64_t> drawn;
    for (const auto &[token, share] : Sampler(200, options).shares(logits))
      drawn.push_back(token);
    EXPECT_EQ(drawn, expected) << count;
  }
}

TEST(Sampler, InfiniteLogitsShareWhatThereIs) {
  EXPECT_EQ(Sampler(3, sampling()).shares({infinity, 5, infinity}).size(), 2u);
  EXPECT_EQ(Sampler(3, sampling()).shares({-infinity, 5, -infinity}).size(), 1u);
  EXPECT_EQ(Sampler(2, sampling()).shares({-infinity, -infinity}).size(), 2u);
}

TEST(Sampler, RepetitionPenaltyPushesDownWhatWasSeen) {
  thresh_generation_options options = greedy();
  options.repetition_penalty = 2;
  Sampler positive(3, options);
  EXPECT_EQ(positive.choose({4, 3, 1}), 0);
  EXPECT_EQ(positive.choose({4, 3, 1}), 1) << "4 / 2 is less than 3, and a chosen token counts as seen";
  EXPECT_EQ(positive.choose({4, 3, 1}), 0) << "4 / 2 against 3 / 2";
  Sampler negative(3, options);
  negative.see(0);
  EXPECT_EQ(negative.choose({-2, -3, -9}), 1) << "-2 * 2 is less than -3";
}

TEST(Sampler, SeedsMakeTheirOwnTokensAlways) {
  const std::vector<float> logits = {1, 0, 2, -1, 0.5f, 1, 1, 1};
  auto text = [&](uint64_t seed) {
    thresh_generation_options options = sampling();
    options.seed = seed;
    Sampler sampler(8, options);
    std::vector<int64_t> tokens;
    for (int i = 0; i < 12; ++i)
      tokens.push_back(sampler.choose(logits));
    return tokens;
  };
  EXPECT_EQ(text(7), text(7));
  EXPECT_NE(text(7), text(8));
}

TEST(Sampler, RefusesOptionsOutOfRange) {
  const std::pair<std::string, void (*)(thresh_generation_options &)> cases[] = {
      {"'temperature' expects a number above 0, but got 0", [](auto &o) { o.temperature = 0; }},
      {"'temperature' expects a number above 0, but got inf", [](auto &o) { o.temperature = infinity; }},
      {"'temperature' expects a number above 0, but got nan", [](auto &o) { o.temperature = std::abs(NAN); }},
      {"'top_p' expects a number above 0 and at most 1, but got 1.5", [](auto &o) { o.top_p = 1.5f; }},
      {"'top_p' expects a number above 0 and at most 1, but got 0", [](auto &o) { o.top_p = 0; }},
      {"'top_k' expects 0 or more, but got -1", [](auto &o) { o.top_k = -1; }},
      {"'repetition_penalty' expects a number above 0, but got -2", [](auto &o) { o.repetition_penalty = -2; }},
  };
  for (const auto &[message, damage] : cases) {
    thresh_generation_options options = sampling();
    damage(options);
    thresh_sampler sampler = {};
    thresh_status status;
    EXPECT_EQ(thresh_sampler_init(&sampler, 8, &options, &status), THRESH_INVALID_ARGUMENT);
    EXPECT_EQ(status.message, message);
    thresh_sampler_free(&sampler);
  }
}

} // namespace
