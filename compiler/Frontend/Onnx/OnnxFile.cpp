//===- OnnxFile.cpp - Strips the payloads from an ONNX file and parses it ===//
#include "compiler/Frontend/Onnx/OnnxFile.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

#include <limits>
#include <optional>

using namespace mlir;
using namespace thresh;

namespace {

/// The message kinds on the way to a tensor.
enum class Kind { Model, Graph, Node, Attribute, Tensor, Function };

struct Child {
  Kind parent;
  uint32_t field;
  Kind kind;
};

/// Fields that hold, directly or not, tensors (numbers as in onnx-ml.proto).
constexpr Child children[] = {
    {Kind::Model, 7, Kind::Graph},     {Kind::Model, 25, Kind::Function},     {Kind::Graph, 1, Kind::Node},
    {Kind::Graph, 5, Kind::Tensor},    {Kind::Node, 5, Kind::Attribute},      {Kind::Attribute, 5, Kind::Tensor},
    {Kind::Attribute, 6, Kind::Graph}, {Kind::Attribute, 10, Kind::Tensor},   {Kind::Attribute, 11, Kind::Graph},
    {Kind::Function, 7, Kind::Node},   {Kind::Function, 11, Kind::Attribute},
};

/// Field numbers of TensorProto, and the data_type that a typed payload field must go with.
enum TensorField : uint32_t { kDataType = 2, kSegment = 3, kFloatData = 4, kRawData = 9, kDoubleData = 10 };

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

/// Deeper nesting than any model needs; keeps a hostile file off the stack.
constexpr unsigned maxDepth = 64;

/// One field as it lies in the file: [start, end), a length-delimited body at [body, end).
struct Field {
  uint32_t number = 0;
  uint32_t wire = 0;
  uint64_t varint = 0;
  uint64_t start = 0, body = 0, end = 0;
};

/// Copies a serialised message without its tensor payloads.
class Stripper {
public:
  explicit Stripper(StringRef bytes) : bytes(bytes) {}

  /// Appends message [begin, end) of `kind` to `out`. False, with `message()` set, when it is malformed.
  bool strip(Kind kind, uint64_t begin, uint64_t end, std::string &out, unsigned depth = 0);

  const std::string &message() const { return error; }

private:
  bool fail(uint64_t at, const char *what) {
    error = "byte " + std::to_string(at) + ": " + what;
    return false;
  }
  bool readVarint(uint64_t &at, uint64_t end, uint64_t &value);
  bool readField(uint64_t &at, uint64_t end, Field &field);
  bool takePayload(const Field &field, std::optional<Field> &payload);
  bool finishTensor(const std::optional<Field> &payload, int64_t dataType, std::string &out);

  StringRef bytes;
  std::string error;
};

void appendVarint(std::string &out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void appendTag(std::string &out, uint32_t number, uint32_t wire) { appendVarint(out, uint64_t(number) << 3 | wire); }

std::optional<Kind> childKind(Kind parent, uint32_t field) {
  for (const Child &child : children)
    if (child.parent == parent && child.field == field)
      return child.kind;
  return std::nullopt;
}

bool isPayload(const Field &field) {
  return field.wire == kLength &&
         (field.number == kRawData || field.number == kFloatData || field.number == kDoubleData);
}

} // namespace

bool Stripper::readVarint(uint64_t &at, uint64_t end, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at >= end)
      return fail(at, "the file ends inside a number");
    uint64_t byte = static_cast<unsigned char>(bytes[at++]);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return fail(at, "a number is longer than ten bytes");
}

bool Stripper::readField(uint64_t &at, uint64_t end, Field &field) {
  field.start = at;
  uint64_t tag;
  if (!readVarint(at, end, tag))
    return false;
  field.number = static_cast<uint32_t>(tag >> 3);
  field.wire = tag & 7;
  uint64_t size = 0;
  switch (field.wire) {
  case kVarint:
    if (!readVarint(at, end, field.varint))
      return false;
    break;
  case kFixed64: size = 8; break;
  case kFixed32: size = 4; break;
  case kLength:
    if (!readVarint(at, end, size))
      return false;
    break;
  default: return fail(field.start, "unknown wire type");
  }
  if (size > end - at)
    return fail(field.start, "a field reaches past the end of its message");
  field.body = at;
  field.end = at += size;
  return true;
}

bool Stripper::takePayload(const Field &field, std::optional<Field> &payload) {
  if (payload)
    return fail(field.start, "a tensor has its data twice");
  payload = field;
  return true;
}

bool Stripper::finishTensor(const std::optional<Field> &payload, int64_t dataType, std::string &out) {
  if (!payload)
    return true;
  if (payload->number == kFloatData && dataType != onnx::TensorProto::FLOAT)
    return fail(payload->start, "float_data in a tensor that is not FLOAT");
  if (payload->number == kDoubleData && dataType != onnx::TensorProto::DOUBLE)
    return fail(payload->start, "double_data in a tensor that is not DOUBLE");
  std::string segment;
  appendTag(segment, 1, kVarint);
  appendVarint(segment, payload->body);
  appendTag(segment, 2, kVarint);
  appendVarint(segment, payload->end);
  appendTag(out, kSegment, kLength);
  appendVarint(out, segment.size());
  out += segment;
  return true;
}

bool Stripper::strip(Kind kind, uint64_t begin, uint64_t end, std::string &out, unsigned depth) {
  if (depth > maxDepth)
    return fail(begin, "messages are nested too deep");
  std::optional<Field> payload;
  int64_t dataType = 0;
  for (uint64_t at = begin; at < end;) {
    Field field;
    if (!readField(at, end, field))
      return false;
    if (field.wire == kLength) {
      if (std::optional<Kind> child = childKind(kind, field.number)) {
        std::string body;
        if (!strip(*child, field.body, field.end, body, depth + 1))
          return false;
        appendTag(out, field.number, kLength);
        appendVarint(out, body.size());
        out += body;
        continue;
      }
    }
    if (kind == Kind::Tensor) {
      if (field.number == kSegment)
        return fail(field.start, "segmented tensors are not supported");
      if (isPayload(field)) {
        if (!takePayload(field, payload))
          return false;
        continue;
      }
      if (field.number == kDataType && field.wire == kVarint)
        dataType = static_cast<int64_t>(field.varint);
    }
    out.append(bytes.data() + field.start, field.end - field.start);
  }
  return kind != Kind::Tensor || finishTensor(payload, dataType, out);
}

FailureOr<std::unique_ptr<OnnxFile>> OnnxFile::open(StringRef path, Location loc) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return emitError(loc) << "cannot read '" << path << "': " << buffer.getError().message();
  auto file = std::make_unique<OnnxFile>();
  file->filePath = path.str();
  file->buffer = std::move(*buffer);
  std::string stripped;
  Stripper stripper(file->bytes());
  if (!stripper.strip(Kind::Model, 0, file->bytes().size(), stripped))
    return emitError(loc) << "expects an ONNX model (protobuf), but got a damaged or other file: "
                          << stripper.message();
  if (stripped.size() > size_t(std::numeric_limits<int>::max()) ||
      !file->message.ParseFromArray(stripped.data(), static_cast<int>(stripped.size())))
    return emitError(loc) << "expects an ONNX model (protobuf), but its messages cannot be parsed";
  if (!file->message.has_graph())
    return emitError(loc) << "expects an ONNX model, but it has no graph";
  return file;
}
