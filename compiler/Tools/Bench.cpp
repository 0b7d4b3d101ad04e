//===- Bench.cpp - thresh bench: how fast, beside a rival and the machine ---===//
//
// Ours and the rival run in turns, round by round, so that a drift of the machine's speed hits both.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Tools/Bench.h"

#include "compiler/Tools/KernelTimes.h"
#include "compiler/Tools/MachinePeak.h"
#include "compiler/Tools/ModelRun.h"
#include "compiler/Tools/TextBench.h"

#include <cstdio>
#include <thread>

namespace thresh {
namespace {

/// Between turns, so that threads that still spin for work of the last one have gone to sleep.
constexpr std::chrono::milliseconds kPause(20);

//===-----------------------------------------------------------------------===//
// Measuring
//===-----------------------------------------------------------------------===//

/// What a run of the command found.
struct Report {
  Latencies ours;
  Latencies theirs; ///< empty without a rival
  std::string rivalVersion;
  double flops = 0;         ///< of the model's contractions, a call; 0 when not known
  double peakFlops = 0;     ///< of the machine, a second
  double readBandwidth = 0; ///< of the machine, bytes a second
  double weightBytes = 0;   ///< of the library
  KernelTimes kernels;      ///< if asked for
};

struct BenchOptions {
  int64_t rounds = 10;
  double seconds = 0.3; ///< of one turn
  bool json = false;
  bool kernels = false; ///< a table of what each kernel takes
};

/// Runs for `seconds`, at least three times.
std::string timeOurs(ModelRun &run, double seconds, std::vector<double> &latencies) {
  Clock::time_point start = Clock::now();
  while (latencies.size() < 3 || secondsSince(start) < seconds) {
    Clock::time_point call = Clock::now();
    if (std::string wrong = run.run(); !wrong.empty())
      return wrong;
    latencies.push_back(secondsSince(call));
  }
  return "";
}

std::string timeRival(Rival &rival, double seconds, std::vector<double> &latencies) {
  nlohmann::json answer;
  if (std::string wrong = rival.ask({{"do", "time"}, {"seconds", seconds}}, answer); !wrong.empty())
    return wrong;
  for (const nlohmann::json &value : answer["seconds"])
    if (value.is_number())
      latencies.push_back(value.get<double>());
  return latencies.empty() ? "expects latencies from the rival, but got none" : "";
}

/// One warm-up turn, whose figures are dropped, then the rounds.
std::string measureRounds(ModelRun &run, Rival *rival, const BenchOptions &options, Report &report) {
  for (int64_t round = 0; round <= options.rounds; ++round) {
    std::vector<double> ours, theirs;
    std::this_thread::sleep_for(kPause);
    std::string wrong = timeOurs(run, options.seconds, ours);
    if (wrong.empty() && rival) {
      std::this_thread::sleep_for(kPause);
      wrong = timeRival(*rival, options.seconds, theirs);
    }
    if (!wrong.empty())
      return wrong;
    if (round == 0)
      continue;
    report.ours.addRound(ours);
    if (rival)
      report.theirs.addRound(theirs);
  }
  return "";
}

std::string timeKernels(ModelRun &run, double seconds, KernelTimes &times) {
  std::string wrong = run.listen(times);
  Clock::time_point start = Clock::now();
  for (int calls = 0; wrong.empty() && (calls < 3 || secondsSince(start) < seconds); ++calls) {
    times.startCall();
    wrong = run.run();
  }
  return wrong;
}

std::string measureAll(const RunRequest &request, const BenchOptions &options, ModelRun &run, Report &report) {
  std::string wrong = run.open(request);
  Rival rival;
  nlohmann::json answer;
  bool hasRival = !request.rival.empty();
  if (wrong.empty() && hasRival)
    wrong = run.startRival(request, rival, answer);
  if (auto version = answer.find("version"); version != answer.end() && version->is_string())
    report.rivalVersion = version->get<std::string>();
  if (wrong.empty())
    wrong = measureRounds(run, hasRival ? &rival : nullptr, options, report);
  if (wrong.empty() && options.kernels)
    wrong = timeKernels(run, options.seconds, report.kernels);
  if (!wrong.empty())
    return wrong;
  report.flops = run.countFlops();
  report.weightBytes = double(run.weightBytes());
  report.peakFlops = measurePeakFlops(thresh_num_threads(), options.seconds);
  report.readBandwidth = measureReadBandwidth(thresh_num_threads(), options.seconds);
  return "";
}

/// Smallest and largest ratio of the rounds' medians.
std::pair<double, double> ratioRange(const Report &report) {
  double low = report.ours.roundMedians[0] / report.theirs.roundMedians[0], high = low;
  for (size_t round = 1; round < report.ours.roundMedians.size(); ++round) {
    double ratio = report.ours.roundMedians[round] / report.theirs.roundMedians[round];
    low = std::min(low, ratio);
    high = std::max(high, ratio);
  }
  return {low, high};
}

//===-----------------------------------------------------------------------===//
// Printing
//===-----------------------------------------------------------------------===//

nlohmann::ordered_json toJson(const Latencies &latencies) {
  return {{"median_s", latencies.median()},
          {"min_s", latencies.minimum()},
          {"max_s", latencies.maximum()},
          {"runs", latencies.all.size()}};
}

void printJson(const RunRequest &request, const ModelRun &run, const Report &report, const BenchOptions &options) {
  nlohmann::ordered_json inputs = nlohmann::ordered_json::object();
  for (const thresh_input &input : run.runInputs())
    inputs[input.name] = describeTensor(input.dtype, input.shape, input.rank);
  nlohmann::ordered_json json = {{"library", request.library},
                                 {"target", run.target()},
                                 {"threads", thresh_num_threads()},
                                 {"inputs", inputs},
                                 {"thresh", toJson(report.ours)}};
  if (!report.theirs.all.empty()) {
    auto [low, high] = ratioRange(report);
    json["rival"] = toJson(report.theirs);
    json["rival"]["name"] = request.rival;
    json["rival"]["version"] = report.rivalVersion;
    json["ratio"] = report.ours.median() / report.theirs.median();
    json["ratio_of_rounds"] = {low, high};
  }
  if (report.flops > 0)
    json["flops"] = report.flops;
  json["weight_bytes"] = report.weightBytes;
  if (options.kernels)
    json["kernels"] = report.kernels.toJson(/*position=*/-1, report.readBandwidth);
  json["machine"] = {{"peak_flops_per_s", report.peakFlops}, {"read_bytes_per_s", report.readBandwidth}};
  std::printf("%s\n", json.dump(2).c_str());
}

void printLatencies(const char *name, const Latencies &latencies) {
  std::printf("%-12s %10.3f ms %10.3f ms %10.3f ms %8zu\n", name, latencies.median() * 1e3, latencies.minimum() * 1e3,
              latencies.maximum() * 1e3, latencies.all.size());
}

void printText(const RunRequest &request, const ModelRun &run, const Report &report, const BenchOptions &options) {
  std::printf("%s, %s, %d threads\n", request.library.c_str(), run.target(), thresh_num_threads());
  for (const thresh_input &input : run.runInputs())
    std::printf("  %s %s\n", input.name, describeTensor(input.dtype, input.shape, input.rank).c_str());
  std::printf("%-12s %13s %13s %13s %8s\n", "latency", "median", "min", "max", "runs");
  printLatencies("thresh", report.ours);
  if (!report.theirs.all.empty()) {
    auto [low, high] = ratioRange(report);
    printLatencies(request.rival.c_str(), report.theirs);
    std::printf("ratio        %10.3f of %s's latency (%.3f to %.3f by round)\n",
                report.ours.median() / report.theirs.median(), request.rival.c_str(), low, high);
  }
  double seconds = report.ours.median();
  std::printf("machine      %.1f GFLOP/s of f32 multiply-adds, %.1f GB/s read\n", report.peakFlops / 1e9,
              report.readBandwidth / 1e9);
  if (report.flops > 0)
    std::printf("compute      %.3f GFLOP in contractions a call: %.1f GFLOP/s, %.1f %% of the machine's\n",
                report.flops / 1e9, report.flops / seconds / 1e9, 100 * report.flops / seconds / report.peakFlops);
  if (report.weightBytes > 0 && report.readBandwidth > 0)
    std::printf("memory       %.1f MB of weights: reading all of them takes %.3f ms here, %.1f %% of the latency\n",
                report.weightBytes / 1e6, report.weightBytes / report.readBandwidth * 1e3,
                100 * report.weightBytes / report.readBandwidth / seconds);
  if (options.kernels)
    report.kernels.print(/*position=*/-1, report.readBandwidth);
}

int fail(const std::string &message) {
  std::fprintf(stderr, "thresh bench: error: %s\n", message.c_str());
  return 1;
}

} // namespace

int benchCommand(int argc, char **argv) {
  RunRequest request;
  BenchOptions options;
  TextBenchOptions text;
  CommandSyntax syntax = {
      "thresh bench", "OUT.so",
      "Times a compiled library on inputs of the given sizes: median, minimum and maximum latency of a\n"
      "call. With a rival, both run in turns in one go, with the same inputs and thread count, and the\n"
      "ratio of the medians is printed (below 1: we are faster), with its range over the rounds. The\n"
      "machine's peak rate of f32 multiply-adds and its read bandwidth are measured by loops in this\n"
      "program; the floating-point operations are those of the model's contractions.\n\n"
      "An entry point that continues sessions is timed per token, with sessions filled to each depth: of a language\n"
      "model `decode` unless --entry says otherwise. The bytes that a token touches are the weights it uses and the\n"
      "keys and values held.",
      runOptions(request, "--vs", "RIVAL", "the other engine: onnxruntime")};
  syntax.options.push_back({"--rounds", "N", "turns of each engine after one for warm-up; default 10",
                            storeInteger(options.rounds, 1, 100000)});
  syntax.options.push_back(
      {"--seconds", "S", "length of a turn, which holds at least 3 calls; default 0.3", storeReal(options.seconds, 0)});
  syntax.options.push_back(
      {"--entry", "NAME", "entry point to time; default: `decode`, else the first", storeText(request.entry)});
  syntax.options.push_back({"--depth", "N,N,...",
                            "tokens that a session holds before each turn; default 16, for prefill 0",
                            storeIntegers(text.depths, 0, INT32_MAX)});
  syntax.options.push_back(
      {"--tokens", "N", "tokens of a turn; default 16, for prefill 512", storeInteger(text.tokens, 1, INT32_MAX)});
  syntax.options.push_back({"--kernels", nullptr, "time each kernel within the calls, beside the bytes that it reads",
                            storeFlag(options.kernels)});
  syntax.options.push_back({"--json", nullptr, "print one JSON object", storeFlag(options.json)});
  ParseResult parsed = parseCommandLine(syntax, argc, argv, request.library);
  if (parsed != ParseResult::Run)
    return parsed == ParseResult::Failed;

  if (isTextRequest(request)) {
    text.rounds = options.rounds;
    text.seconds = options.seconds;
    text.json = options.json;
    text.kernels = options.kernels;
    std::string wrong = benchText(request, text);
    return wrong.empty() ? 0 : fail(wrong);
  }
  if (!text.depths.empty() || text.tokens)
    return fail("--depth and --tokens are for entry points that continue sessions");
  ModelRun run;
  Report report;
  if (std::string wrong = measureAll(request, options, run, report); !wrong.empty())
    return fail(wrong);
  if (options.json)
    printJson(request, run, report, options);
  else
    printText(request, run, report, options);
  return 0;
}

} // namespace thresh
