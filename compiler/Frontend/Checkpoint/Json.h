//===- Json.h - Checked reading of JSON files -------------------------------===//
//
// Parses untrusted JSON without exceptions, and reads typed fields out of it. Every error names the
// file and, past the parser, the JSON pointer of the value.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_JSON_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_JSON_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include "nlohmann/json.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace thresh {

/// An error with `message` as its text.
llvm::Error makeError(const llvm::Twine &message);

/// Whether an object may hold a name twice; the last one counts.
enum class RepeatedNames { Nowhere, InRoot };

/// Parses `text`, the content of `file`, whose root must be an object. Nesting is limited to 64 levels.
llvm::Expected<nlohmann::json> parseJsonObject(llvm::StringRef text, llvm::StringRef file,
                                               RepeatedNames repeated = RepeatedNames::Nowhere);

/// Reads and parses a whole file.
llvm::Expected<nlohmann::json> readJsonObject(llvm::StringRef file);

/// `key` as one step of a JSON pointer (RFC 6901): '~' and '/' escaped, with the leading '/'.
std::string pointerStep(llvm::StringRef key);

/// `value` as text for a message, cut to a readable length.
std::string describeJson(const nlohmann::json &value);

/// Typed access to the fields of one object. A field that is absent or null takes the fallback; without
/// one it is an error. The first error sticks: later reads return the least value they allow or an empty
/// one, so a caller reads all fields and asks once.
class JsonFields {
public:
  /// `object` must outlive the reader; `pointer` is where it lies in `file`.
  JsonFields(const nlohmann::json &object, llvm::StringRef file, llvm::StringRef pointer = "");
  ~JsonFields() { llvm::consumeError(std::move(error)); }

  /// An integer in [min, max].
  int64_t integer(llvm::StringRef key, int64_t min, int64_t max, std::optional<int64_t> fallback = std::nullopt);
  /// A finite number greater than zero.
  double positive(llvm::StringRef key, std::optional<double> fallback = std::nullopt);
  bool boolean(llvm::StringRef key, std::optional<bool> fallback = std::nullopt);
  std::string string(llvm::StringRef key, std::optional<llvm::StringRef> fallback = std::nullopt);

  /// An integer in [min, max], or an array of one or more of them.
  std::vector<int64_t> integers(llvm::StringRef key, int64_t min, int64_t max);
  /// An array of `size` finite numbers greater than zero.
  std::vector<double> positives(llvm::StringRef key, size_t size);
  /// An array of `size` strings, each one of `known`.
  std::vector<std::string> strings(llvm::StringRef key, size_t size, llvm::ArrayRef<llvm::StringRef> known);
  /// A non-empty array of strings.
  std::vector<std::string> strings(llvm::StringRef key);
  /// The fields of a nested object; null if it is absent. Its errors are its own: hand them to `adopt`.
  std::unique_ptr<JsonFields> nested(llvm::StringRef key);

  /// Every field must be one of `known`.
  void expectOnly(llvm::ArrayRef<llvm::StringLiteral> known);

  /// Whether the field is there and not null.
  bool has(llvm::StringRef key) const;
  /// Whether the field is there, null or not.
  bool mentions(llvm::StringRef key) const { return object.contains(key.str()); }

  /// Takes over the error of a nested reader.
  void adopt(llvm::Error nestedError);

  /// Records that the field `key` has a value that the caller cannot use.
  void fail(llvm::StringRef key, const llvm::Twine &message);

  /// The first error, or success; leaves success behind.
  llvm::Error takeError() { return std::exchange(error, llvm::Error::success()); }

private:
  const nlohmann::json *find(llvm::StringRef key, bool hasFallback, llvm::StringRef expected);
  void failType(llvm::StringRef key, llvm::StringRef expected, const nlohmann::json &value);

  const nlohmann::json &object;
  std::string file;
  std::string pointer;
  llvm::Error error = llvm::Error::success();
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_JSON_H
