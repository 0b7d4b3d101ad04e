//===- Metadata.h - The JSON that a library carries about itself --------------===//
#ifndef THRESH_COMPILER_PIPELINE_METADATA_H
#define THRESH_COMPILER_PIPELINE_METADATA_H

#include "codegen/KernelSpec.h"
#include "compiler/Pipeline/LibraryTable.h"

namespace thresh {

/// A launch in the order of the entry point, and the floating-point work it stands for.
struct LaunchRecord {
  std::string kernel;
  /// Multiply-adds of its contractions, counted as 2 each: products of extents, each a number or the
  /// name of a dynamic dimension. Empty for kernels without contractions.
  std::vector<std::vector<std::string>> flops;
};

/// Everything `thresh inspect` and `thresh bench` show, as JSON text.
std::string buildMetadata(const LibraryDescription &library, llvm::StringRef model,
                          llvm::ArrayRef<codegen::KernelSpec> kernels, llvm::ArrayRef<LaunchRecord> launches);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_METADATA_H
