//===- OutputFiles.cpp - Files that appear whole or not at all ----------------===//
#include "compiler/Pipeline/OutputFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace thresh {

PendingFile::PendingFile(std::string path)
    : path(std::move(path)), temporaryPath(this->path + ".tmp" + std::to_string(llvm::sys::Process::getProcessId())) {}

PendingFile::~PendingFile() {
  if (!temporaryPath.empty())
    (void)fs::remove(temporaryPath);
}

LogicalResult PendingFile::commit(Location location) {
  if (std::error_code code = fs::rename(temporaryPath, path))
    return emitError(location, "cannot write '") << path << "': " << code.message();
  temporaryPath.clear();
  return success();
}

WorkFolder::~WorkFolder() {
  if (!folder.empty())
    (void)fs::remove_directories(folder);
}

LogicalResult WorkFolder::create(Location location) {
  llvm::SmallString<128> path;
  if (std::error_code code = fs::createUniqueDirectory("thresh", path))
    return emitError(location, "cannot create a temporary folder: ") << code.message();
  folder = path.str().str();
  return success();
}

std::string WorkFolder::path(llvm::StringRef name) const {
  llvm::SmallString<128> path(folder);
  if (!name.empty())
    llvm::sys::path::append(path, name);
  return path.str().str();
}

LogicalResult writeText(Location location, const std::string &path,
                        llvm::function_ref<LogicalResult(llvm::raw_ostream &)> write) {
  if (path.empty() || path == "-")
    return write(llvm::outs());
  PendingFile pending(path);
  {
    std::error_code code;
    llvm::raw_fd_ostream file(pending.temporary(), code);
    if (code)
      return emitError(location, "cannot write '") << path << "': " << code.message();
    if (failed(write(file)))
      return failure();
    file.close();
    if (file.has_error()) {
      file.clear_error();
      return emitError(location, "cannot write '") << path << "'";
    }
  }
  return pending.commit(location);
}

LogicalResult appendFile(Location location, const std::string &path, llvm::raw_ostream &stream) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return emitError(location, "cannot read '") << path << "': " << buffer.getError().message();
  stream << (*buffer)->getBuffer();
  return success();
}

} // namespace thresh
