//===- QuantizedPacker.cpp - A stored matrix to codes or scales -----------------===//
#include "compiler/Weights/QuantizedPacker.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace thresh {

QuantizedPacker::QuantizedPacker(ParameterOp parameter, SourceReader &reader) : reader(reader) {
  PackAttr pack = parameter.getPackAttr();
  scheme = pack.getCodeBits() == 8 ? &kQ8Scheme : &kQ4Scheme;
  isScales = !pack.isCodes();
  isByRow = pack.isByRow();
  format = stringifyPackFormat(pack.getFormat());
  RankedTensorType stored = parameter.getSource().getType();
  const int64_t strides[] = {stored.getDimSize(1), 1};
  int64_t rowDim = pack.getPermutation()[pack.getGroupedDim()], columnDim = 1 - rowDim;
  rows = stored.getDimSize(rowDim);
  columns = stored.getDimSize(columnDim);
  rowStride = strides[rowDim];
  columnStride = strides[columnDim];
  setTileSizes();
}

/// A tile is several whole panels where columns lie side by side in the file, so that runs are long; else one
/// panel, or part of it. By row, columns stay whole.
void QuantizedPacker::setTileSizes() {
  constexpr int64_t kPanelRowBytes = kGroupColumns * sizeof(float);
  int64_t wholePanels = kPieceBytes / (kPanelRowBytes * std::max<int64_t>(rows, 1));
  tileColumns = (columnStride == 1 ? std::max<int64_t>(wholePanels, 1) : 1) * kGroupColumns;
  tileRows = isByRow ? rows : std::min<int64_t>(llvm::alignDown(kPieceBytes / kPanelRowBytes, kGroupRows), rows);
}

llvm::Error QuantizedPacker::packRows(int64_t first, int64_t count, PieceSink sink) {
  if (rows == 0)
    return llvm::Error::success();
  int64_t end = first + count;
  for (int64_t column = first; column < end; column += tileColumns) {
    for (int64_t row = 0; row < rows; row += tileRows) {
      Tile tile = {row, std::min(tileRows, rows - row), column, std::min(tileColumns, end - column), 0, 0};
      if (llvm::Error error = readTile(tile))
        return error;
      if (llvm::Error error = packTile(tile))
        return error;
      sink(packed);
    }
  }
  return llvm::Error::success();
}

/// Fills `weights`, line by line as the file has them, and says in `tile` how they lie there.
llvm::Error QuantizedPacker::readTile(Tile &tile) {
  bool alongColumns = columnStride == 1;
  int64_t lines = alongColumns ? tile.rows : tile.columns;
  int64_t length = alongColumns ? tile.columns : tile.rows;
  int64_t stride = alongColumns ? rowStride : columnStride;
  tile.rowStep = alongColumns ? length : 1;
  tile.columnStep = alongColumns ? 1 : length;
  weights.resize(lines * length);
  int64_t first = getElement(tile.firstRow, tile.firstColumn);
  // Lines that follow each other in the file are read together.
  int64_t together = stride == length ? lines : 1;
  for (int64_t line = 0; line < lines; line += together) {
    auto *target = reinterpret_cast<char *>(weights.data() + line * length);
    if (llvm::Error error = reader.read(first + line * stride, together * length, target))
      return error;
  }
  return llvm::Error::success();
}

/// Columns past the last are zero.
void QuantizedPacker::gather(const Tile &tile, int64_t row, int64_t column, GroupBlock &block) const {
  int64_t count = std::min<int64_t>(kGroupColumns, tile.columns - column);
  if (count < kGroupColumns)
    std::memset(block, 0, sizeof(block));
  const float *corner = weights.data() + row * tile.rowStep + column * tile.columnStep;
  if (tile.columnStep == 1) {
    for (int64_t k = 0; k < kGroupRows; ++k)
      std::memcpy(block[k], corner + k * tile.rowStep, count * sizeof(float));
    return;
  }
  for (int64_t c = 0; c < count; ++c)
    for (int64_t k = 0; k < kGroupRows; ++k)
      block[k][c] = corner[c * tile.columnStep + k];
}

/// Puts the codes or scales of a block of the tile where they belong in `packed`.
void QuantizedPacker::encode(const Tile &tile, const GroupBlock &block, const GroupScales &scales, int64_t row,
                             int64_t column) {
  int64_t blockBytes = isScales ? sizeof(GroupScales) : scheme->getBlockBytes();
  int64_t groupBytes = blockBytes / kGroupColumns, columnBytes = tile.rows / kGroupRows * groupBytes;
  if (!isByRow) {
    char *target = packed.data() + column * columnBytes + row / kGroupRows * blockBytes;
    if (isScales)
      std::memcpy(target, scales, sizeof(scales));
    else
      encodeBlock(block, *scheme, scales, target);
    return;
  }
  char *target = packed.data() + column * columnBytes + row / kGroupRows * groupBytes;
  auto count = int(std::min<int64_t>(kGroupColumns, tile.columns - column));
  if (!isScales)
    return encodeRows(block, *scheme, scales, count, columnBytes, target);
  for (int c = 0; c < count; ++c)
    std::memcpy(target + c * columnBytes, scales + c, groupBytes);
}

llvm::Error QuantizedPacker::packTile(const Tile &tile) {
  int64_t packedColumns = isByRow ? tile.columns : llvm::alignTo(tile.columns, kGroupColumns);
  int64_t blockBytes = isScales ? sizeof(GroupScales) : scheme->getBlockBytes();
  packed.resize(packedColumns * (tile.rows / kGroupRows) * blockBytes / kGroupColumns);
  for (int64_t column = 0; column < tile.columns; column += kGroupColumns) {
    for (int64_t row = 0; row < tile.rows; row += kGroupRows) {
      GroupBlock block;
      GroupScales scales;
      gather(tile, row, column, block);
      if (!chooseScales(block, *scheme, scales))
        return makeRangeError(block, tile.firstRow + row, tile.firstColumn + column);
      encode(tile, block, scales, row, column);
    }
  }
  return llvm::Error::success();
}

/// `block` starts at `row` and `column` of the matrix; one of its weights is out of range.
llvm::Error QuantizedPacker::makeRangeError(const GroupBlock &block, int64_t row, int64_t column) const {
  int64_t k = 0, c = 0;
  while (std::fabs(block[k][c]) <= scheme->getLimit()) {
    c = (c + 1) % kGroupColumns;
    k += c == 0;
  }
  return reader.makeRangeError(getElement(row + k, column + c), block[k][c], scheme->getLimit(), format);
}

} // namespace thresh
