//===- Codegen.h - KernelSpec to object code ---------------------------------===//
//
// The whole interface of the code generator. Nothing throws: Halide's exceptions end here.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_CODEGEN_H
#define THRESH_CODEGEN_CODEGEN_H

#include "codegen/KernelSpec.h"

#include <string>
#include <vector>

namespace thresh::codegen {

/// Where to put what one kernel compiles to; an empty path means: not wanted.
struct KernelFiles {
  std::string object;
  std::string stmt;     ///< Halide's lowered statement, text
  std::string stmtHtml; ///< the same with assembly, for a browser
  std::string assembly;
};

/// Outcome of a fallible call; an empty message means success.
struct Status {
  std::string message;
  bool ok() const { return message.empty(); }
};

/// Compiles one kernel. The C function is `int <spec.name>(halide_buffer_t *...)`, one buffer per
/// operand. Buffers are dense; Halide dimension 0 is the last tensor dimension.
/// Thread-safe: two kernels may compile at a time.
Status compileKernel(const KernelSpec &spec, const KernelFiles &files);

/// Compiles all kernels, `jobs` at a time, through the kernel cache in `cacheDir` (none if empty).
/// Writes `<outputDir>/<name>.o`. `progress` (may be null) is called from the calling thread after each kernel.
struct BatchResult {
  Status status;
  int compiled = 0;
  int fromCache = 0;
};
BatchResult compileKernels(const std::vector<KernelSpec> &specs, const std::string &outputDir,
                           const std::string &cacheDir, int jobs,
                           void (*progress)(void *user, int done, int total, const std::string &name), void *user);

/// Writes the Halide runtime for `target` as an object file; cached like a kernel.
Status compileRuntime(const std::string &target, const std::string &object, const std::string &cacheDir);

/// Writes what kernels call besides the Halide runtime as an object file, which serves every target.
Status writeKernelSupport(const std::string &object);

/// One row of the table of targets.
struct TargetInfo {
  const char *name;       ///< as the user writes it: "x86-64-v3"
  const char *llvmTriple; ///< for host code
  const char *llvmCpu;
  const char *halideTarget;
  unsigned long cpuFeatures; ///< THRESH_CPU_* bits of thresh/abi.h that the code needs
  int vectorBits;
};

/// All targets, or the one of that name (null if unknown).
const std::vector<TargetInfo> &targets();
const TargetInfo *findTarget(const std::string &name);
/// The best target that this machine runs.
const TargetInfo &hostTarget();

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_CODEGEN_H
