//===- ObjectCode.h - LLVM IR to object files and libraries ------------------===//
#ifndef THRESH_COMPILER_PIPELINE_OBJECTCODE_H
#define THRESH_COMPILER_PIPELINE_OBJECTCODE_H

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace thresh {

enum class CodeForm { Object, Assembly };

/// Optimises `module` for the CPU and writes it to `path`.
llvm::Error emitCode(llvm::Module &module, llvm::StringRef triple, llvm::StringRef cpu, CodeForm form,
                     llvm::StringRef path);

/// Links objects into a shared library that exports nothing but `thresh_library`.
llvm::Error linkLibrary(llvm::ArrayRef<std::string> objects, llvm::StringRef output, llvm::StringRef workDir);

/// Links objects into one relocatable object.
llvm::Error linkObject(llvm::ArrayRef<std::string> objects, llvm::StringRef output);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_OBJECTCODE_H
