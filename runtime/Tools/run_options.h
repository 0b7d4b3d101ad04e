//===- run_options.h - the command line of `thresh run` and `thresh-run` ------===//
#ifndef THRESH_RUNTIME_TOOLS_RUN_OPTIONS_H
#define THRESH_RUNTIME_TOOLS_RUN_OPTIONS_H

#include "runtime/Tools/inputs.h"

/// What the command line asks for. Strings without a comment point into argv.
typedef struct thresh_run_options {
  const char *library;
  const char *weights; ///< NULL: beside the library
  const char *target;  ///< NULL: the best for this CPU
  const char *entry;   ///< NULL: the first
  int64_t threads;     ///< 0: the default
  int64_t repeat;      ///< timed runs after the first; 0: no timing
  int help;
  thresh_input_sources sources; ///< its arrays are the four below
  thresh_named_file *inputs;    ///< owned, as are the strings in it
  thresh_named_file *outputs;
  thresh_named_number *dims;
  thresh_named_number *maxima;
  int num_outputs;
} thresh_run_options;

/// Parses argv after its first string. On failure nothing is left to free.
thresh_code thresh_run_options_parse(int argc, char **argv, thresh_run_options *options, thresh_status *status);

void thresh_run_options_free(thresh_run_options *options);

/// Prints the help text to standard output; `program` is how the command is called.
void thresh_run_options_help(const char *program);

#endif // THRESH_RUNTIME_TOOLS_RUN_OPTIONS_H
