//===- run_command.h - the command `thresh run` -------------------------------===//
#ifndef THRESH_RUNTIME_TOOLS_RUN_COMMAND_H
#define THRESH_RUNTIME_TOOLS_RUN_COMMAND_H

#ifdef __cplusplus
extern "C" {
#endif

/// Runs a compiled library as the command line says (`--help` lists the options). argv[0] is how the command is
/// called, e.g. "thresh run", for help and messages. Results go to standard output, errors to standard error.
/// Returns the exit code: 0, or 1 on any error, and then no output file was written or replaced.
int thresh_run_command(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif // THRESH_RUNTIME_TOOLS_RUN_COMMAND_H
