//===- thresh-codegen-bench.cpp - Time one kernel ----------------------------===//
//
// Compiles the kernel of a KernelSpec, runs it on random data with Halide's own threads, and sets
// its speed beside what the machine can do, measured in the same run.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Codegen.h"
#include "codegen/Ops.h"

#include <HalideRuntime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <immintrin.h>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <sys/mman.h>
#include <thread>

using namespace thresh::codegen;

namespace {

constexpr const char *kUsage =
    "usage: thresh-codegen-bench SPEC.json [--shape NAME=AxB...]... [--threads N] [--target NAME] [--cold]\n"
    "\n"
    "Times the kernel that SPEC.json describes on random data.\n"
    "  --shape NAME=AxB...  extents of the operand NAME; needed where they are dynamic\n"
    "  --threads N          threads to use (default: all of the machine)\n"
    "  --target NAME        compile for this target instead of the machine's best\n"
    "  --cold               every call reads other copies of the operands, as a decoder reads the weights of many\n"
    "                       layers: the caches hold nothing of them\n";

struct Options {
  std::string spec, target = "host";
  std::map<std::string, std::vector<int64_t>> shapes;
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
      std::vector<int64_t> &shape = options.shapes[text.substr(0, equals)];
      for (std::string extent; std::getline(extents, extent, 'x');)
        shape.push_back(std::strtoll(extent.c_str(), nullptr, 10));
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

/// Best seconds per call of `work` over about a tenth of a second.
template <typename Work> double secondsPerCall(Work work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30, spent = 0;
  for (int calls = 1; spent < 0.1;) {
    auto start = Clock::now();
    for (int i = 0; i < calls; ++i)
      work();
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    spent += seconds;
    best = std::min(best, seconds / calls);
    if (seconds < 0.005)
      calls *= 2;
  }
  return best;
}

/// Runs `work` on every thread at once and waits.
template <typename Work> void onThreads(int threads, Work work) {
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&work, t] { work(t); });
  for (std::thread &thread : pool)
    thread.join();
}

typedef float Vector512 __attribute__((vector_size(64)));
typedef float Vector256 __attribute__((vector_size(32)));

/// Independent f32 multiply-adds, enough chains to hide the latency.
template <typename Vector> inline __attribute__((always_inline)) float multiplyAdds(int64_t rounds) {
  Vector sums[12] = {}, factor = {}, addend = {};
  factor += 0.999f;
  addend += 1e-3f;
  for (int i = 0; i < 12; ++i)
    sums[i] += float(i); // equal chains would be merged
  for (int64_t r = 0; r < rounds; ++r)
    for (Vector &sum : sums)
      sum = sum * factor + addend;
  float total = 0;
  for (const Vector &sum : sums)
    total += sum[0];
  return total;
}
__attribute__((target("avx512f"), noipa)) float multiplyAdds512(int64_t rounds) {
  return multiplyAdds<Vector512>(rounds);
}
__attribute__((target("avx2,fma"), noipa)) float multiplyAdds256(int64_t rounds) {
  return multiplyAdds<Vector256>(rounds);
}

/// The same of sums of four products of u8 and i8.
__attribute__((target("avx512f,avx512vnni"), noipa)) int dotProducts512(int64_t rounds) {
  __m512i sums[12], codes = _mm512_set1_epi32(int(rounds)), values = _mm512_set1_epi32(int(rounds + 1));
  for (int i = 0; i < 12; ++i)
    sums[i] = _mm512_set1_epi32(i);
  for (int64_t r = 0; r < rounds; ++r)
    for (__m512i &sum : sums)
      sum = _mm512_dpbusd_epi32(sum, codes, values);
  for (int i = 1; i < 12; ++i)
    sums[0] = _mm512_xor_si512(sums[0], sums[i]);
  return _mm_cvtsi128_si32(_mm512_castsi512_si128(sums[0]));
}

/// Operations per second of `threads` threads that run 12 chains of `loop`: the sum of each thread's best.
template <typename Loop> double peakRate(int threads, int operationsPerStep, Loop loop) {
  constexpr int64_t kRounds = 100'000;
  std::vector<double> best(threads);
  onThreads(threads, [&](int t) {
    static thread_local volatile double sink;
    double seconds = secondsPerCall([&] { sink = double(loop(kRounds)); });
    best[t] = double(kRounds) * 12 * operationsPerStep / seconds;
  });
  double total = 0;
  for (double rate : best)
    total += rate;
  return total;
}

double peakFlops(int threads, int vectorBits) {
  return peakRate(threads, vectorBits / 32 * 2, vectorBits == 512 ? multiplyAdds512 : multiplyAdds256);
}

constexpr size_t kHugePage = size_t(2) << 20;

struct Buffer {
  std::unique_ptr<unsigned char, decltype(&std::free)> data{nullptr, &std::free};
  size_t bytes = 0;
  std::vector<halide_dimension_t> dims;
  halide_buffer_t buffer{};
};

/// A buffer of small random numbers, in huge pages if it is large: looking up small ones can halve the bandwidth.
void fill(Buffer &buffer, const Operand &operand, const std::vector<int64_t> &shape) {
  int64_t elements = 1;
  buffer.dims.resize(shape.size());
  for (size_t h = 0; h < shape.size(); ++h) {
    int64_t extent = shape[shape.size() - 1 - h];
    buffer.dims[h] = halide_dimension_t(0, int(extent), int(elements));
    elements *= extent;
  }
  buffer.bytes = size_t(elements * dtypeBytes(operand.dtype));
  size_t alignment = buffer.bytes < kHugePage ? 64 : kHugePage;
  size_t allocated = (buffer.bytes / alignment + 1) * alignment;
  buffer.data.reset(static_cast<unsigned char *>(std::aligned_alloc(alignment, allocated)));
  if (alignment == kHugePage)
    madvise(buffer.data.get(), allocated, MADV_HUGEPAGE);
  std::memset(buffer.data.get(), 0, buffer.bytes);
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> reals(-1, 1);
  if (operand.dtype == DType::F32)
    for (int64_t i = 0; i < elements; ++i)
      reinterpret_cast<float *>(buffer.data.get())[i] = reals(generator);
  buffer.buffer.host = buffer.data.get();
  buffer.buffer.dimensions = int(shape.size());
  buffer.buffer.dim = buffer.dims.data();
}

/// Turns of measuring the kernel and the read loop.
constexpr int kRounds = 5;

/// Operands of more bytes than this leave nothing of each other in the caches.
constexpr double kColdBytes = 512e6;

/// Copies of a kernel's operands, to be used in turn.
class Operands {
public:
  Operands(const KernelSpec &spec, const std::vector<std::vector<int64_t>> &shapes, int copies)
      : buffers(copies), args(copies) {
    for (int i = 0; i < copies; ++i) {
      buffers[i] = std::vector<Buffer>(shapes.size());
      for (size_t o = 0; o < shapes.size(); ++o) {
        fill(buffers[i][o], spec.operands[o], shapes[o]);
        args[i].push_back(&buffers[i][o].buffer);
      }
    }
  }
  std::vector<halide_buffer_t *> &next() { return args[turn++ % args.size()]; }

  /// Seconds in which `threads` threads read the operands of one call, each its part of every one.
  double readSeconds(int threads) {
    static volatile uint64_t sink;
    auto read = [&](int t) {
      uint64_t sums[8] = {};
      for (const std::vector<Buffer> &copy : buffers)
        for (const Buffer &buffer : copy) {
          size_t blocks = buffer.bytes / 64;
          const uint64_t *words = reinterpret_cast<const uint64_t *>(buffer.data.get());
          for (size_t b = blocks * t / threads, end = blocks * (t + 1) / threads; b < end; ++b)
            for (int i = 0; i < 8; ++i)
              sums[i] += words[8 * b + i];
        }
      sink = sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
    };
    return secondsPerCall([&] { onThreads(threads, read); }) / double(buffers.size());
  }

private:
  std::vector<std::vector<Buffer>> buffers;
  std::vector<std::vector<halide_buffer_t *>> args;
  size_t turn = 0;
};

double loopPoints(const Stage &stage, const std::vector<std::vector<int64_t>> &shapes) {
  double points = 1;
  for (const Extent &extent : stage.loops)
    points *= double(extent.operand < 0 ? extent.value : shapes[extent.operand][extent.dim]);
  return points;
}

/// Float operations of one call, a multiply-add counted as two.
double operations(const KernelSpec &spec, const std::vector<std::vector<int64_t>> &shapes) {
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
double dotOperations(const KernelSpec &spec, const std::vector<std::vector<int64_t>> &shapes) {
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
  error = status.message;
  if (!status.ok())
    return nullptr;
  std::string command = "cd '" + folder + "' && cc -shared -o kernel.so kernel.o runtime.o -lm -lpthread -ldl";
  void *handle = std::system(command.c_str()) == 0 ? dlopen((folder + "/kernel.so").c_str(), RTLD_NOW) : nullptr;
  if (!handle)
    error = "cannot link the kernel with cc";
  return handle ? dlsym(handle, spec.name.c_str()) : nullptr;
}

int bench(const KernelSpec &spec, const Options &options) {
  std::vector<std::vector<int64_t>> shapes;
  double bytes = 0;
  for (size_t o = 0; o < spec.operands.size(); ++o) {
    const Operand &operand = spec.operands[o];
    auto given = options.shapes.find(operand.name);
    shapes.push_back(given == options.shapes.end() ? operand.shape : given->second);
    bool fits = shapes[o].size() == operand.shape.size();
    for (size_t d = 0; fits && d < shapes[o].size(); ++d)
      fits = shapes[o][d] >= 0 && (operand.shape[d] < 0 || operand.shape[d] == shapes[o][d]);
    if (!fits)
      return fail("expects --shape " + operand.name + "=... that fits the operand");
    double elements = 1;
    for (int64_t extent : shapes[o])
      elements *= double(extent);
    bytes += elements * dtypeBytes(operand.dtype);
  }
  Operands operands(spec, shapes, options.cold ? int(std::min(64.0, kColdBytes / bytes)) + 1 : 1);
  std::string pattern = (std::filesystem::temp_directory_path() / "thresh-bench-XXXXXX").string();
  std::string folder = mkdtemp(pattern.data()), error;
  setenv("HL_NUM_THREADS", std::to_string(options.threads).c_str(), 1);
  void *function = build(spec, folder, error);
  std::filesystem::remove_all(folder);
  if (!function)
    return fail(error);
  if (int code = call(function, operands.next()))
    return fail("the kernel returns " + std::to_string(code));
  int vectorBits = findTarget(spec.target)->vectorBits;
  double peak = peakFlops(options.threads, vectorBits);
  double seconds = 1e30, reading = 1e30;
  for (int round = 0; round < kRounds; ++round) { // by turns: other programs slow both down
    seconds = std::min(seconds, secondsPerCall([&] { call(function, operands.next()); }));
    reading = std::min(reading, operands.readSeconds(options.threads));
  }
  double flops = operations(spec, shapes) / seconds;
  std::printf("time      %8.2f us on %d threads\n", seconds * 1e6, options.threads);
  std::printf("compute   %8.2f GFLOP/s, %5.1f %% of the %.1f that a multiply-add loop reaches\n", flops * 1e-9,
              100 * flops / peak, peak * 1e-9);
  double dots = dotOperations(spec, shapes) / seconds;
  if (dots > 0 && __builtin_cpu_supports("avx512vnni")) {
    double dotPeak = peakRate(options.threads, 16 * 4 * 2, dotProducts512);
    std::printf("dots      %8.2f GOP/s, %5.1f %% of the %.1f that a loop of u8 times i8 reaches\n", dots * 1e-9,
                100 * dots / dotPeak, dotPeak * 1e-9);
  }
  std::printf("memory    %8.2f GB/s, %5.1f %% of the %.1f that a loop reaches that reads the operands\n",
              bytes / seconds * 1e-9, 100 * reading / seconds, bytes / reading * 1e-9);
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
  return bench(spec, options);
}
