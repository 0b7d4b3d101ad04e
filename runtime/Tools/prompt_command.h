//===- prompt_command.h - prompts, which Python tokenises ----------------------===//
#ifndef THRESH_RUNTIME_TOOLS_PROMPT_COMMAND_H
#define THRESH_RUNTIME_TOOLS_PROMPT_COMMAND_H

#include "thresh/thresh.h"

/// Replaces this process by `python -m thresh.generate` with the same arguments; tokenisers are Python packages. The
/// interpreter is $THRESH_PYTHON, else that of the checkout that this program was built in, else python3. Returns
/// only when it cannot be started.
thresh_code thresh_prompt_run(int argc, char **argv, thresh_status *status);

#endif // THRESH_RUNTIME_TOOLS_PROMPT_COMMAND_H
