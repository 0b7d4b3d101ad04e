//===- Compile.h - From a model file to any phase ------------------------------===//
#ifndef THRESH_COMPILER_PIPELINE_COMPILE_H
#define THRESH_COMPILER_PIPELINE_COMPILE_H

#include "compiler/Frontend/Checkpoint/ImposedSparsity.h"
#include "compiler/Pipeline/Phases.h"

#include "llvm/ADT/StringMap.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace thresh {

struct CompileOptions {
  std::string model;  ///< .onnx file, checkpoint folder or its config.json, description, or .mlir of the graph stage
  std::string output; ///< file to write; text phases print to stdout when empty
  std::vector<std::string> targets; ///< empty: the best for this machine
  Phase emit = Phase::Library;
  llvm::StringMap<int64_t> dims;  ///< dynamic dimensions to fix, by name
  std::optional<int64_t> context; ///< tokens that a session of a decoder can hold; unset: as the checkpoint says
  std::string modelConfig;        ///< a JSON object that overrules fields of the checkpoint's config.json; empty: none
  SparsitySections sparsity;      ///< what makes layers of a dense decoder sparse
  std::optional<WeightFormat> weights; ///< how matrices are stored; unset: as the model has them
  std::optional<CacheFormat> cache;    ///< how the states of a decoder (key and value caches) are stored; unset: f32
  std::optional<int64_t> randomSeed; ///< set: a checkpoint's weights are noise of this seed, and its folder needs none
  bool dense = false;                ///< compute sparse ops as the dense ops that they mean
  bool embedWeights = false;
  std::string cacheDir; ///< of compiled kernels; empty: no cache
  int jobs = 2;         ///< kernels compiled at a time
  /// Told of each step: what, how much is done, out of how much (0: unknown). May be empty.
  std::function<void(const std::string &what, int done, int total)> progress;
};

/// What a compilation did, for the closing line.
struct CompileSummary {
  int kernels = 0;
  int kernelsFromCache = 0;
  int64_t weightBytes = 0;
  int64_t libraryBytes = 0;
};

/// Runs the phases up to `options.emit`. On failure diagnostics have been emitted in `context`, and no output file
/// exists that was not there before. Not thread-safe: the linker runs in process.
mlir::LogicalResult compile(const CompileOptions &options, mlir::MLIRContext &context, CompileSummary &summary);

/// The kernel cache of this user: $THRESH_CACHE_DIR, or thresh/kernels under the user's cache folder.
std::string defaultCacheDir();

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_COMPILE_H
