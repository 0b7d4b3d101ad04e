//===- TextBench.cpp - thresh bench for language models ---------------------===//
//
// A session is filled to the depth once. Each turn starts there again: it rewinds, or forks the filled session
// where a sliding window has lost what lies behind.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Tools/TextBench.h"

#include "compiler/Tools/KernelTimes.h"
#include "compiler/Tools/MachinePeak.h"

#include <cstdio>
#include <memory>
#include <random>
#include <string_view>

namespace thresh {
namespace {

/// Tokens of a call that fills a session.
constexpr int64_t kFillChunk = 512;

struct ModelCloser {
  void operator()(thresh_model *model) const { thresh_model_close(model); }
};
struct SessionFreer {
  void operator()(thresh_session *session) const { thresh_session_free(session); }
};
using ModelHandle = std::unique_ptr<thresh_model, ModelCloser>;
using SessionHandle = std::unique_ptr<thresh_session, SessionFreer>;

std::string openModel(const RunRequest &request, bool signatureOnly, ModelHandle &model) {
  thresh_status status;
  thresh_open_options options = {};
  options.target = request.target.empty() ? nullptr : request.target.c_str();
  options.signature_only = signatureOnly;
  thresh_model *opened = nullptr;
  thresh_model_open(request.library.c_str(), &options, &opened, &status);
  model.reset(opened);
  return status.message;
}

/// What was measured at one depth.
struct DepthReport {
  int64_t depth = 0;
  Latencies perToken;
  double touchedBytes = 0; ///< a token in the middle of a turn; 0 where not known or where a call takes many
  double denseBytes = 0;   ///< the same if the model chose nothing
  thresh_usage usage = {}; ///< of the turns' tokens
  KernelTimes kernels;     ///< if asked for
};

class TextBench {
public:
  std::string open(const RunRequest &request, const TextBenchOptions &chosen);
  std::string measure();
  void print() const;
  void printUsage() const;
  void printJson() const;

private:
  bool isOneToken() const { return input->shape[input->rank - 1] == 1; }
  std::string checkInputs() const;
  std::string checkDepths() const;
  /// Runs `count` of the random tokens through an entry point, and adds to `usage` what its sparse layers used.
  std::string runTokens(thresh_session *session, int32_t index, int64_t count, thresh_usage *usage = nullptr);
  std::string fill(int64_t depth);
  std::string startTurn(int64_t depth, SessionHandle &session);
  std::string runTurn(thresh_session *session, double &secondsPerToken, thresh_usage *usage,
                      KernelTimes *times = nullptr);
  std::string timeKernels(DepthReport &report, SessionHandle &session);
  /// Tokens held in the middle of a turn.
  int64_t middleOf(int64_t depth) const { return depth + options.tokens / 2 + isOneToken(); }
  std::string measureDepth(DepthReport &report);
  nlohmann::ordered_json toJson(const DepthReport &report) const;
  double share(const DepthReport &report) const {
    return report.touchedBytes / report.perToken.median() / readBandwidth;
  }

  RunRequest request;
  TextBenchOptions options;
  ModelHandle model;
  int32_t entry = -1;
  const thresh_tensor_info *input = nullptr;
  SessionHandle filled;
  std::vector<int64_t> tokens;
  std::vector<DepthReport> reports;
  double readBandwidth = 0, readBandwidthAlone = 0; ///< bytes a second, of the threads in use and of one
};

//===-----------------------------------------------------------------------===//
// Opening
//===-----------------------------------------------------------------------===//

std::string TextBench::checkInputs() const {
  const thresh_entry_info &info = *thresh_model_entry(model.get(), entry);
  for (int32_t i = 0; i < info.num_inputs; ++i)
    if (i != info.token_input && !info.inputs[i].optional)
      return "entry '" + request.entry + "' expects inputs other than tokens: '" + info.inputs[i].name + "'";
  if (input->dtype != THRESH_I64)
    return "entry '" + request.entry + "' expects tokens of " + thresh_dtype_name(thresh_dtype(input->dtype)) +
           ", but the benchmark has i64";
  if (thresh_model_vocabulary(model.get()) < 1)
    return "expects a language model, but the library has no entry 'decode' that gives logits";
  return "";
}

std::string TextBench::checkDepths() const {
  int64_t context = thresh_model_context(model.get());
  for (int64_t depth : options.depths)
    if (depth + options.tokens + isOneToken() > context)
      return "expects depth and tokens of a turn to fit into the context of " + std::to_string(context) +
             ", but got depth " + std::to_string(depth) + " and " + std::to_string(options.tokens) + " tokens" +
             (isOneToken() ? " after one for warm-up" : "");
  return "";
}

std::string TextBench::open(const RunRequest &chosenRequest, const TextBenchOptions &chosen) {
  request = chosenRequest;
  options = chosen;
  thresh_status status;
  if (request.threads && thresh_set_num_threads(int32_t(request.threads), &status) != THRESH_OK)
    return status.message;
  if (std::string wrong = openModel(request, /*signatureOnly=*/false, model); !wrong.empty())
    return wrong;
  entry = thresh_model_find_entry(model.get(), request.entry.c_str());
  const thresh_entry_info &info = *thresh_model_entry(model.get(), entry);
  input = &info.inputs[info.token_input];
  if (!options.tokens)
    options.tokens = isOneToken() ? 16 : 512;
  if (options.depths.empty())
    options.depths = {isOneToken() ? 16 : 0};
  std::sort(options.depths.begin(), options.depths.end());
  std::string wrong = checkInputs();
  if (wrong.empty())
    wrong = checkDepths();
  if (!wrong.empty())
    return wrong;
  std::mt19937_64 random(uint64_t(request.seed));
  std::uniform_int_distribution<int64_t> draw(0, thresh_model_vocabulary(model.get()) - 1);
  tokens.resize(std::max(options.tokens, kFillChunk));
  for (int64_t &token : tokens)
    token = draw(random);
  thresh_session *session = nullptr;
  thresh_session_create(model.get(), &session, &status);
  filled.reset(session);
  return status.message;
}

//===-----------------------------------------------------------------------===//
// Measuring
//===-----------------------------------------------------------------------===//

/// Whether the entry has an output of this name that counts.
bool hasCounts(const thresh_entry_info &info, const char *name) {
  const thresh_tensor_info *end = info.outputs + info.num_outputs;
  return std::any_of(info.outputs, end, [&](const thresh_tensor_info &output) {
    return output.dtype == THRESH_I64 && std::string_view(output.name) == name;
  });
}

std::string TextBench::runTokens(thresh_session *session, int32_t index, int64_t count, thresh_usage *usage) {
  const thresh_entry_info &info = *thresh_model_entry(model.get(), index);
  const thresh_tensor_info &declared = info.inputs[info.token_input];
  thresh_input given = {};
  given.name = declared.name;
  given.dtype = THRESH_I64;
  given.rank = declared.rank;
  std::fill_n(given.shape, declared.rank, 1);
  given.shape[declared.rank - 1] = count;
  given.data = tokens.data();
  given.bytes = size_t(count) * sizeof(int64_t);
  thresh_output outputs[2] = {};
  thresh_spread *spreads[2] = {};
  int32_t numOutputs = 0;
  if (usage && hasCounts(info, "active_neurons"))
    spreads[numOutputs] = &usage->active_neurons, outputs[numOutputs++].name = "active_neurons";
  if (usage && hasCounts(info, "attended_tokens"))
    spreads[numOutputs] = &usage->attended_tokens, outputs[numOutputs++].name = "attended_tokens";
  thresh_status status;
  thresh_code code = thresh_session_run(session, index, &given, 1, outputs, numOutputs, &status);
  for (int32_t i = 0; code == THRESH_OK && i < numOutputs; ++i)
    thresh_spread_add(spreads[i], static_cast<const int64_t *>(outputs[i].data), outputs[i].bytes / sizeof(int64_t));
  return status.message;
}

std::string TextBench::fill(int64_t depth) {
  int32_t prefill = thresh_model_find_entry(model.get(), "prefill");
  int32_t index = prefill < 0 ? thresh_model_find_entry(model.get(), "decode") : prefill;
  int64_t chunk = prefill < 0 ? 1 : kFillChunk;
  for (int64_t missing; (missing = depth - thresh_session_position(filled.get())) > 0;)
    if (std::string wrong = runTokens(filled.get(), index, std::min(missing, chunk)); !wrong.empty())
      return wrong;
  return "";
}

std::string TextBench::startTurn(int64_t depth, SessionHandle &session) {
  thresh_status status;
  if (session && thresh_session_rewind(session.get(), depth, &status) == THRESH_OK)
    return "";
  thresh_session *fork = nullptr;
  thresh_session_fork(filled.get(), &fork, &status);
  session.reset(fork);
  return status.message;
}

std::string TextBench::runTurn(thresh_session *session, double &secondsPerToken, thresh_usage *usage,
                               KernelTimes *times) {
  int64_t calls = isOneToken() ? options.tokens : 1, count = isOneToken() ? 1 : options.tokens;
  std::string wrong = isOneToken() ? runTokens(session, entry, 1) : "";
  if (wrong.empty() && times)
    wrong = times->attach(session);
  Clock::time_point start = Clock::now();
  for (int64_t call = 0; call < calls && wrong.empty(); ++call) {
    if (times)
      times->startCall();
    wrong = runTokens(session, entry, count, usage);
  }
  secondsPerToken = secondsSince(start) / double(options.tokens);
  return wrong;
}

/// The rounds again, in a session of their own that is listened to.
std::string TextBench::timeKernels(DepthReport &report, SessionHandle &session) {
  std::string wrong = report.kernels.open(model.get(), request.entry);
  for (int64_t round = 0; round < options.rounds && wrong.empty(); ++round) {
    double unused = 0;
    wrong = startTurn(report.depth, session);
    if (wrong.empty())
      wrong = runTurn(session.get(), unused, /*usage=*/nullptr, &report.kernels);
  }
  return wrong;
}

/// One turn for warm-up, then the rounds.
std::string TextBench::measureDepth(DepthReport &report) {
  SessionHandle session;
  std::string wrong = fill(report.depth);
  for (int64_t round = 0; round <= options.rounds && wrong.empty(); ++round) {
    double secondsPerToken = 0;
    wrong = startTurn(report.depth, session);
    if (wrong.empty())
      wrong = runTurn(session.get(), secondsPerToken, round > 0 ? &report.usage : nullptr);
    if (round > 0 && wrong.empty())
      report.perToken.addRound({secondsPerToken});
  }
  if (isOneToken()) {
    report.touchedBytes = double(thresh_model_touched_bytes(model.get(), entry, middleOf(report.depth)));
    report.denseBytes = double(thresh_model_dense_bytes(model.get(), entry, middleOf(report.depth)));
  }
  return wrong.empty() && options.kernels ? timeKernels(report, session) : wrong;
}

std::string TextBench::measure() {
  for (int64_t depth : options.depths) {
    reports.emplace_back();
    reports.back().depth = depth;
    if (std::string wrong = measureDepth(reports.back()); !wrong.empty())
      return wrong;
  }
  filled.reset();
  readBandwidthAlone = measureReadBandwidth(1, options.seconds);
  readBandwidth =
      thresh_num_threads() == 1 ? readBandwidthAlone : measureReadBandwidth(thresh_num_threads(), options.seconds);
  return "";
}

//===-----------------------------------------------------------------------===//
// Printing
//===-----------------------------------------------------------------------===//

void printSpread(const char *what, const thresh_spread &spread, const char *of) {
  if (spread.count)
    std::printf("%12s  %s %.1f +- %.1f a %s\n", "", what, spread.mean, spread.deviation, of);
}

/// What a token used at each depth, where that is not everything.
void TextBench::printUsage() const {
  for (const DepthReport &report : reports) {
    if (!report.usage.active_neurons.count && !report.usage.attended_tokens.count &&
        report.denseBytes <= report.touchedBytes)
      continue;
    std::printf("at depth %lld\n", (long long)report.depth);
    printSpread("active neurons", report.usage.active_neurons, "layer");
    printSpread("attended tokens", report.usage.attended_tokens, "head");
    if (report.touchedBytes > 0)
      std::printf("%12s  touched %.1f MB a token, dense %.1f: %.2fx\n", "", report.touchedBytes / 1e6,
                  report.denseBytes / 1e6, report.denseBytes / report.touchedBytes);
  }
}

void TextBench::print() const {
  std::printf("%s, %s, %d threads, entry %s, %lld tokens a turn, %lld turns\n", request.library.c_str(),
              thresh_model_target(model.get()), thresh_num_threads(), request.entry.c_str(), (long long)options.tokens,
              (long long)options.rounds);
  std::printf("machine      %.1f GB/s read, %.1f by one thread\n", readBandwidth / 1e9, readBandwidthAlone / 1e9);
  std::printf("%8s %14s %14s %26s", "depth", "ms per token", "tokens/s", "of the turns");
  if (reports.front().touchedBytes > 0)
    std::printf(" %14s %10s %10s", "MB touched", "GB/s", "of read");
  std::printf("\n");
  for (const DepthReport &report : reports) {
    double seconds = report.perToken.median();
    std::printf("%8lld %14.3f %14.2f %12.2f to %10.2f", (long long)report.depth, seconds * 1e3, 1 / seconds,
                1 / report.perToken.maximum(), 1 / report.perToken.minimum());
    if (report.touchedBytes > 0 && readBandwidth > 0)
      std::printf(" %14.1f %10.2f %8.1f %%", report.touchedBytes / 1e6, report.touchedBytes / seconds / 1e9,
                  100 * share(report));
    std::printf("\n");
  }
  printUsage();
  for (const DepthReport &report : reports)
    if (options.kernels) {
      std::printf("\nkernels at depth %lld\n", (long long)report.depth);
      report.kernels.print(middleOf(report.depth), readBandwidth);
    }
}

nlohmann::ordered_json spreadToJson(const thresh_spread &spread) {
  return {{"count", spread.count}, {"mean", spread.mean}, {"deviation", spread.deviation}};
}

nlohmann::ordered_json TextBench::toJson(const DepthReport &report) const {
  const Latencies &perToken = report.perToken;
  nlohmann::ordered_json json = {{"depth", report.depth},
                                 {"seconds_per_token",
                                  {{"median", perToken.median()},
                                   {"min", perToken.minimum()},
                                   {"max", perToken.maximum()},
                                   {"turns", perToken.all}}},
                                 {"tokens_per_s", 1 / perToken.median()}};
  if (report.touchedBytes > 0) {
    json["touched_bytes"] = report.touchedBytes;
    json["dense_bytes"] = report.denseBytes;
    json["read_bytes_per_s"] = report.touchedBytes / perToken.median();
    if (readBandwidth > 0)
      json["share_of_read"] = share(report);
  }
  if (report.usage.active_neurons.count)
    json["active_neurons"] = spreadToJson(report.usage.active_neurons);
  if (report.usage.attended_tokens.count)
    json["attended_tokens"] = spreadToJson(report.usage.attended_tokens);
  if (options.kernels)
    json["kernels"] = report.kernels.toJson(middleOf(report.depth), readBandwidth);
  return json;
}

void TextBench::printJson() const {
  nlohmann::ordered_json depths = nlohmann::ordered_json::array();
  for (const DepthReport &report : reports)
    depths.push_back(toJson(report));
  nlohmann::ordered_json json = {
      {"library", request.library},
      {"target", thresh_model_target(model.get())},
      {"threads", thresh_num_threads()},
      {"entry", request.entry},
      {"tokens", options.tokens},
      {"weight_bytes", thresh_model_weights_bytes(model.get())},
      {"depths", depths},
      {"machine", {{"read_bytes_per_s", readBandwidth}, {"read_bytes_per_s_one_thread", readBandwidthAlone}}}};
  std::printf("%s\n", json.dump(2).c_str());
}

} // namespace

bool isTextRequest(RunRequest &request) {
  ModelHandle model;
  RunRequest any = request;
  any.target.clear();
  if (!openModel(any, /*signatureOnly=*/true, model).empty())
    return false;
  bool isLanguageModel = thresh_model_vocabulary(model.get()) > 0;
  if (request.entry.empty() && isLanguageModel)
    request.entry = "decode";
  const thresh_entry_info *info =
      thresh_model_entry(model.get(), thresh_model_find_entry(model.get(), request.entry.c_str()));
  return info && info->token_input >= 0;
}

std::string benchText(const RunRequest &request, const TextBenchOptions &options) {
  if (!request.rival.empty() || !request.inputFiles.empty() || !request.dims.empty())
    return "entry '" + request.entry + "' continues sessions: expects neither --vs, --input nor --dim";
  TextBench bench;
  std::string wrong = bench.open(request, options);
  if (wrong.empty())
    wrong = bench.measure();
  if (!wrong.empty())
    return wrong;
  options.json ? bench.printJson() : bench.print();
  return "";
}

} // namespace thresh
