//===- CommandLine.cpp - options of one command, as a table -----------------===//
#include "compiler/Tools/CommandLine.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace thresh {
namespace {

using Take = std::function<std::string(const std::string &)>;

void printHelp(const CommandSyntax &syntax) {
  std::printf("usage: %s %s [options]\n\n%s\n\noptions:\n", syntax.name, syntax.operand, syntax.summary);
  for (const CommandOption &option : syntax.options) {
    std::string left = option.name;
    if (option.argument)
      left += std::string(" ") + option.argument;
    std::istringstream lines(option.help);
    for (std::string line; std::getline(lines, line); left.clear())
      std::printf("  %-24s %s\n", left.c_str(), line.c_str());
  }
  std::printf("  %-24s %s\n", "--help", "print this text");
}

const CommandOption *findOption(const CommandSyntax &syntax, const std::string &name) {
  for (const CommandOption &option : syntax.options)
    if (name == option.name)
      return &option;
  return nullptr;
}

ParseResult fail(const CommandSyntax &syntax, const std::string &message) {
  std::fprintf(stderr, "%s: error: %s (see %s --help)\n", syntax.name, message.c_str(), syntax.name);
  return ParseResult::Failed;
}

/// Parses all of `text` as an integer of at least `minimum`.
std::string parseInteger(const std::string &text, int64_t minimum, int64_t maximum, int64_t &value) {
  char *end = nullptr;
  errno = 0;
  value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end || errno || value < minimum || value > maximum)
    return "expects an integer in [" + std::to_string(minimum) + ", " + std::to_string(maximum) + "], but got '" +
           text + "'";
  return "";
}

/// Splits `name=value`, both non-empty.
std::string splitNamed(const std::string &text, std::string &name, std::string &value) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return "expects name=value, but got '" + text + "'";
  name = text.substr(0, equals);
  value = text.substr(equals + 1);
  return "";
}

template <typename Value>
std::string insertOnce(std::map<std::string, Value> &target, const std::string &name, Value value) {
  return target.emplace(name, std::move(value)).second ? "" : "expects '" + name + "' once, but got it twice";
}

} // namespace

ParseResult parseCommandLine(const CommandSyntax &syntax, int argc, char **argv, std::string &operand) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--help") {
      printHelp(syntax);
      return ParseResult::HelpPrinted;
    }
    if (word.rfind("-", 0) != 0) {
      if (!operand.empty())
        return fail(syntax, std::string("expects one ") + syntax.operand + ", but got '" + word + "' too");
      operand = word;
      continue;
    }
    size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    const CommandOption *option = findOption(syntax, name);
    if (!option)
      return fail(syntax, "unknown option '" + name + "'");
    std::string value;
    if (equals != std::string::npos)
      value = word.substr(equals + 1);
    if (!option->argument && equals != std::string::npos)
      return fail(syntax, "'" + name + "' takes no value");
    if (option->argument && equals == std::string::npos) {
      if (++i == argc)
        return fail(syntax, "'" + name + "' expects " + option->argument);
      value = argv[i];
    }
    std::string wrong = option->take(value);
    if (!wrong.empty())
      return fail(syntax, "'" + name + "' " + wrong);
  }
  if (operand.empty())
    return fail(syntax, std::string("expects ") + syntax.operand);
  return ParseResult::Run;
}

Take storeInteger(int64_t &target, int64_t minimum, int64_t maximum) {
  return [&target, minimum, maximum](const std::string &text) { return parseInteger(text, minimum, maximum, target); };
}

Take storeIntegers(std::vector<int64_t> &target, int64_t minimum, int64_t maximum) {
  return [&target, minimum, maximum](const std::string &text) {
    target.clear();
    std::string wrong;
    for (size_t begin = 0; begin <= text.size() && wrong.empty();) {
      size_t end = std::min(text.find(',', begin), text.size());
      wrong = parseInteger(text.substr(begin, end - begin), minimum, maximum, target.emplace_back());
      begin = end + 1;
    }
    return wrong;
  };
}

Take storeReal(double &target, double minimum) {
  return [&target, minimum](const std::string &text) -> std::string {
    char *end = nullptr;
    target = std::strtod(text.c_str(), &end);
    if (text.empty() || *end || !std::isfinite(target) || target < minimum)
      return "expects a number of at least " + std::to_string(minimum) + ", but got '" + text + "'";
    return "";
  };
}

Take storeText(std::string &target) {
  return [&target](const std::string &text) -> std::string {
    target = text;
    return text.empty() ? "expects a value, but got an empty one" : "";
  };
}

Take storeFlag(bool &target) {
  return [&target](const std::string &) {
    target = true;
    return std::string();
  };
}

Take storeNamedInteger(std::map<std::string, int64_t> &target, int64_t minimum) {
  return [&target, minimum](const std::string &text) {
    std::string name, number;
    int64_t value = 0;
    std::string wrong = splitNamed(text, name, number);
    if (wrong.empty())
      wrong = parseInteger(number, minimum, INT64_MAX, value);
    return wrong.empty() ? insertOnce(target, name, value) : wrong;
  };
}

Take storeIntegerFor(std::map<std::string, int64_t> &target, int64_t minimum) {
  return [&target, minimum](const std::string &text) {
    std::string name, number = text;
    std::string wrong = text.find('=') == std::string::npos ? "" : splitNamed(text, name, number);
    return wrong.empty() ? parseInteger(number, minimum, INT64_MAX, target[name]) : wrong;
  };
}

Take storeNamedText(std::map<std::string, std::string> &target) {
  return [&target](const std::string &text) {
    std::string name, value;
    std::string wrong = splitNamed(text, name, value);
    return wrong.empty() ? insertOnce(target, name, value) : wrong;
  };
}

} // namespace thresh
