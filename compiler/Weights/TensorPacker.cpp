//===- TensorPacker.cpp - One stored tensor to its packed layout ---------------===//
#include "compiler/Weights/TensorPacker.h"

#include "compiler/Weights/WeightsPlan.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace mlir;

namespace thresh {

/// Bytes that a piece handed to the sink may have, unless one row of a panel is longer.
static constexpr int64_t kTileBytes = 4 << 20;

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
    return makeError(name + ": tensor \"" + source.getTensor().getValue() + "\": expects " + llvm::Twine(source.getLength()) +
                     " bytes at offset " + llvm::Twine(source.getOffset()) + ", but the file has " + llvm::Twine(fileBytes));
  return it->second.descriptor;
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

static float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t fraction = half & 0x3ff;
  if (exponent == 0) {
    float magnitude = float(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  exponent = exponent == 0x1f ? 0xff : exponent + 112;
  return llvm::bit_cast<float>(sign | exponent << 23 | fraction << 13);
}

static float bfloatToFloat(uint16_t value) { return llvm::bit_cast<float>(uint32_t(value) << 16); }

template <float (*Convert)(uint16_t)>
static void castToFloat(const char *stored, char *packed, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t value;
    std::memcpy(&value, stored + 2 * i, sizeof(value));
    float result = Convert(value);
    std::memcpy(packed + 4 * i, &result, sizeof(result));
  }
}

//===----------------------------------------------------------------------===//
// TensorPacker
//===----------------------------------------------------------------------===//

TensorPacker::TensorPacker(ParameterOp parameter, int descriptor) : descriptor(descriptor), cast(nullptr) {
  SourceAttr source = parameter.getSource();
  RankedTensorType storedType = source.getType();
  Type from = storedType.getElementType();
  Type to = mlir::cast<RankedTensorType>(parameter.getType()).getElementType();
  place = (source.getFile().getValue() + ": tensor \"" + source.getTensor().getValue() + "\"").str();
  sourceOffset = source.getOffset();
  elements = storedType.getNumElements();
  storedBytes = getElementBytes(from);
  packedBytes = getElementBytes(to);
  if (from != to)
    cast = from.isF16() ? castToFloat<halfToFloat> : castToFloat<bfloatToFloat>;

  PackAttr pack = parameter.getPackAttr();
  isCopy = !pack || (pack.getPanel() == 0 && llvm::equal(pack.getPermutation(), llvm::seq<int64_t>(0, storedType.getRank())));
  if (isCopy)
    return;
  SmallVector<int64_t> strides(storedType.getRank(), 1);
  for (int64_t dim = storedType.getRank() - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * storedType.getDimSize(dim + 1);
  for (int64_t dim : pack.getPermutation())
    batch.push_back({storedType.getDimSize(dim), strides[dim]});
  columns = batch.pop_back_val();
  rows = batch.pop_back_val();
  panel = pack.getPanel() ? pack.getPanel() : columns.extent;
}

llvm::Error TensorPacker::pack(Sink sink) {
  if (elements == 0)
    return llvm::Error::success();
  return isCopy ? copy(sink) : packMatrices(sink);
}

/// Reads `count` stored elements from element number `element` on into `run`.
llvm::Error TensorPacker::readRun(int64_t element, int64_t count) {
  std::vector<char> &target = cast ? stored : run;
  target.resize(count * storedBytes);
  int64_t offset = sourceOffset + element * storedBytes;
  for (int64_t done = 0; done < int64_t(target.size());) {
    ssize_t got = pread(descriptor, target.data() + done, target.size() - done, offset + done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return makeError(place + ": cannot be read: " + (got < 0 ? std::strerror(errno) : "the file ends early"));
    done += got;
  }
  if (cast) {
    run.resize(count * packedBytes);
    cast(stored.data(), run.data(), count);
  }
  return llvm::Error::success();
}

llvm::Error TensorPacker::copy(Sink sink) {
  int64_t step = kTileBytes / packedBytes;
  for (int64_t element = 0; element < elements; element += step) {
    if (llvm::Error error = readRun(element, std::min(step, elements - element)))
      return error;
    sink(run);
  }
  return llvm::Error::success();
}

/// Packs the matrices that the batch dimensions count, in row-major order of the batch.
llvm::Error TensorPacker::packMatrices(Sink sink) {
  SmallVector<int64_t> index(batch.size(), 0);
  while (true) {
    int64_t base = 0;
    for (auto [position, dim] : llvm::zip_equal(index, batch))
      base += position * dim.stride;
    if (llvm::Error error = packMatrix(base, sink))
      return error;
    int64_t dim = int64_t(batch.size()) - 1;
    for (; dim >= 0 && ++index[dim] == batch[dim].extent; --dim)
      index[dim] = 0;
    if (dim < 0)
      return llvm::Error::success();
  }
}

/// Packs one matrix, tile by tile. A tile is several whole panels, or some rows of one panel.
llvm::Error TensorPacker::packMatrix(int64_t base, Sink sink) {
  int64_t panelRowBytes = panel * packedBytes;
  int64_t tileRows = std::clamp<int64_t>(kTileBytes / panelRowBytes, 1, rows.extent);
  int64_t tilePanels = std::max<int64_t>(kTileBytes / (panelRowBytes * rows.extent), 1);
  int64_t panels = llvm::divideCeil(columns.extent, panel);
  for (int64_t firstPanel = 0; firstPanel < panels; firstPanel += tilePanels) {
    int64_t firstColumn = firstPanel * panel;
    int64_t numPanels = std::min(tilePanels, panels - firstPanel);
    int64_t numColumns = std::min(numPanels * panel, columns.extent - firstColumn);
    for (int64_t firstRow = 0; firstRow < rows.extent; firstRow += tileRows) {
      int64_t numRows = std::min(tileRows, rows.extent - firstRow);
      tile.assign(numPanels * numRows * panelRowBytes, 0);
      if (llvm::Error error = fillTile(base, firstRow, numRows, firstColumn, numColumns))
        return error;
      sink(tile);
    }
  }
  return llvm::Error::success();
}

/// Reads a tile's elements in runs along whichever of its two dimensions is contiguous in the file.
llvm::Error TensorPacker::fillTile(int64_t base, int64_t firstRow, int64_t numRows, int64_t firstColumn,
                                   int64_t numColumns) {
  base += firstRow * rows.stride + firstColumn * columns.stride;
  bool alongRows = columns.stride != 1 && rows.stride == 1;
  int64_t outer = alongRows ? numColumns : numRows;
  int64_t inner = alongRows ? numRows : numColumns;
  int64_t outerStride = alongRows ? columns.stride : rows.stride;
  int64_t innerStride = alongRows ? rows.stride : columns.stride;
  int64_t runLength = innerStride == 1 ? inner : 1;
  // Lines that follow each other in the file are read together.
  int64_t lines = runLength == inner && outerStride == inner ? outer : 1;
  // The tile is [panels, numRows, panel].
  auto position = [&](int64_t row, int64_t column) {
    return (column / panel * numRows + row) * panel + column % panel;
  };
  auto scatterLine = [&](int64_t line, int64_t i, int64_t j) {
    if (alongRows)
      return scatter(line * runLength, runLength, position(j, i), panel);
    for (int64_t done = 0, count; done < runLength; done += count) {
      count = std::min(runLength - done, panel - (j + done) % panel);
      scatter(line * runLength + done, count, position(i, j + done), 1);
    }
  };
  for (int64_t i = 0; i < outer; i += lines) {
    for (int64_t j = 0; j < inner; j += runLength) {
      if (llvm::Error error = readRun(base + i * outerStride + j * innerStride, lines * runLength))
        return error;
      for (int64_t line = 0; line < lines; ++line)
        scatterLine(line, i + line, j);
    }
  }
  return llvm::Error::success();
}

/// Puts elements `first`, ... of `run` into the tile at `target` and every `step` elements after it.
void TensorPacker::scatter(int64_t first, int64_t count, int64_t target, int64_t step) {
  auto scatterWords = [&](auto word) {
    using Word = decltype(word);
    const auto *from = reinterpret_cast<const Word *>(run.data()) + first;
    auto *to = reinterpret_cast<Word *>(tile.data()) + target;
    for (int64_t i = 0; i < count; ++i)
      to[i * step] = from[i];
  };
  switch (packedBytes) {
  case 1:
    return scatterWords(uint8_t());
  case 2:
    return scatterWords(uint16_t());
  case 4:
    return scatterWords(uint32_t());
  default:
    return scatterWords(uint64_t());
  }
}

} // namespace thresh
