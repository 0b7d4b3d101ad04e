//===- Runner.cpp - Compile, load and run kernels in a test ------------------===//

#include "tests/codegen/Runner.h"
#include "codegen/Codegen.h"
#include "codegen/Ops.h"
#include "tests/codegen/Reference.h"

#include <HalideRuntime.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <unistd.h>

namespace thresh::codegen::test {
namespace {

halide_type_t halideType(DType dtype) {
  halide_type_code_t code = dtype == DType::BF16 ? halide_type_bfloat
                            : isFloat(dtype)     ? halide_type_float
                            : isSigned(dtype)    ? halide_type_int
                                                 : halide_type_uint;
  return halide_type_t(code, uint8_t(dtypeBytes(dtype) * 8));
}

/// A halide_buffer_t over a tensor; dimension 0 is the last one.
struct Buffer {
  explicit Buffer(const Tensor &tensor) : dims(tensor.shape.size()) {
    int stride = 1;
    for (size_t h = 0; h < dims.size(); ++h) {
      int extent = int(tensor.shape[dims.size() - 1 - h]);
      dims[h] = halide_dimension_t(0, extent, stride);
      stride = h == 0 && tensor.stride() != 0 ? int(tensor.stride()) : stride * extent;
    }
    buffer.host = static_cast<uint8_t *>(tensor.data());
    buffer.type = halideType(tensor.dtype);
    buffer.dimensions = int(dims.size());
    buffer.dim = dims.data();
  }
  std::vector<halide_dimension_t> dims;
  halide_buffer_t buffer{};
};

using Arguments = std::vector<halide_buffer_t *>;

template <typename> using BufferPointer = halide_buffer_t *;
template <size_t... I> int callWith(void *function, const Arguments &args, std::index_sequence<I...>) {
  return reinterpret_cast<int (*)(BufferPointer<std::integral_constant<size_t, I>>...)>(function)(args[I]...);
}

constexpr size_t kMaxArguments = 20;

/// Calls a kernel of N or more arguments.
template <size_t N = 1> int callKernel(void *function, const Arguments &args) {
  if (args.size() == N)
    return callWith(function, args, std::make_index_sequence<N>());
  if constexpr (N < kMaxArguments)
    return callKernel<N + 1>(function, args);
  ADD_FAILURE() << "too many operands";
  return -1;
}

constexpr unsigned kTrialSeed = 20261123;

/// The Halide runtime as an object file, made once per process.
const std::string &runtimeObject() {
  static const std::string path = [] {
    std::string file =
        (std::filesystem::temp_directory_path() / "thresh-runtime-").string() + std::to_string(getpid()) + ".o";
    Status status = compileRuntime("x86-64", file, "");
    EXPECT_TRUE(status.ok()) << status.message;
    std::atexit([] { std::filesystem::remove(runtimeObject()); });
    return file;
  }();
  return path;
}
} // namespace

Library::Library(const std::vector<KernelSpec> &specs) {
  std::string pattern = (std::filesystem::temp_directory_path() / "thresh-codegen-XXXXXX").string();
  folder = mkdtemp(pattern.data());
  BatchResult batch = compileKernels(specs, folder, "", 2, nullptr, nullptr);
  EXPECT_TRUE(batch.status.ok()) << batch.status.message;
  if (!batch.status.ok())
    return;
  Status support = writeKernelSupport(folder + "/support.o");
  EXPECT_TRUE(support.ok()) << support.message;
  std::string command =
      "cd '" + folder + "' && cc -shared -o kernels.so *.o '" + runtimeObject() + "' -lm -lpthread -ldl";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  handle = dlopen((folder + "/kernels.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(handle, nullptr) << dlerror();
}

Library::~Library() {
  std::filesystem::remove_all(folder); // the library stays loaded: Halide's threads run in it
}

int Library::run(const std::string &name, std::vector<Tensor> &operands) const {
  void *function = handle ? dlsym(handle, name.c_str()) : nullptr;
  EXPECT_NE(function, nullptr) << name;
  if (!function)
    return -1;
  std::vector<Buffer> buffers(operands.begin(), operands.end());
  Arguments pointers;
  for (Buffer &buffer : buffers) {
    buffer.buffer.dim = buffer.dims.data();
    pointers.push_back(&buffer.buffer);
  }
  return callKernel(function, pointers);
}

std::string describe(const KernelSpec &spec, const std::vector<Tensor> &operands) {
  std::string text = spec.name + " for " + spec.target + " on";
  for (const Tensor &tensor : operands) {
    text += std::string(" ") + dtypeName(tensor.dtype) + "[";
    for (size_t d = 0; d < tensor.shape.size(); ++d)
      text += (d ? "," : "") + std::to_string(tensor.shape[d]);
    text += "]";
  }
  return text;
}

void expectSame(const Library &library, const KernelSpec &spec, const std::vector<Tensor> &operands,
                Tolerance tolerance) {
  std::vector<Tensor> got = operands, wanted = operands;
  size_t firstOutput = operands.size() - spec.outputs.size();
  for (size_t o = firstOutput; o < operands.size(); ++o) {
    got[o] = Tensor(operands[o].dtype, operands[o].shape);
    wanted[o] = Tensor(operands[o].dtype, operands[o].shape);
  }
  std::string what = describe(spec, operands);
  ASSERT_TRUE(library.loaded()) << what;
  ASSERT_EQ(library.run(spec.name, got), 0) << what;
  runReference(spec, wanted);
  for (size_t o = firstOutput; o < operands.size(); ++o)
    for (int64_t e = 0; e < got[o].size(); ++e) {
      Value a = got[o].get(e), b = wanted[o].get(e);
      if (!isFloat(got[o].dtype)) {
        ASSERT_EQ(a.integer, b.integer) << what << ": output " << o << " element " << e;
        continue;
      }
      if ((std::isnan(a.real) && std::isnan(b.real)) || a.real == b.real)
        continue;
      ASSERT_LE(std::fabs(a.real - b.real), tolerance.absolute + tolerance.relative * std::fabs(b.real))
          << what << ": output " << o << " element " << e << " is " << a.real << ", expected " << b.real;
    }
}

std::vector<std::string> runnableTargets() {
  std::vector<std::string> names;
  for (const TargetInfo &target : targets())
    if (target.cpuFeatures != 0 && (target.cpuFeatures & ~hostTarget().cpuFeatures) == 0)
      names.push_back(target.name);
  return names;
}

void check(std::vector<Trial> trials, void (*prepare)(std::vector<Tensor> &)) {
  std::vector<KernelSpec> specs;
  std::vector<const Trial *> trialOf;
  for (const std::string &target : runnableTargets())
    for (Trial &trial : trials) {
      specs.push_back(trial.spec);
      specs.back().target = target;
      specs.back().name = trial.spec.name + std::to_string(specs.size());
      trialOf.push_back(&trial);
    }
  Library library(specs);
  std::mt19937 generator(kTrialSeed);
  SCOPED_TRACE("seed " + std::to_string(kTrialSeed));
  for (size_t k = 0; k < specs.size(); ++k)
    for (const Shapes &shapes : trialOf[k]->shapes) {
      std::vector<Tensor> operands;
      for (size_t o = 0; o < shapes.size(); ++o) {
        operands.emplace_back(specs[k].operands[o].dtype, shapes[o]);
        fillRandom(operands.back(), generator);
      }
      if (prepare)
        prepare(operands);
      expectSame(library, specs[k], operands, trialOf[k]->tolerance);
      if (testing::Test::HasFatalFailure())
        return;
    }
}

} // namespace thresh::codegen::test
