//===- Rival.cpp - another engine in a process of its own -------------------===//
#include "compiler/Tools/Rival.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace thresh {

Rival::~Rival() {
  if (channel >= 0)
    close(channel);
  if (process > 0)
    waitpid(process, nullptr, 0);
}

std::string Rival::start(const std::string &name, const std::string &python) {
  rivalName = name;
  std::string interpreter = python.empty() ? THRESH_PYTHON : python;
  std::string script = std::string(THRESH_RIVALS_DIR) + "/" + name + ".py";
  if (access(interpreter.c_str(), X_OK) != 0)
    return "expects a Python interpreter at '" + interpreter + "', but got: " + std::strerror(errno);
  if (access(script.c_str(), R_OK) != 0)
    return "expects the rival's script at '" + script + "', but got: " + std::strerror(errno);

  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return std::string("cannot make a channel to the rival: ") + std::strerror(errno);
  process = fork();
  if (process == 0) {
    dup2(ends[1], STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    execl(interpreter.c_str(), interpreter.c_str(), "-u", script.c_str(), static_cast<char *>(nullptr));
    _exit(127);
  }
  close(ends[1]);
  channel = ends[0];
  return process < 0 ? std::string("cannot start the rival: ") + std::strerror(errno) : "";
}

std::string Rival::readLine(std::string &line) {
  for (;;) {
    size_t end = pending.find('\n');
    if (end != std::string::npos) {
      line = pending.substr(0, end);
      pending.erase(0, end + 1);
      return "";
    }
    char buffer[65536];
    ssize_t got = recv(channel, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return "the rival " + rivalName + " ended early";
    pending.append(buffer, got);
  }
}

std::string Rival::ask(const nlohmann::json &request, nlohmann::json &answer) {
  std::string text = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  for (size_t sent = 0; sent < text.size();) {
    ssize_t count = send(channel, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return "the rival " + rivalName + " ended early";
    sent += count;
  }
  std::string line;
  if (std::string wrong = readLine(line); !wrong.empty())
    return wrong;
  answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object())
    return "expects a JSON object from the rival " + rivalName + ", but got '" + line + "'";
  if (auto error = answer.find("error"); error != answer.end() && error->is_string())
    return rivalName + ": " + error->get<std::string>();
  return "";
}

} // namespace thresh
