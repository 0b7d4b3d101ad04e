//===- Bench.h - thresh bench -----------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_BENCH_H
#define THRESH_COMPILER_TOOLS_BENCH_H

namespace thresh {

/// `thresh bench`: argv[0] is the command's own name. Returns the exit code.
int benchCommand(int argc, char **argv);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_BENCH_H
