//===- state_test.cpp - what sessions keep between runs -----------------------===//
extern "C" {
#include "runtime/src/state.h"
}
#include "tests/runtime/mock_model.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

class State : public MockModel {
protected:
  /// The largest of the last logits after `tokens` in `session`.
  float run(thresh_session *session, const std::vector<int64_t> &tokens, const char *entry = "prefill") {
    const thresh_input input = tokenInput(tokens);
    thresh_output output = {};
    code = thresh_session_run(session, thresh_model_find_entry(model, entry), &input, 1, &output, 1, &status);
    return code == THRESH_OK ? static_cast<float *>(output.data)[0] : -1;
  }

  /// The first logit after `tokens` where a token looks back on `window` tokens.
  static float logitsOfRing(const std::vector<int64_t> &tokens, size_t window) {
    int64_t sum = 0;
    for (size_t j = tokens.size() - window; j < tokens.size(); ++j)
      sum += int64_t(j + 1) * (tokens[j] + 1);
    return float(sum % 16) / 4;
  }

  thresh_code code = THRESH_OK;
};

TEST_F(State, PositionAdvancesWithSuccessfulRuns) {
  open("decoder.so");
  EXPECT_EQ(thresh_model_context(model), 32);
  EXPECT_EQ(thresh_session_position(session), 0);
  EXPECT_EQ(run(session, {1, 2, 3}), logitsAfter({1, 2, 3})[0]);
  EXPECT_EQ(thresh_session_position(session), 3);
  EXPECT_EQ(run(session, {4}, "decode"), logitsAfter({1, 2, 3, 4})[0]);
  EXPECT_EQ(thresh_session_position(session), 4);
  run(session, {5, 16});
  EXPECT_EQ(code, THRESH_EXECUTION_FAILED);
  EXPECT_STREQ(status.message, "entry 'prefill': token 16 is out of range 0 to 15");
  EXPECT_EQ(thresh_session_position(session), 4);
  EXPECT_EQ(run(session, {5}, "score"), logitsAfter({1, 2, 3, 4, 5})[0]);
  thresh_output position = {};
  ASSERT_EQ(thresh_session_run(session, thresh_model_find_entry(model, "peek"), nullptr, 0, &position, 1, &status),
            THRESH_OK)
      << status.message;
  EXPECT_EQ(*static_cast<int64_t *>(position.data), 5);
  EXPECT_EQ(thresh_session_position(session), 5) << "an entry without tokens adds none";
}

TEST_F(State, RefusesMoreThanTheContextHolds) {
  open("decoder.so");
  run(session, std::vector<int64_t>(33));
  EXPECT_EQ(code, THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "input 'tokens' expects at most 32 tokens, but got 33: the session holds 0 and the context is 32");
  run(session, {});
  EXPECT_STREQ(status.message, "input 'tokens' expects at least one token, but got none");
  const std::vector<int64_t> full(32, 1);
  EXPECT_EQ(run(session, full), logitsAfter(full)[0]);
  run(session, {1});
  EXPECT_STREQ(status.message,
               "input 'tokens' expects at most 0 tokens, but got 1: the session holds 32 and the context is 32");
  ASSERT_EQ(thresh_session_rewind(session, 1, &status), THRESH_OK) << status.message;
  EXPECT_EQ(run(session, {9}), logitsAfter({1, 9})[0]) << "after refusals";
}

TEST_F(State, RewindsToAnEarlierPosition) {
  open("decoder.so");
  run(session, {1, 2, 3, 4});
  ASSERT_EQ(thresh_session_rewind(session, 2, &status), THRESH_OK) << status.message;
  EXPECT_EQ(thresh_session_position(session), 2);
  EXPECT_EQ(run(session, {9}), logitsAfter({1, 2, 9})[0]);
  EXPECT_EQ(thresh_session_rewind(session, 3, &status), THRESH_OK);
  for (int64_t position : {4, -1}) {
    EXPECT_EQ(thresh_session_rewind(session, position, &status), THRESH_INVALID_ARGUMENT);
    EXPECT_EQ(status.message, "'position' expects 0 to 3, but got " + std::to_string(position));
  }
  EXPECT_EQ(thresh_session_position(session), 3);
  EXPECT_EQ(thresh_session_rewind(session, 0, nullptr), THRESH_OK);
  EXPECT_EQ(run(session, {7}), logitsAfter({7})[0]);
}

TEST_F(State, ForksGoTheirOwnWays) {
  open("decoder.so");
  run(session, {1, 2});
  thresh_session *fork = nullptr;
  ASSERT_EQ(thresh_session_fork(session, &fork, &status), THRESH_OK) << status.message;
  EXPECT_EQ(thresh_session_position(fork), 2);
  EXPECT_EQ(run(session, {3, 3}), logitsAfter({1, 2, 3, 3})[0]);
  EXPECT_EQ(run(fork, {4}), logitsAfter({1, 2, 4})[0]);
  EXPECT_EQ(run(session, {5}), logitsAfter({1, 2, 3, 3, 5})[0]);
  thresh_session_free(session);
  session = nullptr;
  EXPECT_EQ(run(fork, {6}), logitsAfter({1, 2, 4, 6})[0]);
  thresh_session_free(fork);
}

TEST_F(State, RingsKeepTheLastTokens) {
  open("decoder_ring.so");
  run(session, {1, 2, 3});
  EXPECT_EQ(thresh_session_rewind(session, 2, &status), THRESH_OK) << "nothing is lost yet";
  run(session, {3, 4, 5});
  thresh_session *fork = nullptr;
  ASSERT_EQ(thresh_session_fork(session, &fork, &status), THRESH_OK) << status.message;
  EXPECT_EQ(run(fork, {6}), run(session, {6}));
  EXPECT_EQ(run(fork, {7}), run(session, {7})) << "a fork copies the whole ring";
  EXPECT_EQ(thresh_session_rewind(session, 5, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "'position' expects 0 or 6 to 7, but got 5: state 'history' holds 4 tokens only and a token "
               "looks back on 4");
  EXPECT_EQ(thresh_session_rewind(session, 7, &status), THRESH_OK);
  EXPECT_EQ(thresh_session_rewind(session, 6, &status), THRESH_OK) << "the next token writes over the one forgotten";
  EXPECT_EQ(run(session, {9}), logitsOfRing({1, 2, 3, 4, 5, 6, 9}, 4)) << status.message;
  EXPECT_EQ(thresh_session_rewind(session, 5, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_EQ(thresh_session_rewind(session, 0, &status), THRESH_OK);
  EXPECT_EQ(run(session, {8}), logitsAfter({8})[0]);
  EXPECT_EQ(thresh_session_rewind(session, 1, &status), THRESH_OK) << "an empty session has lost nothing";
  thresh_session_free(fork);
}

TEST_F(State, RingsStepBackAsFarAsTheirRowsReach) {
  open("decoder_slack.so");
  run(session, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(thresh_session_rewind(session, 3, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "'position' expects 0 or 4 to 8, but got 3: state 'history' holds 6 tokens only and a token "
               "looks back on 3");
  ASSERT_EQ(thresh_session_rewind(session, 4, &status), THRESH_OK) << status.message;
  thresh_session *fork = nullptr;
  ASSERT_EQ(thresh_session_fork(session, &fork, &status), THRESH_OK) << status.message;
  for (thresh_session *each : {session, fork}) {
    EXPECT_EQ(run(each, {9}), logitsOfRing({1, 2, 3, 4, 9}, 3)) << status.message;
    EXPECT_EQ(thresh_session_rewind(each, 3, &status), THRESH_INVALID_ARGUMENT) << "tokens past 5 were written once";
    EXPECT_EQ(thresh_session_rewind(each, 4, &status), THRESH_OK);
  }
  thresh_session_free(fork);
}

TEST_F(State, FailedRunsCostRowsOnlyWhenTheyGotToWriteThem) {
  open("decoder_failing.so");
  const std::vector<int64_t> first = {1, 2, 3, 4, 5, 6, 7, 8}, third = {9, 10, 11, 12, 13, 14};
  run(session, first);
  const thresh_input input = tokenInput(third);
  float small = 0;
  thresh_output output = {};
  output.buffer = &small, output.buffer_bytes = sizeof small;
  int32_t prefill = thresh_model_find_entry(model, "prefill");
  EXPECT_EQ(thresh_session_run(session, prefill, &input, 1, &output, 1, &status), THRESH_INVALID_ARGUMENT);
  run(session, {16, 16, 16, 16, 16, 16});
  EXPECT_EQ(code, THRESH_EXECUTION_FAILED);
  EXPECT_EQ(run(session, {9}), logitsOfRing({1, 2, 3, 4, 5, 6, 7, 8, 9}, 3)) << status.message;
  run(session, {1, 2, 3, 4});
  EXPECT_STREQ(status.message, "entry 'prefill' failed with code 1");
  EXPECT_EQ(run(session, {10}), logitsOfRing({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 3))
      << "the rows of two tokens back are left";
  run(session, third);
  EXPECT_EQ(code, THRESH_EXECUTION_FAILED);
  run(session, {1});
  EXPECT_EQ(code, THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "a run that failed took tokens out of state 'history': rewind the session to 0");
  EXPECT_EQ(thresh_session_rewind(session, 10, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "'position' expects 0, but got 10: state 'history' holds 6 tokens only and a token looks back "
               "on 3");
  ASSERT_EQ(thresh_session_rewind(session, 0, &status), THRESH_OK);
  EXPECT_EQ(run(session, {8}), logitsAfter({8})[0]);
}

TEST_F(State, RefusesNullArguments) {
  open("decoder.so");
  thresh_session *fork = session;
  EXPECT_EQ(thresh_session_fork(nullptr, &fork, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_EQ(fork, nullptr);
  EXPECT_STREQ(status.message, "'session' expects a session, but got null");
  EXPECT_EQ(thresh_session_fork(session, nullptr, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'fork' expects a pointer, but got null");
  EXPECT_EQ(thresh_session_rewind(nullptr, 0, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'session' expects a session, but got null");
}

TEST(StateMemory, IsAlignedAndZero) {
  for (uint64_t bytes : {UINT64_C(64), UINT64_C(5) << 20}) {
    thresh_abi_library table = {};
    table.state_bytes = bytes;
    thresh_state state = {};
    ASSERT_EQ(thresh_state_allocate(&table, &state, nullptr), THRESH_OK);
    EXPECT_EQ(uintptr_t(state.data) % (bytes > 64 ? 2 << 20 : 64), 0u);
    EXPECT_LE(state.data + bytes, static_cast<uint8_t *>(state.mapping) + state.mapping_bytes);
    for (uint64_t i = 0; i < bytes; i += 63)
      ASSERT_EQ(state.data[i], 0);
    state.data[bytes - 1] = 1;
    thresh_state_free(&state);
    EXPECT_EQ(state.data, nullptr);
  }
}

TEST(StateMemory, SaysWhenThereIsNotEnough) {
  thresh_abi_library table = {};
  table.state_bytes = UINT64_C(1) << 60;
  thresh_state state = {};
  thresh_status status;
  EXPECT_EQ(thresh_state_allocate(&table, &state, &status), THRESH_OUT_OF_MEMORY);
  EXPECT_STREQ(status.message, "out of memory: the states of a session need 1152921504606846976 bytes");
}

} // namespace
