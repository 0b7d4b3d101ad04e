//===- CompileCommand.cpp - thresh compile --------------------------------------===//
#include "compiler/Tools/CompileCommand.h"

#include "compiler/Pipeline/Compile.h"
#include "compiler/Tools/CommandLine.h"
#include "compiler/Tools/DiagnosticPrinter.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

#include <chrono>
#include <limits>
#include <unistd.h>

using namespace mlir;

namespace thresh {

namespace {

constexpr int64_t kMaxContext = 1 << 30;

/// Rewrites one line of a terminal; silent where stderr is not one, unless verbose.
class ProgressLine {
public:
  explicit ProgressLine(bool verbose) : verbose(verbose), terminal(isatty(STDERR_FILENO)) {}

  void show(const std::string &what, int done, int total) {
    if (!terminal && !verbose)
      return;
    if (terminal && !verbose)
      llvm::errs() << "\r\033[K";
    if (total)
      llvm::errs() << "[" << done << "/" << total << "] ";
    llvm::errs() << what << (verbose ? "\n" : "");
    llvm::errs().flush();
  }

  void clear() {
    if (terminal && !verbose)
      llvm::errs() << "\r\033[K";
  }

private:
  bool verbose;
  bool terminal;
};

std::string takeTargets(const std::string &text, std::vector<std::string> &targets) {
  SmallVector<StringRef> names;
  StringRef(text).split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names)
    targets.push_back(name.str());
  return targets.empty() ? "expects target names, separated by commas" : "";
}

std::string takePhase(const std::string &text, Phase &phase) {
  if (std::optional<Phase> parsed = parsePhase(text)) {
    phase = *parsed;
    return "";
  }
  std::string known;
  for (const PhaseInfo &info : phases())
    known += std::string(known.empty() ? "" : ", ") + info.name;
  return "expects one of " + known + ", but got '" + text + "'";
}

std::string takeSeed(const std::string &text, std::optional<int64_t> &seed) {
  int64_t value = 0;
  std::string problem = storeInteger(value, 0, std::numeric_limits<int64_t>::max())(text);
  if (problem.empty())
    seed = value;
  return problem;
}

/// A `take` for one of the names that `parse` knows.
template <typename Format>
std::function<std::string(const std::string &)>
storeFormat(std::optional<Format> &target, std::optional<Format> (*parse)(StringRef), std::string (*names)()) {
  return [&target, parse, names](const std::string &text) -> std::string {
    target = parse(text);
    return target ? "" : "expects one of " + names() + ", but got '" + text + "'";
  };
}

std::string phaseHelp() {
  std::string help = "stop at STAGE and print or write what is there:";
  for (const PhaseInfo &info : phases())
    help += std::string("\n  ") + info.name + std::string(9 - std::strlen(info.name), ' ') + info.help;
  return help;
}

bool isBinary(Phase phase) { return phase == Phase::Library || phase == Phase::Object; }

void report(const CompileOptions &options, const CompileSummary &summary, double seconds) {
  llvm::outs() << options.output << ": " << llvm::format("%.1f KiB", summary.libraryBytes / 1024.0) << ", weights "
               << llvm::format("%.1f MiB", summary.weightBytes / 1048576.0) << (options.embedWeights ? " inside" : "")
               << ", " << summary.kernels << " kernels (" << summary.kernelsFromCache << " from the cache), "
               << llvm::format("%.1f s", seconds) << "\n";
}

} // namespace

int compileCommand(int argc, char **argv) {
  CompileOptions options;
  options.cacheDir = defaultCacheDir();
  std::map<std::string, int64_t> dims;
  int64_t jobs = options.jobs, contextTokens = 0;
  bool verbose = false, noCache = false;
  std::string stages = phaseHelp();
  CommandSyntax syntax{
      argv[0],
      "MODEL",
      "Compiles MODEL (an .onnx file, a checkpoint folder or its config.json, a .json description, or an .mlir file of "
      "the\n"
      "graph stage) to a shared library OUT.so and its weights OUT.weights.safetensors.",
      {{"-o", "OUT", "file to write; the text stages print to standard output without it", storeText(options.output)},
       {"--target", "T[,T]",
        "targets: host (default), x86-64, x86-64-v3, x86-64-v4, x86-64-v4-vnni (Zen 4);\nwith several, the library "
        "picks the best that the CPU can run",
        [&](const std::string &text) { return takeTargets(text, options.targets); }},
       {"--emit", "STAGE", stages.c_str(), [&](const std::string &text) { return takePhase(text, options.emit); }},
       {"--dim", "NAME=N", "fix the dynamic dimension NAME to N (repeatable)", storeNamedInteger(dims, 0)},
       {"--context", "N", "tokens that a session of a decoder can hold (default: what the model allows, at most 4096)",
        storeInteger(contextTokens, 1, kMaxContext)},
       {"--quantize", "FORMAT",
        "how matrices are stored: none (default: f32), f16, bf16, q8, q4 (8 or 4 bits in groups of 32)",
        storeFormat(options.weights, parseWeightFormat, weightFormatNames)},
       {"--kv-cache", "FORMAT", "how a decoder's key and value caches are stored: f32 (default), f16, bf16, q8",
        storeFormat(options.cache, parseCacheFormat, cacheFormatNames)},
       {"--dense", nullptr, "compute the sparse layers of a model densely: the reference for them",
        storeFlag(options.dense)},
       {"--random-weights", "SEED", "noise in place of a checkpoint's weights: MODEL may be a lone config.json",
        [&](const std::string &text) { return takeSeed(text, options.randomSeed); }},
       {"--embed-weights", nullptr, "put the weights into the library: one file", storeFlag(options.embedWeights)},
       {"--cache-dir", "DIR", "folder of the kernel cache (default: $THRESH_CACHE_DIR or the user's cache folder)",
        storeText(options.cacheDir)},
       {"--no-cache", nullptr, "compile every kernel anew", storeFlag(noCache)},
       {"--jobs", "N", "kernels compiled at a time (default 2)", storeInteger(jobs, 1, 256)},
       {"-v", nullptr, "print each step on a line of its own", storeFlag(verbose)}}};
  switch (parseCommandLine(syntax, argc, argv, options.model)) {
  case ParseResult::HelpPrinted: return 0;
  case ParseResult::Failed: return 1;
  case ParseResult::Run: break;
  }
  if (isBinary(options.emit) && options.output.empty()) {
    llvm::errs() << argv[0] << ": error: expects -o OUT.so (see " << argv[0] << " --help)\n";
    return 1;
  }
  for (const auto &[name, extent] : dims)
    options.dims[name] = extent;
  options.jobs = jobs;
  if (contextTokens)
    options.context = contextTokens;
  if (noCache)
    options.cacheDir.clear();
  ProgressLine progress(verbose);
  options.progress = [&](const std::string &what, int done, int total) { progress.show(what, done, total); };

  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  DiagnosticPrinter printer(context, [&] { progress.clear(); });
  CompileSummary summary;
  auto start = std::chrono::steady_clock::now();
  LogicalResult result = compile(options, context, summary);
  progress.clear();
  printer.flush();
  if (failed(result)) {
    if (!printer.sawError())
      llvm::errs() << "error: compilation failed\n";
    return 1;
  }
  if (isBinary(options.emit))
    report(options, summary, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return 0;
}

} // namespace thresh
