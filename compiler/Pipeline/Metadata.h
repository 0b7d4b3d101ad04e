//===- Metadata.h - The JSON that a library carries about itself --------------===//
#ifndef THRESH_COMPILER_PIPELINE_METADATA_H
#define THRESH_COMPILER_PIPELINE_METADATA_H

#include "codegen/KernelSpec.h"
#include "compiler/Pipeline/LaunchRecords.h"
#include "compiler/Pipeline/LibraryTable.h"

namespace thresh {

/// Everything `thresh inspect` and `thresh bench` show, as JSON text.
std::string buildMetadata(const LibraryDescription &library, llvm::StringRef model,
                          llvm::ArrayRef<codegen::KernelSpec> kernels, llvm::ArrayRef<LaunchRecord> launches);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_METADATA_H
