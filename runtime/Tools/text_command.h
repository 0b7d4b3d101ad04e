//===- text_command.h - the texts of `thresh run` ------------------------------===//
#ifndef THRESH_RUNTIME_TOOLS_TEXT_COMMAND_H
#define THRESH_RUNTIME_TOOLS_TEXT_COMMAND_H

#include "runtime/Tools/run_options.h"

/// Does what `options` say about --tokens: writes the logits, prints the new tokens to standard output, ends with a
/// line of figures on standard error. `session` is new.
thresh_code thresh_text_run(const thresh_run_options *options, thresh_model *model, thresh_session *session,
                            thresh_status *status);

#endif // THRESH_RUNTIME_TOOLS_TEXT_COMMAND_H
