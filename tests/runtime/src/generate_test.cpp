//===- generate_test.cpp - texts of the mock language model ---------------------===//
#include "tests/runtime/mock_model.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace {

class Generate : public MockModel {
protected:
  /// The text that follows `prompt`, up to its end or a failure; `stats` and `status` tell how it went.
  std::vector<int64_t> generate(const std::vector<int64_t> &prompt, const thresh_generation_options &options) {
    thresh_generation *generation = nullptr;
    std::vector<int64_t> tokens;
    stats = {};
    if (thresh_generation_create(session, prompt.data(), int64_t(prompt.size()), &options, &generation, &status))
      return tokens;
    for (int64_t token; thresh_generation_next(generation, &token, &status) == THRESH_OK && token >= 0;)
      tokens.push_back(token);
    stats = thresh_generation_get_stats(generation);
    thresh_generation_free(generation);
    return tokens;
  }

  thresh_generation_options most(int64_t count) {
    thresh_generation_options options = thresh_model_generation_options(model);
    options.max_new_tokens = count;
    return options;
  }

  /// What the mock's rule makes of `text` when the largest logit wins.
  static std::vector<int64_t> continuation(std::vector<int64_t> text, int count) {
    std::vector<int64_t> added;
    for (; count > 0; --count) {
      const std::vector<float> logits = logitsAfter(text);
      added.push_back(std::max_element(logits.begin(), logits.end()) - logits.begin());
      text.push_back(added.back());
    }
    return added;
  }

  thresh_generation_stats stats = {};
};

TEST_F(Generate, FollowsTheModelThroughEitherEntry) {
  for (const char *library : {"decoder.so", "decoder_alone.so"}) {
    open(library);
    EXPECT_EQ(thresh_model_vocabulary(model), 16);
    EXPECT_EQ(generate({1, 2, 3}, most(10)), continuation({1, 2, 3}, 10)) << status.message;
    EXPECT_EQ(stats.prompt_tokens, 3);
    EXPECT_EQ(stats.generated_tokens, 10);
    EXPECT_EQ(stats.decoded_tokens, 9);
    EXPECT_GT(stats.prompt_seconds, 0);
    EXPECT_GT(stats.decode_seconds, 0);
    EXPECT_EQ(stats.stop, THRESH_STOP_LENGTH);
    EXPECT_EQ(thresh_session_position(session), 12) << "the last token has not run";
    TearDown();
    session = nullptr, model = nullptr;
  }
}

TEST_F(Generate, KnowsWhatATokenTouches) {
  open("decoder.so");
  const int32_t decode = thresh_model_find_entry(model, "decode");
  EXPECT_EQ(thresh_model_touched_bytes(model, decode, 0), 1000000u + 8);
  EXPECT_EQ(thresh_model_touched_bytes(model, decode, 9), 1000000u + 80);
  EXPECT_EQ(thresh_model_touched_bytes(model, decode, 32), 1000000u + 256) << "the state has 32 rows";
  for (int64_t position : {-1, 33})
    EXPECT_EQ(thresh_model_touched_bytes(model, decode, position), 0u);
  for (const char *name : {"prefill", "peek", "none"})
    EXPECT_EQ(thresh_model_touched_bytes(model, thresh_model_find_entry(model, name), 0), 0u) << name;
}

TEST_F(Generate, KnowsWhatATokenTouchesOfRowsThatItChooses) {
  open("decoder_sparse.so");
  const int32_t decode = thresh_model_find_entry(model, "decode");
  EXPECT_EQ(thresh_model_touched_bytes(model, decode, 0), 1000000u + 8) << "one row, chosen";
  EXPECT_EQ(thresh_model_touched_bytes(model, decode, 9), 1000000u + 3 * 8 + 7 * 2);
  EXPECT_EQ(thresh_model_touched_bytes(model, decode, 32), 1000000u + 3 * 8 + 29 * 2);
  EXPECT_EQ(thresh_model_dense_bytes(model, decode, 0), 4000000u + 8);
  EXPECT_EQ(thresh_model_dense_bytes(model, decode, 9), 4000000u + 80);
  EXPECT_EQ(thresh_model_dense_bytes(model, decode, 33), 0u);
  EXPECT_EQ(thresh_model_dense_bytes(model, thresh_model_find_entry(model, "prefill"), 0), 0u);
  EXPECT_TRUE(thresh_model_is_approximate(model));
}

TEST_F(Generate, DenseModelsChooseNothing) {
  open("decoder.so");
  const int32_t decode = thresh_model_find_entry(model, "decode");
  for (int64_t position : {0, 9, 32})
    EXPECT_EQ(thresh_model_dense_bytes(model, decode, position), thresh_model_touched_bytes(model, decode, position));
  EXPECT_FALSE(thresh_model_is_approximate(model));
  generate({1, 2, 3}, most(5));
  EXPECT_EQ(stats.usage.active_neurons.count, 0);
  EXPECT_EQ(stats.usage.attended_tokens.count, 0);
  EXPECT_EQ(stats.usage.active_neurons.mean, 0);
}

/// Four tokens are decoded, at positions 3 to 6: 103 to 106 and 60 neurons, 4 to 7 and 1 tokens.
TEST_F(Generate, CountsWhatDecodedTokensUse) {
  open("decoder_sparse.so");
  EXPECT_EQ(generate({1, 2, 3}, most(5)), continuation({1, 2, 3}, 5)) << status.message;
  EXPECT_EQ(stats.usage.active_neurons.count, 8);
  EXPECT_DOUBLE_EQ(stats.usage.active_neurons.mean, 82.25);
  EXPECT_NEAR(stats.usage.active_neurons.deviation, std::sqrt((2.25 + 0.25) / 4 + 22.25 * 22.25), 1e-12);
  EXPECT_EQ(stats.usage.attended_tokens.count, 8);
  EXPECT_DOUBLE_EQ(stats.usage.attended_tokens.mean, 3.25);
  EXPECT_NEAR(stats.usage.attended_tokens.deviation, std::sqrt((2.25 + 0.25) / 4 + 2.25 * 2.25), 1e-12);
  generate({5}, most(1));
  EXPECT_EQ(stats.usage.active_neurons.count, 0) << "the prompt does not count";
}

TEST_F(Generate, ContinuesTheSession) {
  open("decoder.so");
  const std::vector<int64_t> whole = continuation({1, 2, 3}, 8);
  std::vector<int64_t> text = generate({1, 2, 3}, most(4));
  for (int64_t token : generate({text.back()}, most(4)))
    text.push_back(token);
  EXPECT_EQ(text, whole);
  ASSERT_EQ(thresh_session_rewind(session, 3, &status), THRESH_OK);
  EXPECT_EQ(generate({9}, most(3)), continuation({1, 2, 3, 9}, 3));
}

TEST_F(Generate, MayBeLeftEarly) {
  open("decoder.so");
  const std::vector<int64_t> prompt = {4};
  const thresh_generation_options options = most(10);
  thresh_generation *generation = nullptr;
  ASSERT_EQ(thresh_generation_create(session, prompt.data(), 1, &options, &generation, &status), THRESH_OK);
  EXPECT_EQ(thresh_session_position(session), 0) << "nothing has run yet";
  int64_t token;
  ASSERT_EQ(thresh_generation_next(generation, &token, &status), THRESH_OK);
  EXPECT_EQ(thresh_generation_get_stats(generation).stop, THRESH_STOP_NONE);
  thresh_generation_free(generation);
  EXPECT_EQ(generate({token}, most(3)), continuation({4, token}, 3));
}

TEST_F(Generate, EndsAtStopTokens) {
  open("decoder.so");
  const std::vector<int64_t> whole = continuation({1, 2, 3}, 10);
  thresh_generation_options options = most(10);
  const int64_t stop[] = {99, whole[2]};
  options.stop_tokens = stop;
  options.num_stop_tokens = 2;
  const std::vector<int64_t> text = generate({1, 2, 3}, options);
  EXPECT_EQ(text, std::vector<int64_t>(whole.begin(), std::find(whole.begin(), whole.end(), whole[2]) + 1));
  EXPECT_EQ(stats.stop, THRESH_STOP_TOKEN);
}

TEST_F(Generate, EndsWhereTheContextDoes) {
  open("decoder.so");
  const std::vector<int64_t> prompt(30, 1);
  EXPECT_EQ(generate(prompt, most(10)), continuation(prompt, 3));
  EXPECT_EQ(stats.stop, THRESH_STOP_CONTEXT);
  EXPECT_EQ(thresh_session_position(session), 32);
}

TEST_F(Generate, MakesNothingWhenAskedForNothing) {
  open("decoder.so");
  EXPECT_EQ(generate({1}, most(0)), std::vector<int64_t>());
  EXPECT_EQ(stats.stop, THRESH_STOP_LENGTH);
  EXPECT_EQ(thresh_session_position(session), 0);
}

TEST_F(Generate, TakesTheDefaultsOfTheLibrary) {
  open("decoder_defaults.so");
  thresh_generation_options options = thresh_model_generation_options(model);
  EXPECT_EQ(options.do_sample, 1);
  EXPECT_EQ(options.temperature, 0.5f);
  ASSERT_EQ(options.num_stop_tokens, 2);
  EXPECT_EQ(options.stop_tokens[1], 5);
  options.seed = 1;
  const std::vector<int64_t> first = generate({1, 2}, options);
  EXPECT_TRUE(first.back() == 3 || first.back() == 5 || stats.stop == THRESH_STOP_CONTEXT);
  ASSERT_EQ(thresh_session_rewind(session, 0, &status), THRESH_OK);
  EXPECT_EQ(generate({1, 2}, options), first);
}

TEST_F(Generate, RefusesWhatCannotRun) {
  open("decoder.so");
  const std::tuple<std::string, std::vector<int64_t>, std::function<void(thresh_generation_options &)>> cases[] = {
      {"the prompt expects at least one token, but got none", {}, [](auto &) {}},
      {"the prompt expects tokens of 0 to 15, but got 16 at position 1", {1, 16}, [](auto &) {}},
      {"the prompt expects tokens of 0 to 15, but got -1 at position 0", {-1}, [](auto &) {}},
      {"the prompt expects at most 32 tokens, but got 33: the session holds 0 and the context is 32",
       std::vector<int64_t>(33), [](auto &) {}},
      {"'max_new_tokens' expects 0 or more, but got -1", {1}, [](auto &o) { o.max_new_tokens = -1; }},
      {"'stop_tokens' expects an array of its count", {1}, [](auto &o) { o.num_stop_tokens = 1; }},
      {"'temperature' expects a number above 0, but got 0", {1}, [](auto &o) { o.temperature = 0; }},
  };
  for (const auto &[message, prompt, damage] : cases) {
    thresh_generation_options options = most(1);
    damage(options);
    EXPECT_EQ(generate(prompt, options), std::vector<int64_t>());
    EXPECT_EQ(status.code, THRESH_INVALID_ARGUMENT);
    EXPECT_EQ(status.message, message);
    EXPECT_EQ(thresh_session_position(session), 0);
  }
  EXPECT_EQ(generate({1}, most(1)), continuation({1}, 1)) << "after refusals";
}

TEST_F(Generate, RefusesNullArguments) {
  open("decoder.so");
  const int64_t prompt = 1;
  const thresh_generation_options options = most(1);
  thresh_generation *generation = nullptr;
  EXPECT_EQ(thresh_generation_create(nullptr, &prompt, 1, &options, &generation, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'session' expects a session, but got null");
  EXPECT_EQ(thresh_generation_create(session, &prompt, 1, nullptr, &generation, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'options' expects options, but got null");
  EXPECT_EQ(thresh_generation_create(session, &prompt, 1, &options, nullptr, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'generation' expects a pointer, but got null");
  EXPECT_EQ(thresh_generation_create(session, nullptr, 1, &options, &generation, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "the prompt expects at least one token, but got none");
  int64_t token = 0;
  EXPECT_EQ(thresh_generation_next(nullptr, &token, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_EQ(token, -1);
  thresh_generation_free(nullptr);
}

TEST_F(Generate, RefusesLibrariesThatAreNoLanguageModels) {
  open("decoder_none.so");
  EXPECT_EQ(thresh_model_vocabulary(model), 0);
  EXPECT_EQ(generate({1}, most(1)), std::vector<int64_t>());
  EXPECT_STREQ(status.message, "the library is no language model: it has no entry 'decode'");
  float logits[16];
  const int64_t token = 1;
  EXPECT_EQ(thresh_session_score(session, thresh_model_find_entry(model, "peek"), &token, 1, logits, &status),
            THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "entry 'peek' does not turn tokens into logits: it takes no tokens");
}

TEST_F(Generate, ReportsLogitsThatAreNaN) {
  open("decoder_nan.so");
  EXPECT_EQ(generate({1, 2}, most(9)).size(), 3u);
  EXPECT_EQ(status.code, THRESH_EXECUTION_FAILED);
  EXPECT_STREQ(status.message, "the logits after token 4 hold NaN");
  EXPECT_EQ(stats.stop, THRESH_STOP_FAILURE);
  EXPECT_EQ(thresh_session_position(session), 5);
}

//===-------------------------------------------------------------------------===//
// Scoring
//===-------------------------------------------------------------------------===//

TEST_F(Generate, ScoresThroughEveryEntry) {
  open("decoder.so");
  const std::vector<int64_t> text = {3, 1, 4, 1, 5, 9};
  for (const char *entry : {"", "score", "prefill", "decode"}) {
    ASSERT_EQ(thresh_session_rewind(session, 0, &status), THRESH_OK);
    std::vector<float> logits(text.size() * 16, -1);
    int32_t index = entry[0] ? thresh_model_find_entry(model, entry) : -1;
    ASSERT_EQ(thresh_session_score(session, index, text.data(), 6, logits.data(), &status), THRESH_OK)
        << status.message;
    EXPECT_EQ(thresh_session_position(session), 6);
    for (size_t i = 0; i < text.size(); ++i)
      EXPECT_EQ(std::vector<float>(&logits[i * 16], &logits[i * 16] + 16),
                logitsAfter(std::vector<int64_t>(text.begin(), text.begin() + i + 1)))
          << entry << " " << i;
  }
}

TEST_F(Generate, ScoreRefusesWhatCannotRun) {
  open("decoder_alone.so");
  std::vector<float> logits(33 * 16);
  const std::vector<int64_t> outside = {1, 77}, many(33);
  EXPECT_EQ(thresh_session_score(session, -1, outside.data(), 2, logits.data(), &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "the text expects tokens of 0 to 15, but got 77 at position 1");
  EXPECT_EQ(thresh_session_score(session, -1, many.data(), 33, logits.data(), &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "the text expects at most 32 tokens, but got 33: the session holds 0 and the context is 32");
  EXPECT_EQ(thresh_session_score(session, 9, many.data(), 1, logits.data(), &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'entry' expects a number below 2, but got 9");
  EXPECT_EQ(thresh_session_score(session, -1, many.data(), 1, nullptr, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'logits' expects a pointer, but got null");
  EXPECT_EQ(thresh_session_score(session, -1, many.data(), 32, logits.data(), &status), THRESH_OK) << status.message;
}

} // namespace
