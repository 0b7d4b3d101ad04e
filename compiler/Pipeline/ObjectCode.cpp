//===- ObjectCode.cpp - LLVM IR to object files and libraries ----------------===//
#include "compiler/Pipeline/ObjectCode.h"

#include "thresh/abi.h"

#include "lld/Common/Driver.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace thresh {

namespace {

Expected<std::unique_ptr<TargetMachine>> makeMachine(StringRef tripleName, StringRef cpu) {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
  });
  Triple triple(tripleName);
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError(error);
  TargetOptions options;
  options.FunctionSections = true;
  return std::unique_ptr<TargetMachine>(
      target->createTargetMachine(triple, cpu, "", options, Reloc::PIC_, std::nullopt, CodeGenOptLevel::Default));
}

void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

Error runLinker(ArrayRef<std::string> arguments) {
  std::vector<const char *> argv{"ld.lld"};
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string messages;
  raw_string_ostream stream(messages);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
  lld::Result result = lld::lldMain(argv, stream, stream, drivers);
  if (result.retCode != 0)
    return createStringError("linking failed: " + StringRef(messages).trim().str());
  return Error::success();
}

/// The C libraries of this machine, which a library for it depends on; none when they are elsewhere or for another CPU.
std::vector<std::string> systemLibraries() {
  std::vector<std::string> found;
  for (StringRef name : {"libm.so.6", "libc.so.6"})
    for (StringRef dir : {"/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"}) {
      SmallString<64> path(dir);
      sys::path::append(path, name);
      if (sys::fs::exists(path)) {
        found.push_back(path.str().str());
        break;
      }
    }
  return found;
}

} // namespace

Error emitCode(Module &module, StringRef triple, StringRef cpu, CodeForm form, StringRef path) {
  Expected<std::unique_ptr<TargetMachine>> machine = makeMachine(triple, cpu);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple(Triple(triple));
  module.setDataLayout((*machine)->createDataLayout());
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr("target-cpu", cpu);
  optimize(module, **machine);
  std::error_code code;
  raw_fd_ostream file(path, code);
  if (code)
    return createStringError(code, "cannot write '" + path + "': " + code.message());
  legacy::PassManager passes;
  CodeGenFileType type = form == CodeForm::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if ((*machine)->addPassesToEmitFile(passes, file, nullptr, type))
    return createStringError("the target '" + triple + "' cannot write this file type");
  passes.run(module);
  return Error::success();
}

Error linkLibrary(ArrayRef<std::string> objects, StringRef output, StringRef workDir) {
  SmallString<128> script(workDir);
  sys::path::append(script, "exports.map");
  {
    std::error_code code;
    raw_fd_ostream file(script, code);
    if (code)
      return createStringError(code, "cannot write '" + script + "': " + code.message());
    file << "{ global: " THRESH_ABI_SYMBOL "; local: *; };\n";
  }
  std::vector<std::string> arguments{"-shared",
                                     "-Bsymbolic",
                                     "--gc-sections",
                                     "--build-id=none",
                                     "-z",
                                     "now",
                                     "--version-script=" + script.str().str(),
                                     "-o",
                                     output.str()};
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  arguments.push_back("--as-needed");
  for (const std::string &library : systemLibraries())
    arguments.push_back(library);
  return runLinker(arguments);
}

Error linkObject(ArrayRef<std::string> objects, StringRef output) {
  std::vector<std::string> arguments{"-r", "-o", output.str()};
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  return runLinker(arguments);
}

} // namespace thresh
