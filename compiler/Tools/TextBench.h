//===- TextBench.h - thresh bench for language models -----------------------===//
//
// Times an entry point that takes tokens and continues a session: `decode` (one token) or `prefill` (many).
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_TEXTBENCH_H
#define THRESH_COMPILER_TOOLS_TEXTBENCH_H

#include "compiler/Tools/ModelRun.h"

namespace thresh {

struct TextBenchOptions {
  std::vector<int64_t>
      depths;         ///< tokens that a session holds before a turn, ascending; empty: 16 for one token, else 0
  int64_t tokens = 0; ///< of a turn; 0: 16 for one token, else 512
  int64_t rounds = 10;
  double seconds = 0.3; ///< for each yardstick of the machine
  bool json = false;
  bool kernels = false; ///< a table of what each kernel takes
};

/// Whether the request is for an entry point that continues sessions. Without an entry in it, a library that has
/// `decode` is taken by that, and `request` says so afterwards. False where the library cannot be opened.
bool isTextRequest(RunRequest &request);

/// Measures and prints. Returns what went wrong, or an empty string.
std::string benchText(const RunRequest &request, const TextBenchOptions &options);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_TEXTBENCH_H
