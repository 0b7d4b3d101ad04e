//===- Description.h - JSON files that describe a compilation ----------------===//
//
// A description names a checkpoint and says how to compile it; its keys are listed in README.md.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_DESCRIPTION_DESCRIPTION_H
#define THRESH_COMPILER_FRONTEND_DESCRIPTION_DESCRIPTION_H

#include "compiler/Frontend/Checkpoint/ImposedSparsity.h"
#include "compiler/Transforms/StorageFormats.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace thresh {

struct ModelDescription {
  std::string checkpoint;           ///< the folder, relative to the current one like the description's own path
  std::string modelConfig;          ///< a JSON object of fields that overrule those of config.json; empty: none
  SparsitySections sparsity;        ///< what makes layers of a dense decoder sparse
  std::optional<int64_t> context;   ///< tokens that a session can hold
  std::vector<std::string> targets; ///< empty: not said
  std::optional<WeightFormat> weights;
  std::optional<CacheFormat> cache;
};

/// Reads and checks the description `file`. The error names the file and the JSON pointer at fault; an unknown key is
/// one. Whether targets, fields of the model and its sparsity are possible is for those who use them to say.
llvm::Expected<ModelDescription> readDescription(llvm::StringRef file);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_DESCRIPTION_DESCRIPTION_H
