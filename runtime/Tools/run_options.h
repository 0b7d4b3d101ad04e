//===- run_options.h - the command line of `thresh run` and `thresh-run` ------===//
#ifndef THRESH_RUNTIME_TOOLS_RUN_OPTIONS_H
#define THRESH_RUNTIME_TOOLS_RUN_OPTIONS_H

#include "runtime/Tools/inputs.h"

/// The text that the command line asks for. Strings point into argv.
typedef struct thresh_text_options {
  int64_t *tokens; ///< the prompt; owned; NULL without --tokens
  int64_t num_tokens;
  const char *prompt;        ///< NULL: none, or tokens
  const char *tokenizer;     ///< NULL: beside the library
  const char *logits;        ///< file for the logits of the prompt; NULL: none
  int64_t new_tokens;        ///< -1: not said
  int greedy;                ///< take the likeliest token
  double temperature;        ///< 0: not said, as for the next two
  double top_p;              ///<
  double repetition_penalty; ///<
  int64_t top_k;             ///< -1: not said
  int64_t seed;
  const char *last_flag; ///< the last flag that asks for something about a text; NULL: none did
} thresh_text_options;

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
  const char *tensor_flag; ///< the last flag that asks for something about inputs and outputs; NULL: none did
  thresh_text_options text;
} thresh_run_options;

/// Parses argv after its first string. On failure nothing is left to free.
thresh_code thresh_run_options_parse(int argc, char **argv, thresh_run_options *options, thresh_status *status);

void thresh_run_options_free(thresh_run_options *options);

/// Prints the help text to standard output; `program` is how the command is called.
void thresh_run_options_help(const char *program);

#endif // THRESH_RUNTIME_TOOLS_RUN_OPTIONS_H
