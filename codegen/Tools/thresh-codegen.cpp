//===- thresh-codegen.cpp - Compile one kernel from its JSON -----------------===//

#include "codegen/Codegen.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace thresh::codegen;

namespace {

constexpr const char *kUsage =
    "usage: thresh-codegen SPEC.json -o DIR [--stmt] [--stmt-html] [--asm] [--target NAME]\n"
    "\n"
    "Compiles the kernel that SPEC.json describes (what `thresh compile --emit=kernels` prints) to DIR/NAME.o.\n"
    "  -o DIR         folder for the results; created if absent\n"
    "  --stmt         also write DIR/NAME.stmt: Halide's lowered statement\n"
    "  --stmt-html    also write DIR/NAME.stmt.html: the same with assembly, for a browser\n"
    "  --asm          also write DIR/NAME.s: assembly\n"
    "  --target NAME  compile for this target instead of the one in SPEC.json\n";

struct Options {
  std::string spec, folder, target;
  bool stmt = false, stmtHtml = false, assembly = false;
};

bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    bool hasValue = i + 1 < argc;
    if (arg == "-o" && hasValue)
      options.folder = argv[++i];
    else if (arg == "--target" && hasValue)
      options.target = argv[++i];
    else if (arg == "--stmt")
      options.stmt = true;
    else if (arg == "--stmt-html")
      options.stmtHtml = true;
    else if (arg == "--asm")
      options.assembly = true;
    else if (arg[0] != '-' && options.spec.empty())
      options.spec = arg;
    else
      return false;
  }
  return !options.spec.empty() && !options.folder.empty();
}

int fail(const std::string &message) {
  std::fprintf(stderr, "thresh-codegen: %s\n", message.c_str());
  return 1;
}

int run(const Options &options) {
  std::ifstream file(options.spec);
  if (!file)
    return fail("cannot read '" + options.spec + "'");
  std::ostringstream text;
  text << file.rdbuf();
  KernelSpec spec;
  std::string error;
  if (!fromJson(text.str(), spec, error))
    return fail(options.spec + ": " + error);
  if (!options.target.empty())
    spec.target = options.target == "host" ? hostTarget().name : options.target;
  std::error_code failure;
  std::filesystem::create_directories(options.folder, failure);
  if (failure)
    return fail("cannot create '" + options.folder + "'");
  std::string base = options.folder + "/" + spec.name;
  KernelFiles files;
  files.object = base + ".o";
  files.stmt = options.stmt ? base + ".stmt" : "";
  files.stmtHtml = options.stmtHtml ? base + ".stmt.html" : "";
  files.assembly = options.assembly ? base + ".s" : "";
  Status status = compileKernel(spec, files);
  return status.ok() ? 0 : fail(status.message);
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (!parse(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  return run(options);
}
