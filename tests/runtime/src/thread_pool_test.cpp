//===- thread_pool_test.cpp - parallel loops ----------------------------------===//
extern "C" {
#include "runtime/src/thread_pool.h"
}
#include "thresh/thresh.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

/// Runs the loop body `body(index)`, which returns 0 or an error.
template <typename Body> int parallelFor(int min, int size, Body body) {
  auto task = [](void *, int index, uint8_t *closure) { return (*reinterpret_cast<Body *>(closure))(index); };
  return thresh_parallel_for(nullptr, task, min, size, reinterpret_cast<uint8_t *>(&body));
}

class ThreadPool : public testing::TestWithParam<int> {
protected:
  void SetUp() override { ASSERT_EQ(thresh_set_num_threads(GetParam(), nullptr), THRESH_OK); }
};

TEST_P(ThreadPool, CallsEveryIndexOnce) {
  for (int size : {0, 1, 2, 3, 7, 64, 1000, 100003}) {
    std::vector<std::atomic<int>> calls(size);
    ASSERT_EQ(parallelFor(-5, size, [&](int index) { return calls[index + 5]++, 0; }), 0);
    for (auto &count : calls)
      ASSERT_EQ(count, 1) << "of " << size;
  }
}

TEST_P(ThreadPool, SeesWhatTheCallerWroteAndTheCallerSeesWhatTasksWrote) {
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> in(16, round), out(16);
    ASSERT_EQ(parallelFor(0, 16, [&](int index) { return out[index] = in[index], 0; }), 0);
    ASSERT_EQ(out, in);
  }
}

TEST_P(ThreadPool, PassesTheUserContextOn) {
  auto task = [](void *context, int, uint8_t *) { return ++*static_cast<std::atomic<int> *>(context), 0; };
  std::atomic<int> calls{0};
  ASSERT_EQ(thresh_parallel_for(&calls, task, 0, 9, nullptr), 0);
  EXPECT_EQ(calls, 9);
}

TEST_P(ThreadPool, RunsNestedLoopsInline) {
  std::atomic<int> sum{0};
  std::atomic<bool> stayed{true};
  ASSERT_EQ(parallelFor(0, 8,
                        [&](int outer) {
                          auto here = std::this_thread::get_id();
                          return parallelFor(0, 8, [&](int inner) {
                            stayed = stayed && std::this_thread::get_id() == here;
                            sum += outer * 8 + inner;
                            return parallelFor(0, 2, [&](int) { return 0; });
                          });
                        }),
            0);
  EXPECT_EQ(sum, 64 * 63 / 2);
  EXPECT_TRUE(stayed);
}

TEST_P(ThreadPool, ReturnsAnError) {
  for (int failing : {0, 1, 500, 999})
    EXPECT_EQ(parallelFor(0, 1000, [&](int index) { return index == failing ? -41 : 0; }), -41);
  EXPECT_EQ(parallelFor(0, 100, [&](int) { return 0; }), 0) << "the error of an earlier loop stays behind";
}

TEST_P(ThreadPool, DropsIndicesAfterAnError) {
  std::atomic<int> calls{0};
  EXPECT_EQ(parallelFor(0, 1000000, [&](int) { return ++calls, 3; }), 3);
  EXPECT_LE(calls, GetParam());
}

TEST_P(ThreadPool, ReturnsAnErrorOfANestedLoop) {
  EXPECT_EQ(parallelFor(0, 4, [&](int) { return parallelFor(0, 4, [](int inner) { return inner == 3 ? 9 : 0; }); }), 9);
}

TEST_P(ThreadPool, ServesManyCallersAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 24; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 300; ++round) {
        std::atomic<long> sum{0};
        int size = 1 + (caller * 7 + round) % 40;
        int error =
            parallelFor(0, size, [&](int index) { return sum += index, caller % 5 == 0 && index == 3 ? 1 : 0; });
        bool fails = caller % 5 == 0 && size > 3;
        wrong += error != fails || (!fails && sum != size * (size - 1) / 2);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(ThreadPool, WakesAfterAPause) {
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> calls{0};
    ASSERT_EQ(parallelFor(0, 50, [&](int) { return ++calls, 0; }), 0);
    ASSERT_EQ(calls, 50);
  }
}

TEST_P(ThreadPool, UsesItsThreadsAndNoMore) {
  std::set<std::thread::id> seen;
  std::mutex guard;
  std::atomic<int> waiting{0};
  int threads = GetParam();
  // Every thread of the loop waits for the others, or for a while if there are none.
  ASSERT_EQ(parallelFor(0, threads,
                        [&](int) {
                          ++waiting;
                          for (int i = 0; i < 5000 && waiting < threads; ++i)
                            std::this_thread::sleep_for(std::chrono::milliseconds(1));
                          std::lock_guard<std::mutex> lock(guard);
                          return seen.insert(std::this_thread::get_id()), 0;
                        }),
            0);
  if (threads == 1)
    EXPECT_EQ(*seen.begin(), std::this_thread::get_id());
  EXPECT_EQ(seen.size(), size_t(threads));
}

TEST_P(ThreadPool, WorksInAForkedChild) {
  ASSERT_EQ(parallelFor(0, 8, [](int) { return 0; }), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int calls = 0;
    _exit(parallelFor(0, 100, [&](int) { return ++calls, 0; }) == 0 && calls == 100 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPool, testing::Values(1, 2, 4, 3, 16));

TEST(ThreadPoolSettings, ChangeWhileLoopsRun) {
  std::atomic<bool> stop{false};
  std::thread setter([&] {
    for (int count = 1; !stop; count = count % 6 + 1)
      thresh_set_num_threads(count, nullptr);
  });
  for (int round = 0; round < 20000; ++round) {
    std::atomic<int> calls{0};
    ASSERT_EQ(parallelFor(0, 12, [&](int) { return ++calls, 0; }), 0);
    ASSERT_EQ(calls, 12);
  }
  stop = true;
  setter.join();
}

TEST(ThreadPoolSettings, RefuseImpossibleCounts) {
  ASSERT_EQ(thresh_set_num_threads(3, nullptr), THRESH_OK);
  thresh_status status;
  for (int count : {0, -1, 257}) {
    EXPECT_EQ(thresh_set_num_threads(count, &status), THRESH_INVALID_ARGUMENT);
    EXPECT_EQ(status.message, "the thread count expects 1 to 256, but got " + std::to_string(count));
  }
  EXPECT_EQ(thresh_num_threads(), 3);
  EXPECT_EQ(thresh_set_num_threads(256, &status), THRESH_OK);
  EXPECT_STREQ(status.message, "");
  EXPECT_EQ(thresh_set_num_threads(2, nullptr), THRESH_OK);
}

} // namespace
