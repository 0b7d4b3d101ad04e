//===- LaunchRecords.h - What each launch of an entry point costs -------------===//
#ifndef THRESH_COMPILER_PIPELINE_LAUNCHRECORDS_H
#define THRESH_COMPILER_PIPELINE_LAUNCHRECORDS_H

#include "codegen/KernelSpec.h"
#include "compiler/Pipeline/Signature.h"

#include <string>
#include <vector>

namespace thresh {

/// A launch in the order of the entry point, and the work it stands for.
struct LaunchRecord {
  std::string entry; ///< the entry point that it belongs to
  std::string kernel;
  /// Multiply-adds of its contractions, counted as 2 each: products of factors, each a number or the name of a
  /// dynamic dimension. Empty for kernels without contractions, or whose extents no input tells.
  std::vector<std::vector<std::string>> flops;
  /// Bytes of parameters that it reads when every dynamic extent is 1: parameters whole, but of one that is indexed by
  /// data (a table of embeddings) an element per point of the loops, and of one that a sparse op chooses from the rows
  /// that it is expected to choose.
  int64_t weightBytes = 0;
  int64_t denseWeightBytes = 0; ///< if it chose nothing
  std::vector<StateRead> states;
};

/// The launches of an entry point of the kernels stage.
std::vector<LaunchRecord> recordLaunches(mlir::func::FuncOp function, const Signature &signature,
                                         llvm::ArrayRef<codegen::KernelSpec> kernels);

/// Adds up in the signature what its launches read. Two launches that read one state read the same of it; one that no
/// launch reads counts as read whole.
void sumReads(Signature &signature, llvm::ArrayRef<LaunchRecord> launches, llvm::ArrayRef<StateRead> wholeStates);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_LAUNCHRECORDS_H
