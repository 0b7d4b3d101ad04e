//===- SourceReader.cpp - Elements of a stored tensor --------------------------===//
#include "compiler/Weights/SourceReader.h"

#include "compiler/Weights/Halves.h"
#include "compiler/Weights/WeightsPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <unistd.h>

using namespace mlir;

namespace thresh {

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::errc::io_error, message);
}

//===----------------------------------------------------------------------===//
// SourceFiles
//===----------------------------------------------------------------------===//

SourceFiles::~SourceFiles() {
  for (auto &entry : files)
    llvm::sys::Process::SafelyCloseFileDescriptor(entry.second.descriptor);
}

llvm::Expected<int> SourceFiles::open(SourceAttr source) {
  StringRef name = source.getFile().getValue();
  auto it = files.find(name);
  if (it == files.end()) {
    File file;
    if (std::error_code code = llvm::sys::fs::openFileForRead(name, file.descriptor))
      return makeError(name + ": cannot be read: " + code.message());
    it = files.try_emplace(name, file).first;
    llvm::sys::fs::file_status status;
    if (std::error_code code = llvm::sys::fs::status(file.descriptor, status))
      return makeError(name + ": cannot be read: " + code.message());
    it->second.bytes = status.getSize();
  }
  int64_t fileBytes = it->second.bytes;
  if (source.getOffset() < 0 || source.getLength() > fileBytes || source.getOffset() > fileBytes - source.getLength())
    return makeError(name + ": tensor \"" + source.getTensor().getValue() + "\": expects " +
                     llvm::Twine(source.getLength()) + " bytes at offset " + llvm::Twine(source.getOffset()) +
                     ", but the file has " + llvm::Twine(fileBytes));
  return it->second.descriptor;
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

template <float (*Widen)(uint16_t)> static void widenAll(const char *stored, float *target, int64_t count) {
  const auto *halves = reinterpret_cast<const uint16_t *>(stored);
  for (int64_t i = 0; i < count; ++i)
    target[i] = Widen(halves[i]);
}

/// Returns whether a result is infinite or no number.
template <uint16_t (*Narrow)(float), uint16_t Infinity>
static bool narrowAll(const float *values, char *target, int64_t count) {
  auto *halves = reinterpret_cast<uint16_t *>(target);
  int hasSpecial = 0;
  for (int64_t i = 0; i < count; ++i) {
    halves[i] = Narrow(values[i]);
    hasSpecial |= (halves[i] & Infinity) == Infinity;
  }
  return hasSpecial;
}

//===----------------------------------------------------------------------===//
// SourceReader
//===----------------------------------------------------------------------===//

llvm::Expected<SourceReader> SourceReader::open(SourceAttr source, Type elementType, SourceFiles &files) {
  SourceReader reader(source);
  reader.elementType = elementType;
  reader.storedBytes = getElementBytes(source.getType().getElementType());
  reader.isCast = source.getType().getElementType() != elementType;
  if (source.getSeed() >= 0) {
    reader.noise.emplace(source.getSeed(), source.getTensor().getValue(), source.getType().getShape());
    return reader;
  }
  llvm::Expected<int> descriptor = files.open(source);
  if (!descriptor)
    return descriptor.takeError();
  reader.descriptor = *descriptor;
  return reader;
}

std::string SourceReader::getPlace() const {
  std::string tensor = ("tensor \"" + source.getTensor().getValue() + "\"").str();
  return noise ? tensor : (source.getFile().getValue() + ": " + tensor).str();
}

llvm::Error SourceReader::makeRangeError(int64_t element, float value, float limit, StringRef format) const {
  SmallVector<std::string> index;
  for (int64_t extent : llvm::reverse(source.getType().getShape())) {
    index.insert(index.begin(), std::to_string(element % extent));
    element /= extent;
  }
  std::string message;
  llvm::raw_string_ostream(message) << getPlace() << ": element [" << llvm::join(index, ", ")
                                    << llvm::format("]: expects a magnitude of at most %.7g for ", limit) << format
                                    << llvm::format(", but got %g", value);
  return makeError(message);
}

llvm::Error SourceReader::readBytes(int64_t first, int64_t count, char *target) {
  int64_t offset = source.getOffset() + first * storedBytes, bytes = count * storedBytes;
  for (int64_t done = 0; done < bytes;) {
    ssize_t got = pread(descriptor, target + done, bytes - done, offset + done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return makeError(getPlace() + ": cannot be read: " + (got < 0 ? std::strerror(errno) : "the file ends early"));
    done += got;
  }
  return llvm::Error::success();
}

llvm::Error SourceReader::readFloats(int64_t first, int64_t count, float *target) {
  if (noise) {
    noise->fill(first, count, target);
    return llvm::Error::success();
  }
  Type type = source.getType().getElementType();
  if (type.isF32())
    return readBytes(first, count, reinterpret_cast<char *>(target));
  stored.resize(count * storedBytes);
  if (llvm::Error error = readBytes(first, count, stored.data()))
    return error;
  (type.isF16() ? widenAll<widenF16> : widenAll<widenBF16>)(stored.data(), target, count);
  return llvm::Error::success();
}

/// `values` are elements from number `first` on. Those that are infinite in the source may stay so.
llvm::Error SourceReader::checkOverflow(int64_t first, ArrayRef<float> values) const {
  bool isF16 = elementType.isF16();
  for (auto [i, value] : llvm::enumerate(values)) {
    float narrow = isF16 ? widenF16(narrowToF16(value)) : widenBF16(narrowToBF16(value));
    if (std::isfinite(value) && !std::isfinite(narrow))
      return makeRangeError(first + i, value, isF16 ? 0x1.ffcp15f : 0x1.fep127f, isF16 ? "f16" : "bf16");
  }
  return llvm::Error::success();
}

llvm::Error SourceReader::read(int64_t first, int64_t count, char *target) {
  if (!noise && !isCast)
    return readBytes(first, count, target);
  if (elementType.isF32())
    return readFloats(first, count, reinterpret_cast<float *>(target));
  floats.resize(count);
  if (llvm::Error error = readFloats(first, count, floats.data()))
    return error;
  auto narrow = elementType.isF16() ? narrowAll<narrowToF16, 0x7c00> : narrowAll<narrowToBF16, 0x7f80>;
  return narrow(floats.data(), target, count) ? checkOverflow(first, floats) : llvm::Error::success();
}

} // namespace thresh
