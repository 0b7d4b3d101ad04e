//===- InspectCommand.h - thresh inspect ---------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_INSPECTCOMMAND_H
#define THRESH_COMPILER_TOOLS_INSPECTCOMMAND_H

namespace thresh {

/// `thresh inspect`: argv[0] is the command's own name. Returns the exit code.
int inspectCommand(int argc, char **argv);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_INSPECTCOMMAND_H
