//===- Json.cpp - Checked reading of JSON files -----------------------------===//
#include "compiler/Frontend/Checkpoint/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <set>

using nlohmann::json;

namespace thresh {

namespace {

/// Walks a text without building anything: finds where it breaks and how deep it nests, neither of which
/// the exception-free parser reports.
class SyntaxChecker : public nlohmann::json_sax<json> {
public:
  static constexpr size_t kMaxDepth = 64;

  explicit SyntaxChecker(RepeatedNames repeated) : repeated(repeated) {}

  std::string problem; ///< empty when the text is well formed

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool key(string_t &name) override {
    bool isFine = repeated == RepeatedNames::InRoot && keys.size() == 1;
    if (keys.back().insert(name).second || isFine)
      return true;
    problem = "expects each name once, but got \"" + name + "\" twice in an object";
    return false;
  }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool parse_error(std::size_t position, const std::string &, const json::exception &) override {
    problem = "expects JSON, but it breaks at byte " + std::to_string(position);
    return false;
  }

private:
  bool enter() {
    keys.emplace_back();
    if (keys.size() <= kMaxDepth)
      return true;
    problem = "expects JSON at most " + std::to_string(kMaxDepth) + " levels deep";
    return false;
  }
  bool leave() {
    keys.pop_back();
    return true;
  }

  RepeatedNames repeated;
  std::vector<std::set<std::string>> keys; ///< names so far, for each object or array that is open
};

} // namespace

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::errc::invalid_argument, message);
}

llvm::Expected<json> parseJsonObject(llvm::StringRef text, llvm::StringRef file, RepeatedNames repeated) {
  // The parser takes a NUL for the end of the text and skips a byte order mark; JSON allows neither.
  llvm::StringRef start = text.ltrim(" \t\r\n");
  if (!start.starts_with("{"))
    return makeError(file + ": expects a JSON object");
  if (size_t nul = text.find('\0'); nul != llvm::StringRef::npos)
    return makeError(file + ": expects JSON, but byte " + llvm::Twine(nul) + " is NUL");

  SyntaxChecker checker(repeated);
  json::sax_parse(text.begin(), text.end(), &checker);
  if (!checker.problem.empty())
    return makeError(file + ": " + checker.problem);
  json root = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded())
    return makeError(file + ": expects JSON");
  return root;
}

llvm::Expected<json> readJsonObject(llvm::StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError(file + ": cannot be read: " + buffer.getError().message());
  return parseJsonObject((*buffer)->getBuffer(), file);
}

std::string pointerStep(llvm::StringRef key) {
  std::string step = "/";
  for (char c : key) {
    if (c == '~')
      step += "~0";
    else if (c == '/')
      step += "~1";
    else
      step += c;
  }
  return step;
}

std::string describeJson(const json &value) {
  constexpr size_t kMaxLength = 60;
  if (value.is_structured() && value.size() > 16)
    return (llvm::Twine(value.is_array() ? "an array of " : "an object of ") + llvm::Twine(value.size()) + " elements")
        .str();
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  return text.size() <= kMaxLength ? text : text.substr(0, kMaxLength) + "...";
}

//===----------------------------------------------------------------------===//
// JsonFields
//===----------------------------------------------------------------------===//

JsonFields::JsonFields(const json &object, llvm::StringRef file, llvm::StringRef pointer)
    : object(object), file(file), pointer(pointer) {}

void JsonFields::fail(llvm::StringRef key, const llvm::Twine &message) {
  if (!error)
    error = makeError(file + ": " + pointer + pointerStep(key) + ": " + message);
}

void JsonFields::failType(llvm::StringRef key, llvm::StringRef expected, const json &value) {
  fail(key, "expects " + expected + ", but got " + describeJson(value));
}

const json *JsonFields::find(llvm::StringRef key, bool hasFallback, llvm::StringRef expected) {
  auto it = object.find(key.str());
  if (it != object.end() && !it->is_null())
    return &*it;
  if (!hasFallback)
    fail(key, "expects " + expected + ", but the field is missing");
  return nullptr;
}

/// The integer in [min, max] that `value` is, if it is one.
static std::optional<int64_t> asInteger(const json &value, int64_t min, int64_t max) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX)))
    return std::nullopt;
  int64_t number = value.get<int64_t>();
  return number >= min && number <= max ? std::optional(number) : std::nullopt;
}

int64_t JsonFields::integer(llvm::StringRef key, int64_t min, int64_t max, std::optional<int64_t> fallback) {
  std::string expected = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  const json *value = find(key, fallback.has_value(), expected);
  if (!value)
    return fallback.value_or(min);
  if (std::optional<int64_t> number = asInteger(*value, min, max))
    return *number;
  failType(key, expected, *value);
  return min;
}

std::vector<int64_t> JsonFields::integers(llvm::StringRef key, int64_t min, int64_t max) {
  std::string range = "from " + std::to_string(min) + " to " + std::to_string(max);
  std::string expected = "an integer " + range + " or an array of integers " + range;
  const json *value = find(key, /*hasFallback=*/false, expected);
  if (!value)
    return {};
  std::vector<int64_t> numbers;
  for (const json &element : value->is_array() ? *value : json::array({*value}))
    if (std::optional<int64_t> number = asInteger(element, min, max))
      numbers.push_back(*number);
  if (numbers.empty() || numbers.size() != (value->is_array() ? value->size() : 1))
    failType(key, expected, *value);
  return numbers;
}

double JsonFields::positive(llvm::StringRef key, std::optional<double> fallback) {
  const json *value = find(key, fallback.has_value(), "a number greater than 0");
  if (!value)
    return fallback.value_or(1.0);
  if (value->is_number()) {
    double number = value->get<double>();
    if (std::isfinite(number) && number > 0)
      return number;
  }
  failType(key, "a number greater than 0", *value);
  return 1.0;
}

bool JsonFields::boolean(llvm::StringRef key, std::optional<bool> fallback) {
  const json *value = find(key, fallback.has_value(), "true or false");
  if (!value)
    return fallback.value_or(false);
  if (value->is_boolean())
    return value->get<bool>();
  failType(key, "true or false", *value);
  return false;
}

std::string JsonFields::string(llvm::StringRef key, std::optional<llvm::StringRef> fallback) {
  const json *value = find(key, fallback.has_value(), "a string");
  if (!value)
    return fallback.value_or("").str();
  if (value->is_string())
    return value->get<std::string>();
  failType(key, "a string", *value);
  return "";
}

std::vector<double> JsonFields::positives(llvm::StringRef key, size_t size) {
  std::string expected = "an array of " + std::to_string(size) + " numbers greater than 0";
  const json *value = find(key, /*hasFallback=*/false, expected);
  std::vector<double> numbers;
  if (value && value->is_array() && value->size() == size)
    for (const json &element : *value)
      if (double number = element.is_number() ? element.get<double>() : 0; std::isfinite(number) && number > 0)
        numbers.push_back(number);
  if (value && numbers.size() != size)
    failType(key, expected, *value);
  numbers.resize(size, 1.0);
  return numbers;
}

std::vector<std::string> JsonFields::strings(llvm::StringRef key, size_t size, llvm::ArrayRef<llvm::StringRef> known) {
  std::string expected = "an array of " + std::to_string(size) + " of " + llvm::join(known, ", ");
  const json *value = find(key, /*hasFallback=*/false, expected);
  std::vector<std::string> texts;
  if (value && value->is_array() && value->size() == size)
    for (const json &element : *value)
      if (element.is_string() && llvm::is_contained(known, element.get_ref<const std::string &>()))
        texts.push_back(element.get<std::string>());
  if (value && texts.size() != size)
    failType(key, expected, *value);
  texts.resize(size);
  return texts;
}

std::vector<std::string> JsonFields::strings(llvm::StringRef key) {
  llvm::StringRef expected = "an array of one or more strings";
  const json *value = find(key, /*hasFallback=*/false, expected);
  bool fits = value && value->is_array() && !value->empty() &&
              llvm::all_of(*value, [](const json &element) { return element.is_string(); });
  if (fits)
    return value->get<std::vector<std::string>>();
  if (value)
    failType(key, expected, *value);
  return {};
}

std::unique_ptr<JsonFields> JsonFields::nested(llvm::StringRef key) {
  const json *value = find(key, /*hasFallback=*/true, "an object");
  if (value && value->is_object())
    return std::make_unique<JsonFields>(*value, file, pointer + pointerStep(key));
  if (value)
    failType(key, "an object", *value);
  return nullptr;
}

void JsonFields::expectOnly(llvm::ArrayRef<llvm::StringLiteral> known) {
  for (const auto &[key, value] : object.items())
    if (!llvm::is_contained(known, key))
      fail(key, "expects one of " + llvm::join(known, ", ") + " as the key");
}

bool JsonFields::has(llvm::StringRef key) const {
  auto it = object.find(key.str());
  return it != object.end() && !it->is_null();
}

void JsonFields::adopt(llvm::Error nestedError) {
  if (error)
    llvm::consumeError(std::move(nestedError));
  else
    error = std::move(nestedError);
}

} // namespace thresh
