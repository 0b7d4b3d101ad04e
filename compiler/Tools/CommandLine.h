//===- CommandLine.h - options of one command, as a table -------------------===//
//
// Help text and parsing come from the same table, so that they cannot disagree. A value is given as
// `--name value` or `--name=value`.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_COMMANDLINE_H
#define THRESH_COMPILER_TOOLS_COMMANDLINE_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace thresh {

/// One option of a command.
struct CommandOption {
  const char *name;     ///< with its dashes: "--seed"
  const char *argument; ///< what the help calls its value, e.g. "N"; null for a flag
  const char *help;     ///< may hold several lines
  /// Stores the value (empty for a flag). Returns what is wrong with it, or an empty string.
  std::function<std::string(const std::string &value)> take;
};

/// A command: what its help says, and its options. `--help` is added by itself.
struct CommandSyntax {
  const char *name;    ///< "thresh bench"
  const char *operand; ///< the one operand: "OUT.so"
  const char *summary; ///< a paragraph
  std::vector<CommandOption> options;
};

enum class ParseResult { Run, HelpPrinted, Failed };

/// Reads `argv[1..argc)`, with the command's own name at argv[0]. On failure prints why to stderr.
ParseResult parseCommandLine(const CommandSyntax &syntax, int argc, char **argv, std::string &operand);

/// Values for the table's `take`. Each returns a function that parses, checks the range and stores.
std::function<std::string(const std::string &)> storeInteger(int64_t &target, int64_t minimum, int64_t maximum);
/// Integers with commas between.
std::function<std::string(const std::string &)> storeIntegers(std::vector<int64_t> &target, int64_t minimum,
                                                              int64_t maximum);
std::function<std::string(const std::string &)> storeReal(double &target, double minimum);
std::function<std::string(const std::string &)> storeText(std::string &target);
std::function<std::string(const std::string &)> storeFlag(bool &target);
/// `name=N` into a map; a name given twice is an error.
std::function<std::string(const std::string &)> storeNamedInteger(std::map<std::string, int64_t> &target,
                                                                  int64_t minimum);
/// `N`, stored under the empty name, or `name=N`; the last of a name counts.
std::function<std::string(const std::string &)> storeIntegerFor(std::map<std::string, int64_t> &target,
                                                                int64_t minimum);
/// `name=text` into a map; a name given twice is an error.
std::function<std::string(const std::string &)> storeNamedText(std::map<std::string, std::string> &target);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_COMMANDLINE_H
