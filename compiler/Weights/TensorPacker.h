//===- TensorPacker.h - One stored tensor to its packed layout -----------------===//
#ifndef THRESH_COMPILER_WEIGHTS_TENSORPACKER_H
#define THRESH_COMPILER_WEIGHTS_TENSORPACKER_H

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace thresh {

/// The model's files, opened once each and read at given places.
class SourceFiles {
public:
  SourceFiles() = default;
  SourceFiles(const SourceFiles &) = delete;
  SourceFiles &operator=(const SourceFiles &) = delete;
  ~SourceFiles();

  /// Opens the file of `source`, once, and checks that the tensor's range lies in it. Returns its descriptor.
  llvm::Expected<int> open(SourceAttr source);

private:
  struct File {
    int descriptor = -1;
    int64_t bytes = 0;
  };
  llvm::StringMap<File> files;
};

/// Produces the packed bytes of one parameter, in order, in pieces of at most a few MiB.
class TensorPacker {
public:
  using Sink = llvm::function_ref<void(llvm::ArrayRef<char>)>;

  /// The parameter must have passed planWeights.
  TensorPacker(ParameterOp parameter, int descriptor);

  /// Feeds everything to `sink`. Fails when the file cannot be read.
  llvm::Error pack(Sink sink);

private:
  /// One dimension of the permuted tensor.
  struct Dim {
    int64_t extent;
    int64_t stride; ///< in stored elements
  };

  llvm::Error copy(Sink sink);
  llvm::Error packMatrices(Sink sink);
  llvm::Error packMatrix(int64_t base, Sink sink);
  llvm::Error fillTile(int64_t base, int64_t firstRow, int64_t rows, int64_t firstColumn, int64_t columns);
  llvm::Error readRun(int64_t element, int64_t count);
  void scatter(int64_t first, int64_t count, int64_t target, int64_t step);

  int descriptor;
  std::string place;     ///< file and tensor, for messages
  int64_t sourceOffset;  ///< bytes
  int64_t elements;
  int64_t storedBytes;   ///< of one element
  int64_t packedBytes;   ///< of one element
  void (*cast)(const char *stored, char *packed, int64_t count); ///< null: bytes stay
  bool isCopy;
  llvm::SmallVector<Dim> batch;
  Dim rows;
  Dim columns;
  int64_t panel;

  std::vector<char> stored; ///< a run as the file has it
  std::vector<char> run;    ///< a run in the packed element type
  std::vector<char> tile;   ///< what goes to the sink next
};

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_TENSORPACKER_H
