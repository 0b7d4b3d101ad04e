//===- thresh.cpp - The command line --------------------------------------------===//
#include "compiler/Tools/Bench.h"
#include "compiler/Tools/Compare.h"
#include "compiler/Tools/CompileCommand.h"
#include "compiler/Tools/InspectCommand.h"
#include "runtime/Tools/run_command.h"

#include <cstdio>
#include <cstring>
#include <string>

namespace {

struct Command {
  const char *name;
  const char *help;
  int (*run)(int argc, char **argv);
};

constexpr Command kCommands[] = {
    {"compile", "compile a model to a shared library, or print any stage on the way", thresh::compileCommand},
    {"run", "run a compiled library on .npy files or random inputs", thresh_run_command},
    {"inspect", "show what a compiled library holds", thresh::inspectCommand},
    {"bench", "time a compiled library, beside a rival in the same run", thresh::benchCommand},
    {"compare", "compare a compiled library's outputs with a rival's", thresh::compareCommand},
};

void printUsage(FILE *stream) {
  std::fprintf(stream,
               "usage: thresh COMMAND ...\n\nAn ahead-of-time compiler for sparse neural networks.\n\ncommands:\n");
  for (const Command &command : kCommands)
    std::fprintf(stream, "  %-10s %s\n", command.name, command.help);
  std::fprintf(stream, "\n`thresh COMMAND --help` lists a command's options.\n");
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    printUsage(stderr);
    return 1;
  }
  if (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h") || !std::strcmp(argv[1], "help")) {
    printUsage(stdout);
    return 0;
  }
  for (const Command &command : kCommands) {
    if (std::strcmp(argv[1], command.name))
      continue;
    std::string name = std::string("thresh ") + command.name;
    argv[1] = name.data();
    return command.run(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "thresh: error: unknown command '%s'\n\n", argv[1]);
  printUsage(stderr);
  return 1;
}
