//===- Safetensors.cpp - The safetensors file format -------------------------===//
#include "compiler/Frontend/Checkpoint/Safetensors.h"

#include "compiler/Frontend/Checkpoint/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <tuple>

using nlohmann::json;

namespace thresh {

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

struct DtypeInfo {
  llvm::StringLiteral name;
  int bits;
};

/// Every element type of the format.
constexpr DtypeInfo kDtypes[] = {
    {"BF16", 16},       {"BOOL", 8},    {"C64", 64},    {"F16", 16},    {"F32", 32},        {"F4", 4},
    {"F64", 64},        {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F8_E4M3", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2", 8},
    {"F8_E5M2FNUZ", 8}, {"F8_E8M0", 8}, {"I16", 16},    {"I32", 32},    {"I64", 64},        {"I8", 8},
    {"U16", 16},        {"U32", 32},    {"U64", 64},    {"U8", 8},
};

/// One entry of the header: a StoredTensor whose range is relative to the data section.
struct Entry {
  StoredTensor tensor;
  uint64_t begin = 0;
  uint64_t end = 0;
  int bits = 0;
};

/// Checks the entries of one header; `error` results carry the file and the JSON pointer.
class HeaderReader {
public:
  HeaderReader(llvm::StringRef file, uint64_t dataStart, uint64_t dataBytes)
      : file(file), dataStart(dataStart), dataBytes(dataBytes) {}

  llvm::Expected<std::vector<StoredTensor>> read(const json &root);

private:
  llvm::Error fail(const llvm::Twine &pointer, const llvm::Twine &message) {
    return makeError(file + ": " + pointer + ": " + message);
  }
  llvm::Error checkMetadata(const json &metadata);
  llvm::Expected<Entry> readEntry(const std::string &name, const json &value);
  llvm::Error readShape(const std::string &pointer, const json &value, Entry &entry);
  llvm::Error checkRanges(std::vector<Entry> &entries);
  llvm::Error checkSize(const Entry &entry);

  llvm::StringRef file;
  uint64_t dataStart;
  uint64_t dataBytes;
};

} // namespace

llvm::Error HeaderReader::checkMetadata(const json &metadata) {
  if (metadata.is_null())
    return llvm::Error::success();
  if (!metadata.is_object())
    return fail("/__metadata__", "expects an object of strings, but got " + describeJson(metadata));
  for (const auto &[key, value] : metadata.items())
    if (!value.is_string())
      return fail("/__metadata__" + pointerStep(key), "expects a string, but got " + describeJson(value));
  return llvm::Error::success();
}

llvm::Error HeaderReader::readShape(const std::string &pointer, const json &value, Entry &entry) {
  if (!value.is_array())
    return fail(pointer + "/shape", "expects an array of extents, but got " + describeJson(value));
  for (const auto &[index, extent] : llvm::enumerate(value)) {
    if (!extent.is_number_unsigned() || extent.get<uint64_t>() > uint64_t(INT64_MAX))
      return fail(pointer + "/shape/" + llvm::Twine(index),
                  "expects an extent from 0 to 2^63 - 1, but got " + describeJson(extent));
    entry.tensor.shape.push_back(extent.get<int64_t>());
  }
  return llvm::Error::success();
}

llvm::Expected<Entry> HeaderReader::readEntry(const std::string &name, const json &value) {
  std::string pointer = pointerStep(name);
  if (!value.is_object())
    return fail(pointer, "expects an object with dtype, shape and data_offsets, but got " + describeJson(value));
  for (const char *key : {"dtype", "shape", "data_offsets"})
    if (!value.contains(key))
      return fail(pointer, llvm::Twine("expects a field \"") + key + "\"");

  Entry entry;
  entry.tensor.file = file.str();
  entry.tensor.name = name;
  const json &dtype = value["dtype"];
  const auto *info = llvm::find_if(kDtypes, [&](const DtypeInfo &candidate) {
    return dtype.is_string() && dtype.get_ref<const std::string &>() == candidate.name;
  });
  if (info == std::end(kDtypes))
    return fail(pointer + "/dtype", "expects a safetensors dtype such as \"F32\", but got " + describeJson(dtype));
  entry.tensor.dtype = info->name.str();
  entry.bits = info->bits;

  if (llvm::Error error = readShape(pointer, value["shape"], entry))
    return error;

  const json &range = value["data_offsets"];
  if (!range.is_array() || range.size() != 2 || !range[0].is_number_unsigned() || !range[1].is_number_unsigned())
    return fail(pointer + "/data_offsets", "expects two offsets, but got " + describeJson(range));
  entry.begin = range[0].get<uint64_t>();
  entry.end = range[1].get<uint64_t>();
  return entry;
}

llvm::Error HeaderReader::checkSize(const Entry &entry) {
  std::string pointer = pointerStep(entry.tensor.name);
  uint64_t bits = entry.bits;
  uint64_t elements = 1;
  bool overflow = false;
  for (int64_t extent : entry.tensor.shape)
    overflow |= __builtin_mul_overflow(elements, uint64_t(extent), &elements);
  if (overflow || __builtin_mul_overflow(elements, bits, &bits))
    return fail(pointer + "/shape", "expects a tensor of less than 2^64 bits");
  if (bits % 8 != 0)
    return fail(pointer + "/shape", "expects a whole number of bytes, but got " + llvm::Twine(bits) + " bits");
  if (entry.end - entry.begin != bits / 8)
    return fail(pointer + "/data_offsets", "expects " + llvm::Twine(bits / 8) + " bytes by dtype and shape, but got " +
                                               llvm::Twine(entry.end - entry.begin));
  return llvm::Error::success();
}

llvm::Error HeaderReader::checkRanges(std::vector<Entry> &entries) {
  llvm::sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name);
  });
  uint64_t next = 0;
  for (const Entry &entry : entries) {
    std::string pointer = pointerStep(entry.tensor.name) + "/data_offsets";
    if (entry.begin != next)
      return fail(pointer, llvm::Twine("expects to begin at ") + llvm::Twine(next) +
                               " where the tensor before it ends, but got " + llvm::Twine(entry.begin) +
                               (entry.begin < next ? " (overlap)" : " (hole)"));
    if (entry.end < entry.begin)
      return fail(pointer,
                  "expects begin <= end, but got " + llvm::Twine(entry.begin) + " > " + llvm::Twine(entry.end));
    if (llvm::Error error = checkSize(entry))
      return error;
    if (entry.end > dataBytes)
      return fail(pointer, "expects to end within the " + llvm::Twine(dataBytes) + " bytes of data, but got " +
                               llvm::Twine(entry.end));
    next = entry.end;
  }
  if (next != dataBytes)
    return makeError(file + ": expects the tensors to cover the file, but " + llvm::Twine(dataBytes - next) +
                     " bytes follow the last one");
  return llvm::Error::success();
}

llvm::Expected<std::vector<StoredTensor>> HeaderReader::read(const json &root) {
  std::vector<Entry> entries;
  for (const auto &[name, value] : root.items()) {
    if (name == "__metadata__") {
      if (llvm::Error error = checkMetadata(value))
        return error;
      continue;
    }
    llvm::Expected<Entry> entry = readEntry(name, value);
    if (!entry)
      return entry.takeError();
    entries.push_back(std::move(*entry));
  }
  if (llvm::Error error = checkRanges(entries))
    return error;

  std::vector<StoredTensor> tensors;
  for (Entry &entry : entries) {
    entry.tensor.offset = dataStart + entry.begin;
    entry.tensor.bytes = entry.end - entry.begin;
    tensors.push_back(std::move(entry.tensor));
  }
  return tensors;
}

llvm::Expected<std::vector<StoredTensor>> readSafetensorsHeader(llvm::StringRef file) {
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(file, status))
    return makeError(file + ": cannot be read: " + code.message());
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return makeError(file + ": expects a regular file");
  uint64_t fileBytes = status.getSize();
  if (fileBytes < kLengthBytes)
    return makeError(file + ": expects at least 8 bytes, but got " + llvm::Twine(fileBytes));

  auto lengthBuffer = llvm::MemoryBuffer::getFileSlice(file, kLengthBytes, 0);
  if (!lengthBuffer)
    return makeError(file + ": cannot be read: " + lengthBuffer.getError().message());
  uint64_t length = llvm::support::endian::read64le((*lengthBuffer)->getBufferStart());
  if (length > kMaxHeaderBytes)
    return makeError(file + ": expects a header of at most " + llvm::Twine(kMaxHeaderBytes) + " bytes, but got " +
                     llvm::Twine(length));
  if (length > fileBytes - kLengthBytes)
    return makeError(file + ": expects a header of " + llvm::Twine(length) + " bytes, but the file ends after " +
                     llvm::Twine(fileBytes - kLengthBytes));

  auto header = llvm::MemoryBuffer::getFileSlice(file, length, kLengthBytes);
  if (!header)
    return makeError(file + ": cannot be read: " + header.getError().message());
  // As in the reference reader, a tensor listed twice is one tensor; of two places the first is then a hole.
  llvm::Expected<json> root = parseJsonObject((*header)->getBuffer(), file, RepeatedNames::InRoot);
  if (!root)
    return root.takeError();
  uint64_t dataStart = kLengthBytes + length;
  return HeaderReader(file, dataStart, fileBytes - dataStart).read(*root);
}

} // namespace thresh
