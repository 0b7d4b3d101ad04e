//===- TokenizerFiles.h - The tokenizer of a checkpoint beside its library ----===//
#ifndef THRESH_COMPILER_PIPELINE_TOKENIZERFILES_H
#define THRESH_COMPILER_PIPELINE_TOKENIZERFILES_H

#include "compiler/Pipeline/OutputFiles.h"

#include <memory>
#include <vector>

namespace thresh {

/// Copies of the tokenizer files of a checkpoint, under the library's name: m.tokenizer.json beside m.so. The compiler
/// does not read them; Python does when a prompt is given as text.
class TokenizerFiles {
public:
  /// Copies what there is of tokenizer.json, tokenizer.model and tokenizer_config.json in `folder` to temporary names.
  mlir::LogicalResult stage(llvm::StringRef folder, llvm::StringRef library, mlir::Location location);
  /// Moves all of them to their places.
  mlir::LogicalResult commit(mlir::Location location);
  /// File names, without folder.
  const std::vector<std::string> &names() const { return fileNames; }

private:
  std::vector<std::unique_ptr<PendingFile>> files;
  std::vector<std::string> fileNames;
};

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_TOKENIZERFILES_H
