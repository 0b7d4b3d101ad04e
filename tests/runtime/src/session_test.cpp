//===- session_test.cpp - runs: results, memory, every refusal ----------------===//
#include "thresh/thresh.h"

#include <dlfcn.h>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace {

/// What the entry "misbehave" of the mock does; the numbers are those of mock_library.c.
enum Mode : int64_t {
  BEHAVE,
  FAIL,
  FAIL_WITHOUT_REASON,
  MAKE_NO_OUTPUT,
  ASK_FOR_TWO_ARENAS,
  ASK_FOR_NEGATIVE_ARENA,
  ASK_FOR_HUGE_ARENA,
  ASK_FOR_UNKNOWN_OUTPUT,
  ASK_FOR_NEGATIVE_OUTPUT,
  ASK_FOR_HUGE_OUTPUT,
  CALL_HOOK,
};

const char *const mock = MOCK_FOLDER "/mock.so";

class Session : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(thresh_model_open(mock, nullptr, &model, &status), THRESH_OK) << status.message;
    ASSERT_EQ(thresh_session_create(model, &session, &status), THRESH_OK) << status.message;
  }

  void TearDown() override {
    thresh_session_free(session);
    thresh_model_close(model);
  }

  /// An input of main of the given number of rows.
  thresh_input rows(const char *name, int64_t count) {
    return {name, THRESH_F32, 2, {count, 4}, data, size_t(count) * 16};
  }

  /// Message of a run of main that has to be refused.
  std::string refusal(const std::vector<thresh_input> &inputs, std::vector<thresh_output> outputs = {}) {
    thresh_code code = thresh_session_run(session, 0, inputs.data(), int32_t(inputs.size()), outputs.data(),
                                          int32_t(outputs.size()), &status);
    EXPECT_EQ(code, THRESH_INVALID_ARGUMENT);
    EXPECT_EQ(status.code, code);
    return status.message;
  }

  thresh_code misbehave(int64_t mode, thresh_output *output = nullptr) {
    thresh_input input = {nullptr, THRESH_I64, 0, {}, &mode, 8};
    return thresh_session_run(session, 1, &input, 1, output, output ? 1 : 0, &status);
  }

  thresh_model *model = nullptr;
  thresh_session *session = nullptr;
  thresh_status status;
  alignas(64) float data[64] = {1, 2, 3, 4, 5, 6, 7, 8};
};

//===-------------------------------------------------------------------------===//
// Results and memory
//===-------------------------------------------------------------------------===//

TEST_F(Session, RunsByPosition) {
  const thresh_input inputs[] = {rows(nullptr, 2), rows(nullptr, 2)};
  thresh_output outputs[2] = {};
  ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, outputs, 2, &status), THRESH_OK) << status.message;
  EXPECT_STREQ(status.message, "");
  EXPECT_EQ(outputs[0].dtype, THRESH_F32);
  ASSERT_EQ(outputs[0].rank, 2);
  EXPECT_EQ(outputs[0].shape[0], 2);
  EXPECT_EQ(outputs[0].shape[1], 4);
  EXPECT_EQ(outputs[0].bytes, 32u);
  EXPECT_EQ(uintptr_t(outputs[0].data) % 64, 0u);
  EXPECT_EQ(static_cast<float *>(outputs[0].data)[7], 16);
  EXPECT_EQ(outputs[1].rank, 0);
  EXPECT_EQ(*static_cast<int64_t *>(outputs[1].data), 2);
}

TEST_F(Session, RunsByName) {
  alignas(64) float other[4] = {100, 100, 100, 100};
  const thresh_input inputs[] = {{"y", THRESH_F32, 2, {1, 4}, other, 16}, rows("x", 1)};
  thresh_output outputs[2] = {};
  outputs[0].name = "rows";
  outputs[1].name = "sum";
  ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, outputs, 2, &status), THRESH_OK) << status.message;
  EXPECT_EQ(*static_cast<int64_t *>(outputs[0].data), 1);
  EXPECT_EQ(static_cast<float *>(outputs[1].data)[0], 101);
}

TEST_F(Session, ListenerHearsEveryLaunch) {
  const thresh_input inputs[] = {rows(nullptr, 1), rows(nullptr, 1)};
  std::vector<int32_t> heard;
  auto listener = [](void *context, int32_t launch) {
    static_cast<std::vector<int32_t> *>(context)->push_back(launch);
  };
  ASSERT_EQ(thresh_session_listen(session, listener, &heard, &status), THRESH_OK) << status.message;
  for (int run = 0; run < 2; ++run)
    ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, nullptr, 0, &status), THRESH_OK) << status.message;
  EXPECT_EQ(heard, (std::vector<int32_t>{0, 0}));
  ASSERT_EQ(thresh_session_listen(session, nullptr, nullptr, &status), THRESH_OK);
  ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, nullptr, 0, &status), THRESH_OK);
  EXPECT_EQ(heard.size(), 2u);
  EXPECT_EQ(thresh_session_listen(nullptr, listener, &heard, &status), THRESH_INVALID_ARGUMENT);
}

TEST_F(Session, RunsWithoutOutputsAndStatus) {
  const thresh_input inputs[] = {rows(nullptr, 1), rows(nullptr, 1)};
  EXPECT_EQ(thresh_session_run(session, 0, inputs, 2, nullptr, 0, nullptr), THRESH_OK);
}

TEST_F(Session, RunsOnNoRows) {
  thresh_input inputs[] = {rows(nullptr, 0), rows(nullptr, 0)};
  inputs[0].data = nullptr;
  thresh_output outputs[1] = {};
  ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, outputs, 1, &status), THRESH_OK) << status.message;
  EXPECT_EQ(outputs[0].shape[0], 0);
  EXPECT_EQ(outputs[0].bytes, 0u);
  EXPECT_NE(outputs[0].data, nullptr);
}

TEST_F(Session, KeepsItsOutputsWhereTheyAre) {
  thresh_output outputs[1] = {};
  void *first = nullptr;
  for (int64_t count : {8, 3, 8, 1}) {
    const thresh_input inputs[] = {rows(nullptr, count), rows(nullptr, count)};
    ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, outputs, 1, &status), THRESH_OK) << status.message;
    first = first ? first : outputs[0].data;
    EXPECT_EQ(outputs[0].data, first);
    EXPECT_EQ(outputs[0].shape[0], count);
    EXPECT_EQ(outputs[0].buffer, nullptr);
  }
}

TEST_F(Session, WritesIntoTheCallersBuffer) {
  const thresh_input inputs[] = {rows(nullptr, 2), rows(nullptr, 2)};
  alignas(64) float buffer[12];
  std::fill(std::begin(buffer), std::end(buffer), -1.0f);
  thresh_output outputs[1] = {};
  outputs[0].buffer = buffer;
  outputs[0].buffer_bytes = sizeof buffer;
  ASSERT_EQ(thresh_session_run(session, 0, inputs, 2, outputs, 1, &status), THRESH_OK) << status.message;
  EXPECT_EQ(outputs[0].data, buffer);
  EXPECT_EQ(outputs[0].bytes, 32u);
  EXPECT_EQ(outputs[0].buffer_bytes, sizeof buffer);
  EXPECT_EQ(buffer[7], 16);
  EXPECT_EQ(buffer[8], -1);
}

TEST_F(Session, OutlivesTheHandleOfItsModel) {
  thresh_model_close(model);
  model = nullptr;
  const thresh_input inputs[] = {rows(nullptr, 1), rows(nullptr, 1)};
  EXPECT_EQ(thresh_session_run(session, 0, inputs, 2, nullptr, 0, &status), THRESH_OK) << status.message;
}

TEST_F(Session, SeveralRunAtOnce) {
  ASSERT_EQ(thresh_set_num_threads(3, nullptr), THRESH_OK);
  std::vector<std::thread> threads;
  std::vector<int> wrong(6);
  for (int id = 0; id < 6; ++id)
    threads.emplace_back([&, id] {
      thresh_session *own;
      if (thresh_session_create(model, &own, nullptr) != THRESH_OK) {
        wrong[id] = -1;
        return;
      }
      alignas(64) float values[32];
      std::fill(std::begin(values), std::end(values), float(id));
      const thresh_input inputs[] = {{"x", THRESH_F32, 2, {8, 4}, values, 128},
                                     {"y", THRESH_F32, 2, {8, 4}, values, 128}};
      for (int round = 0; round < 500; ++round) {
        thresh_output output = {};
        thresh_code code = thresh_session_run(own, 0, inputs, 2, &output, 1, nullptr);
        wrong[id] += code != THRESH_OK || static_cast<float *>(output.data)[31] != float(2 * id);
      }
      thresh_session_free(own);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(6));
}

//===-------------------------------------------------------------------------===//
// Optional inputs
//===-------------------------------------------------------------------------===//

TEST_F(Session, FillsInputsLeftOut) {
  int32_t fill = thresh_model_find_entry(model, "fill");
  thresh_output output = {};
  for (int64_t count : {2, 5, 1, 0}) {
    const thresh_input x = {"x", THRESH_F32, 1, {count}, data, size_t(count) * 4};
    ASSERT_EQ(thresh_session_run(session, fill, &x, 1, &output, 1, &status), THRESH_OK) << status.message;
    ASSERT_EQ(output.shape[0], count);
    for (int64_t i = 0; i < count * 4; ++i)
      EXPECT_EQ(static_cast<float *>(output.data)[i], data[i / 4] + 3 - 2 + 7);
  }
}

TEST_F(Session, TakesOptionalInputsThatAreGiven) {
  int32_t fill = thresh_model_find_entry(model, "fill");
  const int64_t hundred = 100;
  const thresh_input inputs[] = {{"o", THRESH_I64, 0, {}, &hundred, 8}, {"x", THRESH_F32, 1, {2}, data, 8}};
  thresh_output output = {};
  ASSERT_EQ(thresh_session_run(session, fill, inputs, 2, &output, 1, &status), THRESH_OK) << status.message;
  EXPECT_EQ(static_cast<float *>(output.data)[0], data[0] + 3 - 2 + 100);
  const thresh_input wrong[] = {{"x", THRESH_F32, 1, {2}, data, 8}, {"c", THRESH_F32, 1, {3}, data, 12}};
  EXPECT_EQ(thresh_session_run(session, fill, wrong, 2, &output, 1, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "input 'c' dimension 0 ('n') expects 2 as in input 'x' dimension 0, but got 3");
}

TEST_F(Session, RefusesToFillAnInputOfUnknownExtent) {
  const thresh_input x = {"x", THRESH_F32, 1, {2}, data, 8};
  EXPECT_EQ(thresh_session_run(session, thresh_model_find_entry(model, "unbound"), &x, 1, nullptr, 0, &status),
            THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "input 'u' of entry 'unbound' is missing: no given input has its dimension 'm'");
}

//===-------------------------------------------------------------------------===//
// Refusals
//===-------------------------------------------------------------------------===//

TEST_F(Session, RefusesNullArguments) {
  thresh_session *none = session;
  EXPECT_EQ(thresh_session_create(nullptr, &none, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
  EXPECT_STREQ(status.message, "'model' expects an open model, but got null");
  EXPECT_EQ(thresh_session_create(model, nullptr, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'session' expects a pointer, but got null");
  EXPECT_EQ(thresh_session_run(nullptr, 0, nullptr, 0, nullptr, 0, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'session' expects a session, but got null");
  EXPECT_EQ(thresh_session_run(session, 0, nullptr, 2, nullptr, 0, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'inputs' and 'outputs' expect arrays of their counts");
  EXPECT_EQ(thresh_session_run(session, 0, nullptr, 0, nullptr, -1, &status), THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "'inputs' and 'outputs' expect arrays of their counts");
  thresh_session_free(nullptr);
}

TEST_F(Session, RefusesUnknownEntries) {
  for (int32_t entry : {-1, 17}) {
    EXPECT_EQ(thresh_session_run(session, entry, nullptr, 0, nullptr, 0, &status), THRESH_INVALID_ARGUMENT);
    EXPECT_EQ(status.message, "'entry' expects a number below 17, but got " + std::to_string(entry));
  }
}

TEST_F(Session, RefusesWrongNames) {
  EXPECT_EQ(refusal({rows("x", 1)}), "input 'y' of entry 'main' is missing");
  EXPECT_EQ(refusal({rows("x", 1), rows("q", 1)}), "entry 'main' has no input 'q'; it has 'x', 'y'");
  EXPECT_EQ(refusal({rows("x", 1), rows("x", 1)}), "input 'x' is given twice");
  EXPECT_EQ(refusal({rows("y", 1), rows(nullptr, 1)}), "input 'y' is given twice");
  EXPECT_EQ(refusal({rows("x", 1), rows("y", 1), rows(nullptr, 1)}),
            "entry 'main' expects 2 inputs, but got one at position 2");
}

TEST_F(Session, RefusesWrongOutputs) {
  const std::vector<thresh_input> inputs = {rows("x", 1), rows("y", 1)};
  thresh_output sum = {}, unknown = {}, small = {}, crooked = {};
  sum.name = "sum";
  unknown.name = "q";
  small.buffer = data + 32;
  small.buffer_bytes = 15;
  crooked.buffer = reinterpret_cast<char *>(data) + 130;
  crooked.buffer_bytes = 64;
  EXPECT_EQ(refusal(inputs, {unknown}), "entry 'main' has no output 'q'; it has 'sum', 'rows'");
  EXPECT_EQ(refusal(inputs, {sum, sum}), "output 'sum' is asked for twice");
  EXPECT_EQ(refusal(inputs, {{}, {}, {}}), "entry 'main' expects 2 outputs, but got one at position 2");
  EXPECT_EQ(refusal(inputs, {small}), "output 'sum' of shape [1, 4] expects a buffer of 16 bytes, but got 15");
  EXPECT_EQ(refusal(inputs, {crooked}), "output 'sum' expects a buffer aligned to 4 bytes");
}

TEST_F(Session, RefusesWrongTensors) {
  thresh_input y = rows("y", 1);
  const std::pair<std::string, std::function<void(thresh_input &)>> cases[] = {
      {"input 'x' expects dtype f32, but got i64", [](auto &x) { x.dtype = THRESH_I64; }},
      {"input 'x' expects dtype f32, but got unknown", [](auto &x) { x.dtype = thresh_dtype(77); }},
      {"input 'x' expects rank 2 [batch, 4], but got rank 3", [](auto &x) { x.rank = 3; }},
      {"input 'x' expects rank 2 [batch, 4], but got rank -1", [](auto &x) { x.rank = -1; }},
      {"input 'x' dimension 1 expects 4, but got 5 (shape [1, 5], declared [batch, 4])",
       [](auto &x) { x.shape[1] = 5; }},
      {"input 'x' dimension 0 expects an extent of 0 or more, but got -1", [](auto &x) { x.shape[0] = -1; }},
      {"input 'y' dimension 0 ('batch') expects 2 as in input 'x' dimension 0, but got 1",
       [](auto &x) { x.shape[0] = 2, x.bytes = 32; }},
      {"input 'x' of shape [1, 4] and dtype f32 expects 16 bytes, but got 15", [](auto &x) { x.bytes = 15; }},
      {"input 'x' of shape [4611686018427387904, 4] is larger than any memory",
       [](auto &x) { x.shape[0] = int64_t(1) << 62; }},
      {"input 'x' expects data, but got null", [](auto &x) { x.data = nullptr; }},
      {"input 'x' expects data aligned to 4 bytes", [](auto &x) { x.data = static_cast<const char *>(x.data) + 1; }},
  };
  for (const auto &[message, damage] : cases) {
    thresh_input x = rows("x", 1);
    damage(x);
    EXPECT_EQ(refusal({x, y}), message);
  }
  const thresh_input inputs[] = {rows("x", 1), rows("y", 1)};
  EXPECT_EQ(thresh_session_run(session, 0, inputs, 2, nullptr, 0, &status), THRESH_OK) << "after refusals";
}

TEST_F(Session, RefusesASecondRunInside) {
  void *handle = dlopen(mock, RTLD_NOW);
  ASSERT_NE(handle, nullptr);
  auto hook = static_cast<void (**)()>(dlsym(handle, "mock_hook"));
  ASSERT_NE(hook, nullptr);
  static thresh_session *busy;
  static thresh_status inner;
  busy = session;
  *hook = [] {
    const int64_t mode = BEHAVE;
    thresh_input input = {nullptr, THRESH_I64, 0, {}, &mode, 8};
    thresh_session_run(busy, 1, &input, 1, nullptr, 0, &inner);
  };
  EXPECT_EQ(misbehave(CALL_HOOK), THRESH_OK) << status.message;
  EXPECT_EQ(inner.code, THRESH_INVALID_ARGUMENT);
  EXPECT_STREQ(inner.message, "the session is running in another thread");
  dlclose(handle);
}

TEST_F(Session, ReportsWhatTheCompiledCodeDoesWrong) {
  const std::tuple<int64_t, thresh_code, std::string> cases[] = {
      {FAIL, THRESH_EXECUTION_FAILED, "entry 'misbehave': index 30522 is out of range 0 to 30521"},
      {FAIL_WITHOUT_REASON, THRESH_EXECUTION_FAILED, "entry 'misbehave' failed with code 7"},
      {MAKE_NO_OUTPUT, THRESH_EXECUTION_FAILED, "entry 'misbehave' did not make output 'out'"},
      {ASK_FOR_TWO_ARENAS, THRESH_EXECUTION_FAILED, "entry 'misbehave' asked for scratch memory wrongly"},
      {ASK_FOR_NEGATIVE_ARENA, THRESH_EXECUTION_FAILED, "entry 'misbehave' asked for scratch memory wrongly"},
      {ASK_FOR_HUGE_ARENA, THRESH_OUT_OF_MEMORY,
       "out of memory: entry 'misbehave' needs 1152921504606846976 bytes of scratch memory"},
      {ASK_FOR_UNKNOWN_OUTPUT, THRESH_EXECUTION_FAILED, "entry 'misbehave' asked for memory of output 9 wrongly"},
      {ASK_FOR_NEGATIVE_OUTPUT, THRESH_EXECUTION_FAILED, "entry 'misbehave' asked for memory of output 0 wrongly"},
      {ASK_FOR_HUGE_OUTPUT, THRESH_OUT_OF_MEMORY, "out of memory: output 'out' needs 1152921504606846976 bytes"},
  };
  for (const auto &[mode, code, message] : cases) {
    thresh_output output = {};
    EXPECT_EQ(misbehave(mode, &output), code);
    EXPECT_EQ(status.code, code);
    EXPECT_EQ(status.message, message);
  }
  thresh_output output = {};
  EXPECT_EQ(misbehave(BEHAVE, &output), THRESH_OK) << status.message;
  EXPECT_EQ(output.shape[0], 3);
}

} // namespace
