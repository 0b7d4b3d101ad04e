//===- Rival.h - another engine in a process of its own ---------------------===//
//
// A rival is a Python script of compiler/Tools/rivals that answers requests: one JSON object a line in,
// one out. What each request holds is said at the head of the script.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_RIVAL_H
#define THRESH_COMPILER_TOOLS_RIVAL_H

#include "nlohmann/json.hpp"

#include <string>
#include <sys/types.h>

namespace thresh {

class Rival {
public:
  Rival() = default;
  Rival(const Rival &) = delete;
  Rival &operator=(const Rival &) = delete;
  /// Ends the process: it exits when its input does.
  ~Rival();

  /// Starts `rivals/<name>.py` under the interpreter `python` (empty: the one of this build's
  /// set-up). Returns what went wrong, or an empty string.
  std::string start(const std::string &name, const std::string &python);

  /// Sends a request and waits for the answer, an object. Returns what went wrong (the rival's own message, or
  /// that it ended early), or an empty string.
  std::string ask(const nlohmann::json &request, nlohmann::json &answer);

private:
  std::string readLine(std::string &line);

  std::string rivalName;
  std::string pending; ///< bytes read past the last line
  int channel = -1;    ///< a socket, both ways
  pid_t process = -1;
};

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_RIVAL_H
