//===- CompileCommand.h - thresh compile ---------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_COMPILECOMMAND_H
#define THRESH_COMPILER_TOOLS_COMPILECOMMAND_H

namespace thresh {

/// `thresh compile`: argv[0] is the command's own name. Returns the exit code.
int compileCommand(int argc, char **argv);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_COMPILECOMMAND_H
