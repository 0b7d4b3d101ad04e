//===- TensorPacker.h - One stored tensor to its packed layout -----------------===//
#ifndef THRESH_COMPILER_WEIGHTS_TENSORPACKER_H
#define THRESH_COMPILER_WEIGHTS_TENSORPACKER_H

#include "compiler/Weights/SourceReader.h"

namespace thresh {

/// Produces the packed bytes of one parameter, in order, in pieces of at most a few MiB.
class TensorPacker {
public:
  /// The parameter must have passed planWeights; `reader` gives its source in the parameter's element type.
  TensorPacker(ParameterOp parameter, SourceReader &reader);

  /// Feeds everything to `sink`. Fails when the source cannot be read.
  llvm::Error pack(PieceSink sink);

  /// The same of `count` rows from number `first` on; of a matrix without panels.
  llvm::Error packRows(int64_t first, int64_t count, PieceSink sink);

private:
  /// One dimension of the permuted tensor.
  struct Dim {
    int64_t extent;
    int64_t stride; ///< in stored elements
  };

  llvm::Error copy(int64_t first, int64_t count, PieceSink sink);
  llvm::Error packMatrices(PieceSink sink);
  llvm::Error packMatrix(int64_t base, int64_t first, int64_t end, PieceSink sink);
  llvm::Error fillTile(int64_t base, int64_t firstRow, int64_t rows, int64_t firstColumn, int64_t columns);
  llvm::Error readRun(int64_t element, int64_t count);
  void scatter(int64_t first, int64_t count, int64_t target, int64_t step);

  SourceReader &reader;
  int64_t elements;
  int64_t rowElements; ///< of the last packed dimension
  int64_t packedBytes; ///< of one element
  bool isCopy;
  llvm::SmallVector<Dim> batch;
  Dim rows;
  Dim columns;
  int64_t panel;

  std::vector<char> run;  ///< elements that follow each other in the source
  std::vector<char> tile; ///< what goes to the sink next
};

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_TENSORPACKER_H
