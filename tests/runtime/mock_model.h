//===- mock_model.h - a fixture on the language model written by hand ----------===//
#ifndef THRESH_TESTS_RUNTIME_MOCK_MODEL_H
#define THRESH_TESTS_RUNTIME_MOCK_MODEL_H

#include "thresh/thresh.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

/// A build of Inputs/mock_decoder.c, open, and a session of it.
class MockModel : public testing::Test {
protected:
  void open(const char *library) {
    ASSERT_EQ(thresh_model_open((std::string(MOCK_FOLDER "/") + library).c_str(), nullptr, &model, &status), THRESH_OK)
        << status.message;
    ASSERT_EQ(thresh_session_create(model, &session, &status), THRESH_OK) << status.message;
  }

  void TearDown() override {
    thresh_session_free(session);
    thresh_model_close(model);
  }

  /// The input of the mock's entries; points into `tokens`.
  static thresh_input tokenInput(const std::vector<int64_t> &tokens) {
    return {"tokens", THRESH_I64, 1, {int64_t(tokens.size())}, tokens.data(), tokens.size() * 8};
  }

  /// The logits that the mock promises after these tokens.
  static std::vector<float> logitsAfter(const std::vector<int64_t> &tokens) {
    int64_t h = 0;
    for (size_t j = 0; j < tokens.size(); ++j)
      h += int64_t(j + 1) * (tokens[j] + 1);
    std::vector<float> logits;
    for (int64_t v = 0; v < 16; ++v)
      logits.push_back(float((7 * v + h) % 16) / 4);
    return logits;
  }

  thresh_model *model = nullptr;
  thresh_session *session = nullptr;
  thresh_status status;
};

#endif // THRESH_TESTS_RUNTIME_MOCK_MODEL_H
