//===- OutputFiles.h - Files that appear whole or not at all ------------------===//
#ifndef THRESH_COMPILER_PIPELINE_OUTPUTFILES_H
#define THRESH_COMPILER_PIPELINE_OUTPUTFILES_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace thresh {

/// A file under a temporary name beside its place; commit() renames it, otherwise it goes.
class PendingFile {
public:
  explicit PendingFile(std::string path);
  PendingFile(const PendingFile &) = delete;
  PendingFile &operator=(const PendingFile &) = delete;
  ~PendingFile();

  const std::string &temporary() const { return temporaryPath; }
  mlir::LogicalResult commit(mlir::Location location);

private:
  std::string path;
  std::string temporaryPath;
};

/// A temporary folder that goes with all its files.
class WorkFolder {
public:
  WorkFolder() = default;
  WorkFolder(const WorkFolder &) = delete;
  WorkFolder &operator=(const WorkFolder &) = delete;
  ~WorkFolder();

  mlir::LogicalResult create(mlir::Location location);
  std::string path(llvm::StringRef name) const;

private:
  std::string folder;
};

/// Lets `write` print to the file `path`, or to stdout when `path` is empty.
mlir::LogicalResult writeText(mlir::Location location, const std::string &path,
                              llvm::function_ref<mlir::LogicalResult(llvm::raw_ostream &)> write);

/// Copies the text of a file to `stream`.
mlir::LogicalResult appendFile(mlir::Location location, const std::string &path, llvm::raw_ostream &stream);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_OUTPUTFILES_H
