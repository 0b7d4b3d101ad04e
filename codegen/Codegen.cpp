//===- Codegen.cpp - KernelSpec to object code -------------------------------===//

#include "codegen/Codegen.h"
#include "codegen/Cache.h"
#include "codegen/Generic/Pipeline.h"
#include "codegen/Schedules/Schedules.h"
#include "codegen/SupportObject.h"

#include <Halide.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

namespace thresh::codegen {
namespace {

/// Errors become exceptions; warnings about schedules are of no use to who compiles a model.
class Reporter : public Halide::CompileTimeErrorReporter {
public:
  void warning(const char *) override {}
  void error(const char *message) override { throw Halide::CompileError(message); }
};

void installReporter() {
  static std::once_flag once;
  static Reporter reporter;
  std::call_once(once, [] { Halide::set_custom_compile_time_error_reporter(&reporter); });
}

Halide::Target halideTarget(const TargetInfo &info, bool largeBuffers) {
  Halide::Target target(info.halideTarget);
  target.set_feature(Halide::Target::NoRuntime);
  target.set_feature(Halide::Target::NoAsserts);
  target.set_feature(Halide::Target::NoBoundsQuery);
  target.set_feature(Halide::Target::LargeBuffers, largeBuffers);
  return target;
}

/// Whether offsets within a static operand need more than 31 bits.
bool needsLargeBuffers(const KernelSpec &spec) {
  for (const Operand &operand : spec.operands) {
    int64_t elements = 1;
    for (int64_t extent : operand.shape)
      elements *= extent < 0 ? 1 : extent;
    if (elements > INT32_MAX)
      return true;
  }
  return false;
}

void compile(const KernelSpec &spec, const KernelFiles &files) {
  const TargetInfo &info = *findTarget(spec.target);
  Pipeline pipeline(spec, info);
  schedule(pipeline);
  std::vector<Halide::Func> outputs;
  for (OutputFunc &output : pipeline.outputs())
    outputs.push_back(output.func);
  std::map<Halide::OutputFileType, std::string> wanted;
  auto want = [&](Halide::OutputFileType type, const std::string &path) {
    if (!path.empty())
      wanted[type] = path;
  };
  want(Halide::OutputFileType::object, files.object);
  want(Halide::OutputFileType::stmt, files.stmt);
  want(Halide::OutputFileType::stmt_html, files.stmtHtml);
  want(Halide::OutputFileType::assembly, files.assembly);
  Halide::Pipeline(outputs).compile_to(wanted, pipeline.arguments(), spec.name,
                                       halideTarget(info, needsLargeBuffers(spec)));
}

std::string firstLine(const std::string &text) { return text.substr(0, text.find('\n')); }

/// Runs `work`, which writes `object`, beside the object's final name.
template <typename Work> Status writeObject(const std::string &object, const std::string &what, Work work) {
  installReporter();
  std::string temporary = object.empty() ? "" : temporaryName(object);
  Status status;
  try {
    work(temporary);
    if (!object.empty() && std::rename(temporary.c_str(), object.c_str()) != 0)
      status.message = what + ": cannot write '" + object + "'";
  } catch (const Halide::Error &error) {
    status.message = what + ": " + firstLine(error.what());
  } catch (const std::exception &error) {
    status.message = what + ": " + error.what();
  }
  if (!status.ok() && !temporary.empty())
    std::remove(temporary.c_str());
  return status;
}

} // namespace

Status compileKernel(const KernelSpec &spec, const KernelFiles &files) {
  std::string error;
  if (!verify(spec, error))
    return {"kernel '" + spec.name + "': " + error};
  return writeObject(files.object, "kernel '" + spec.name + "'", [&](const std::string &temporary) {
    KernelFiles renamed = files;
    renamed.object = temporary;
    compile(spec, renamed);
  });
}

Status writeKernelSupport(const std::string &object) {
  return writeObject(object, "support of kernels", [](const std::string &temporary) {
    std::ofstream file(temporary, std::ios::binary);
    file.write(reinterpret_cast<const char *>(kSupportObject), sizeof kSupportObject);
    if (!file.flush())
      throw std::runtime_error("cannot write '" + temporary + "'");
  });
}

Status compileRuntime(const std::string &target, const std::string &object, const std::string &cacheDir) {
  const TargetInfo *info = findTarget(target);
  if (!info)
    return {"expects a known target, but got '" + target + "'"};
  Cache cache(cacheDir);
  std::string source = "runtime " + target;
  if (cache.fetch(source, object))
    return {};
  Status status = writeObject(object, "runtime for " + target, [&](const std::string &temporary) {
    Halide::compile_standalone_runtime(temporary, Halide::Target(info->halideTarget));
  });
  if (status.ok())
    cache.store(source, object);
  return status;
}

namespace {

/// Kernels done, in the order in which they finish.
struct Finished {
  size_t index;
  bool cached;
  Status status;
};

class Batch {
public:
  Batch(const std::vector<KernelSpec> &specs, std::string outputDir, const std::string &cacheDir)
      : specs(specs), outputDir(std::move(outputDir)), cache(cacheDir) {}

  /// Compiles until nothing is left or something failed; runs in every worker.
  void work() {
    for (;;) {
      size_t index;
      {
        std::lock_guard<std::mutex> lock(mutex);
        if (failed || next == specs.size())
          return;
        index = next++;
      }
      Finished done = compileOne(index);
      std::lock_guard<std::mutex> lock(mutex);
      failed |= !done.status.ok();
      finished.push_back(done);
      wake.notify_one();
    }
  }

  /// The next kernel that a worker finished, or nothing after the last one. Blocks.
  bool wait(Finished &done) {
    std::unique_lock<std::mutex> lock(mutex);
    if (taken == specs.size())
      return false;
    wake.wait(lock, [&] { return !finished.empty(); });
    done = finished.front();
    finished.pop_front();
    ++taken;
    return true;
  }

private:
  Finished compileOne(size_t index) {
    const KernelSpec &spec = specs[index];
    std::string object = outputDir + "/" + spec.name + ".o";
    std::string source = toJson(spec);
    if (cache.fetch(source, object))
      return {index, true, {}};
    KernelFiles files;
    files.object = object;
    Status status = compileKernel(spec, files);
    if (status.ok())
      cache.store(source, object);
    return {index, false, status};
  }

  const std::vector<KernelSpec> &specs;
  std::string outputDir;
  Cache cache;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Finished> finished;
  size_t next = 0, taken = 0;
  bool failed = false;
};

} // namespace

BatchResult compileKernels(const std::vector<KernelSpec> &specs, const std::string &outputDir,
                           const std::string &cacheDir, int jobs,
                           void (*progress)(void *user, int done, int total, const std::string &name), void *user) {
  Batch batch(specs, outputDir, cacheDir);
  std::vector<std::thread> workers;
  for (int i = 0; i < std::max(jobs, 1) && i < int(specs.size()); ++i)
    workers.emplace_back([&] { batch.work(); });
  BatchResult result;
  Finished done;
  while (result.status.ok() && batch.wait(done)) {
    result.status = done.status;
    ++(done.cached ? result.fromCache : result.compiled);
    if (progress && done.status.ok())
      progress(user, result.compiled + result.fromCache, int(specs.size()), specs[done.index].name);
  }
  for (std::thread &worker : workers)
    worker.join();
  return result;
}

} // namespace thresh::codegen
