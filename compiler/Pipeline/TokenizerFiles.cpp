//===- TokenizerFiles.cpp - The tokenizer of a checkpoint beside its library --===//
#include "compiler/Pipeline/TokenizerFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace thresh {

LogicalResult TokenizerFiles::stage(StringRef folder, StringRef library, Location location) {
  for (StringRef name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json"}) {
    llvm::SmallString<256> source(folder), target(library);
    llvm::sys::path::append(source, name);
    if (!llvm::sys::fs::exists(source))
      continue;
    if (!llvm::sys::fs::is_regular_file(source))
      return emitError(location, "tokenizer '") << source << "' expects a regular file";
    llvm::sys::path::replace_extension(target, "." + name);
    files.push_back(std::make_unique<PendingFile>(target.str().str()));
    fileNames.push_back(llvm::sys::path::filename(target).str());
    if (std::error_code code = llvm::sys::fs::copy_file(source, files.back()->temporary()))
      return emitError(location, "cannot copy '") << source << "' to '" << target << "': " << code.message();
  }
  return success();
}

LogicalResult TokenizerFiles::commit(Location location) {
  for (const std::unique_ptr<PendingFile> &file : files)
    if (failed(file->commit(location)))
      return failure();
  return success();
}

} // namespace thresh
