//===- thresh-codegen-bench.cpp - Time one kernel ----------------------------===//
//
// Compiles the kernel of a KernelSpec, runs it on random data with Halide's own threads, and sets
// its speed beside what the machine can do, measured in the same run.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Codegen.h"
#include "codegen/Ops.h"
#include "codegen/Tools/Machine.h"
#include "codegen/Tools/Operands.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace thresh::codegen;
using namespace thresh::codegen::bench;

namespace {

constexpr const char *kUsage =
    "usage: thresh-codegen-bench SPEC.json [--shape NAME=AxB...]... [--set NAME=VALUE]... [--threads N] [--target "
    "NAME]\n"
    "                            [--cold]\n"
    "\n"
    "Times the kernel that SPEC.json describes on random data.\n"
    "  --shape NAME=AxB...  extents of the operand NAME; needed where they are dynamic\n"
    "  --set NAME=VALUE     value of all elements of the operand NAME: the count of active_rows, a position\n"
    "  --threads N          threads to use (default: all of the machine)\n"
    "  --target NAME        compile for this target instead of the machine's best\n"
    "  --cold               every call reads other copies of the operands, as a decoder reads the weights of many\n"
    "                       layers: the caches hold nothing of them\n";

struct Options {
  std::string spec, target = "host";
  std::map<std::string, Shape> shapes;
  std::map<std::string, double> values;
  int threads = int(std::thread::hardware_concurrency());
  bool cold = false;
};

bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    bool hasValue = i + 1 < argc;
    if (arg == "--shape" && hasValue) {
      std::string text = argv[++i];
      size_t equals = text.find('=');
      if (equals == std::string::npos)
        return false;
      std::istringstream extents(text.substr(equals + 1));
      Shape &shape = options.shapes[text.substr(0, equals)];
      for (std::string extent; std::getline(extents, extent, 'x');)
        shape.push_back(std::strtoll(extent.c_str(), nullptr, 10));
    } else if (arg == "--set" && hasValue) {
      std::string text = argv[++i];
      size_t equals = text.find('=');
      if (equals == std::string::npos)
        return false;
      options.values[text.substr(0, equals)] = std::strtod(text.c_str() + equals + 1, nullptr);
    } else if (arg == "--threads" && hasValue) {
      options.threads = std::max(1, std::atoi(argv[++i]));
    } else if (arg == "--target" && hasValue) {
      options.target = argv[++i];
    } else if (arg == "--cold") {
      options.cold = true;
    } else if (arg[0] != '-' && options.spec.empty()) {
      options.spec = arg;
    } else {
      return false;
    }
  }
  return !options.spec.empty();
}

/// Turns of measuring the kernel and the read loop.
constexpr int kRounds = 5;

/// Rows of scores that are chosen from in turn.
constexpr int kRows = 16;

double loopPoints(const Stage &stage, const std::vector<Shape> &shapes) {
  double points = 1;
  for (const Extent &extent : stage.loops)
    points *= double(extent.operand < 0 ? extent.value : shapes[extent.operand][extent.dim]);
  return points;
}

/// Float operations of one call, a multiply-add counted as two.
double operations(const KernelSpec &spec, const std::vector<Shape> &shapes) {
  double total = 0;
  for (const Stage &stage : spec.stages) {
    int count = 0;
    for (const Node &node : stage.body)
      if (isFloat(node.dtype) && (opInfo(node.op).cls == OpClass::Numeric || opInfo(node.op).cls == OpClass::Float))
        count += node.op == Op::Fma ? 2 : 1;
    total += loopPoints(stage, shapes) * count;
  }
  return total;
}

/// Operations of the dot products of codes, a multiply-add counted as two.
double dotOperations(const KernelSpec &spec, const std::vector<Shape> &shapes) {
  double total = 0;
  for (const Stage &stage : spec.stages)
    if (stage.parallel < int(stage.loops.size()) && stage.dtypes[0] == DType::I32)
      total += 2 * loopPoints(stage, shapes);
  return spec.family == Family::QuantizedMatmul ? total : 0;
}

int fail(const std::string &message) {
  std::fprintf(stderr, "thresh-codegen-bench: %s\n", message.c_str());
  return 1;
}

template <size_t> using BufferPointer = halide_buffer_t *;
template <size_t... I> int call(void *function, halide_buffer_t **args, std::index_sequence<I...>) {
  return reinterpret_cast<int (*)(BufferPointer<I>...)>(function)(args[I]...);
}
template <size_t N = 1> int call(void *function, std::vector<halide_buffer_t *> &args) {
  if (args.size() == N)
    return call(function, args.data(), std::make_index_sequence<N>());
  if constexpr (N < 16)
    return call<N + 1>(function, args);
  return -1;
}

/// Compiles the kernel into a shared library in `folder` and returns its function; null on failure.
void *build(const KernelSpec &spec, const std::string &folder, std::string &error) {
  KernelFiles files;
  files.object = folder + "/kernel.o";
  auto start = std::chrono::steady_clock::now();
  Status status = compileKernel(spec, files);
  std::printf("compile   %8.2f s\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (status.ok())
    status = compileRuntime(spec.target, folder + "/runtime.o", "");
  if (status.ok())
    status = writeKernelSupport(folder + "/support.o");
  error = status.message;
  if (!status.ok())
    return nullptr;
  std::string command =
      "cd '" + folder + "' && cc -shared -o kernel.so kernel.o runtime.o support.o -lm -lpthread -ldl";
  void *handle = std::system(command.c_str()) == 0 ? dlopen((folder + "/kernel.so").c_str(), RTLD_NOW) : nullptr;
  if (!handle)
    error = "cannot link the kernel with cc";
  return handle ? dlsym(handle, spec.name.c_str()) : nullptr;
}

/// The shapes of the operands; false if one does not fit.
bool chooseShapes(const KernelSpec &spec, const Options &options, std::vector<Shape> &shapes, double &bytes) {
  for (const Operand &operand : spec.operands) {
    auto given = options.shapes.find(operand.name);
    Shape shape = given == options.shapes.end() ? operand.shape : given->second;
    bool fits = shape.size() == operand.shape.size();
    for (size_t d = 0; fits && d < shape.size(); ++d)
      fits = shape[d] >= 0 && (operand.shape[d] < 0 || operand.shape[d] == shape[d]);
    if (!fits) {
      fail("expects --shape " + operand.name + "=... that fits the operand");
      return false;
    }
    double elements = 1;
    for (int64_t extent : shape)
      elements *= double(extent);
    bytes += elements * dtypeBytes(operand.dtype);
    shapes.push_back(shape);
  }
  return true;
}

/// `operations`: of floats, in that time.
void printFlops(const KernelSpec &spec, double operations, double seconds, int threads) {
  double flops = operations / seconds, peak = peakFlops(threads, findTarget(spec.target)->vectorBits);
  std::printf("compute   %8.2f GFLOP/s, %5.1f %% of the %.1f that a multiply-add loop reaches\n", flops * 1e-9,
              100 * flops / peak, peak * 1e-9);
}

void printCompute(const KernelSpec &spec, const std::vector<Shape> &shapes, double seconds, int threads) {
  printFlops(spec, operations(spec, shapes), seconds, threads);
  double dots = dotOperations(spec, shapes) / seconds;
  if (dots > 0 && __builtin_cpu_supports("avx512vnni")) {
    double dotPeak = peakDotOperations(threads);
    std::printf("dots      %8.2f GOP/s, %5.1f %% of the %.1f that a loop of u8 times i8 reaches\n", dots * 1e-9,
                100 * dots / dotPeak, dotPeak * 1e-9);
  }
}

/// Multiply-adds of a call of active_rows, counted as two.
double chosenOperations(const KernelSpec &spec, const Operands &operands) {
  bool gated = spec.parameters.at("gated").integer != 0;
  return 2 * operands.chosen() * double(spec.operands.back().shape[1] + (gated ? spec.operands[0].shape[1] : 0));
}

int measure(const KernelSpec &spec, const Options &options) {
  std::vector<Shape> shapes;
  double bytes = 0;
  if (!chooseShapes(spec, options, shapes, bytes))
    return 1;
  int copies = options.cold ? int(std::min(64.0, kColdBytes / bytes)) + 1 : 1;
  if (spec.family == Family::ChooseRows)
    copies = std::max(copies, kRows); // whose branches a processor would learn
  Operands operands(spec, shapes, options.values, copies);
  std::string pattern = (std::filesystem::temp_directory_path() / "thresh-bench-XXXXXX").string();
  std::string folder = mkdtemp(pattern.data()), error;
  setenv("HL_NUM_THREADS", std::to_string(options.threads).c_str(), 1);
  void *function = build(spec, folder, error);
  std::filesystem::remove_all(folder);
  if (!function)
    return fail(error);
  if (int code = call(function, operands.next()))
    return fail("the kernel returns " + std::to_string(code));
  double seconds = 1e30, reading = 1e30, selecting = 1e30;
  for (int round = 0; round < kRounds; ++round) { // by turns: other programs slow both down
    seconds = std::min(seconds, secondsPerCall([&] { call(function, operands.next()); }));
    reading = std::min(reading, operands.readSeconds(options.threads));
    if (spec.family == Family::ChooseRows)
      selecting = std::min(selecting, operands.selectSeconds(0, shapes[0][1] / 12));
  }
  std::printf("time      %8.2f us on %d threads\n", seconds * 1e6, options.threads);
  if (spec.family == Family::ChooseRows)
    std::printf("select    %8.2f us, %5.1f times that, takes std::nth_element for a twelfth of the same scores\n",
                selecting * 1e6, selecting / seconds);
  if (spec.family == Family::TopkAttention)
    std::printf("chosen    %8.2f keys a head\n", operands.chosenKeys());
  if (!isSparse(spec.family))
    printCompute(spec, shapes, seconds, options.threads);
  if (spec.family == Family::ActiveRows)
    printFlops(spec, chosenOperations(spec, operands), seconds, options.threads);
  double rate = operands.readBytes() / reading, used = operands.neededBytes() / seconds;
  std::printf("memory    %8.2f GB/s, %5.1f %% of the %.1f that a loop reaches that reads the %s\n", used * 1e-9,
              100 * used / rate, rate * 1e-9, operands.readsList() ? "same rows" : "operands");
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (!parse(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  std::ifstream file(options.spec);
  if (!file)
    return fail("cannot read '" + options.spec + "'");
  std::ostringstream text;
  text << file.rdbuf();
  KernelSpec spec;
  std::string error;
  if (!fromJson(text.str(), spec, error))
    return fail(options.spec + ": " + error);
  spec.target = options.target == "host" ? hostTarget().name : options.target;
  if (!findTarget(spec.target))
    return fail("expects a known target, but got '" + spec.target + "'");
  return measure(spec, options);
}
