//===- Compare.h - thresh compare -------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_COMPARE_H
#define THRESH_COMPILER_TOOLS_COMPARE_H

namespace thresh {

/// `thresh compare`: argv[0] is the command's own name. Returns the exit code.
int compareCommand(int argc, char **argv);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_COMPARE_H
