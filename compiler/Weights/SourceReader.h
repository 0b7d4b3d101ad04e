//===- SourceReader.h - Elements of a stored tensor ----------------------------===//
//
// Reads a parameter's source, a place in a file or noise, run by run, and casts the elements on the way.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_SOURCEREADER_H
#define THRESH_COMPILER_WEIGHTS_SOURCEREADER_H

#include "compiler/Weights/Noise.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <vector>

namespace thresh {

/// Takes the packed bytes of a parameter, in order, piece by piece.
using PieceSink = llvm::function_ref<void(llvm::ArrayRef<char>)>;

/// Bytes that a packer holds at a time and hands to its sink, about.
constexpr int64_t kPieceBytes = 4 << 20;

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

/// Reads one stored tensor.
class SourceReader {
public:
  /// Elements come as `elementType`: the stored type, or F32, F16 or BF16 where one of these is stored. The files
  /// must outlive the reader.
  static llvm::Expected<SourceReader> open(SourceAttr source, mlir::Type elementType, SourceFiles &files);

  /// Writes `count` elements, in row-major order from number `first` on, to `target`. Fails when the file cannot be
  /// read, or at a finite number that is too large for the element type.
  llvm::Error read(int64_t first, int64_t count, char *target);

  /// The error of element number `element`, whose `value` exceeds `limit`, or is no number; `format` cannot hold it.
  llvm::Error makeRangeError(int64_t element, float value, float limit, llvm::StringRef format) const;

private:
  explicit SourceReader(SourceAttr source) : source(source) {}

  llvm::Error readBytes(int64_t first, int64_t count, char *target);
  llvm::Error readFloats(int64_t first, int64_t count, float *target);
  llvm::Error checkOverflow(int64_t first, llvm::ArrayRef<float> values) const;
  std::string getPlace() const;

  SourceAttr source;
  mlir::Type elementType;
  int descriptor = -1;
  std::optional<Noise> noise; ///< instead of a file
  int64_t storedBytes;        ///< of one element
  bool isCast;                ///< by way of f32
  std::vector<char> stored;
  std::vector<float> floats;
};

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_SOURCEREADER_H
