//===- TensorPacker.cpp - One stored tensor to its packed layout ---------------===//
#include "compiler/Weights/TensorPacker.h"

#include "compiler/Weights/WeightsPlan.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;

namespace thresh {

TensorPacker::TensorPacker(ParameterOp parameter, SourceReader &reader) : reader(reader) {
  RankedTensorType storedType = parameter.getSource().getType();
  elements = storedType.getNumElements();
  auto packedType = cast<RankedTensorType>(parameter.getType());
  rowElements = packedType.getRank() == 0 ? 1 : packedType.getShape().back();
  packedBytes = getElementBytes(packedType.getElementType());

  PackAttr pack = parameter.getPackAttr();
  isCopy = !pack ||
           (pack.getPanel() == 0 && llvm::equal(pack.getPermutation(), llvm::seq<int64_t>(0, storedType.getRank())));
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

llvm::Error TensorPacker::pack(PieceSink sink) {
  if (elements == 0)
    return llvm::Error::success();
  return isCopy ? copy(0, elements, sink) : packMatrices(sink);
}

llvm::Error TensorPacker::packRows(int64_t first, int64_t count, PieceSink sink) {
  if (elements == 0)
    return llvm::Error::success();
  return isCopy ? copy(first * rowElements, count * rowElements, sink) : packMatrix(0, first, first + count, sink);
}

/// Reads `count` elements from number `element` on into `run`.
llvm::Error TensorPacker::readRun(int64_t element, int64_t count) {
  run.resize(count * packedBytes);
  return reader.read(element, count, run.data());
}

/// `count` elements from number `first` on.
llvm::Error TensorPacker::copy(int64_t first, int64_t count, PieceSink sink) {
  int64_t step = kPieceBytes / packedBytes, end = first + count;
  for (int64_t element = first; element < end; element += step) {
    if (llvm::Error error = readRun(element, std::min(step, end - element)))
      return error;
    sink(run);
  }
  return llvm::Error::success();
}

/// Packs the matrices that the batch dimensions count, in row-major order of the batch.
llvm::Error TensorPacker::packMatrices(PieceSink sink) {
  SmallVector<int64_t> index(batch.size(), 0);
  while (true) {
    int64_t base = 0;
    for (auto [position, dim] : llvm::zip_equal(index, batch))
      base += position * dim.stride;
    if (llvm::Error error = packMatrix(base, 0, rows.extent, sink))
      return error;
    int64_t dim = int64_t(batch.size()) - 1;
    for (; dim >= 0 && ++index[dim] == batch[dim].extent; --dim)
      index[dim] = 0;
    if (dim < 0)
      return llvm::Error::success();
  }
}

/// Packs the rows of one matrix from number `first` on and before `end`, tile by tile. A tile is several whole panels,
/// or some rows of one panel.
llvm::Error TensorPacker::packMatrix(int64_t base, int64_t first, int64_t end, PieceSink sink) {
  int64_t panelRowBytes = panel * packedBytes;
  int64_t tileRows = std::clamp<int64_t>(kPieceBytes / panelRowBytes, 1, rows.extent);
  int64_t tilePanels = std::max<int64_t>(kPieceBytes / (panelRowBytes * rows.extent), 1);
  int64_t panels = llvm::divideCeil(columns.extent, panel);
  for (int64_t firstPanel = 0; firstPanel < panels; firstPanel += tilePanels) {
    int64_t firstColumn = firstPanel * panel;
    int64_t numPanels = std::min(tilePanels, panels - firstPanel);
    int64_t numColumns = std::min(numPanels * panel, columns.extent - firstColumn);
    for (int64_t firstRow = first; firstRow < end; firstRow += tileRows) {
      int64_t numRows = std::min(tileRows, end - firstRow);
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
  case 1: return scatterWords(uint8_t());
  case 2: return scatterWords(uint16_t());
  case 4: return scatterWords(uint32_t());
  default: return scatterWords(uint64_t());
  }
}

} // namespace thresh
