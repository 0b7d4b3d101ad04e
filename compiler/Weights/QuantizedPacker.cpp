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
  PackFormat kind = pack.getFormat();
  scheme = kind == PackFormat::Q8Codes || kind == PackFormat::Q8Scales ? &kQ8Scheme : &kQ4Scheme;
  isScales = kind == PackFormat::Q8Scales || kind == PackFormat::Q4Scales;
  format = stringifyPackFormat(kind);
  RankedTensorType stored = parameter.getSource().getType();
  const int64_t strides[] = {stored.getDimSize(1), 1};
  rows = stored.getDimSize(pack.getPermutation()[0]);
  columns = stored.getDimSize(pack.getPermutation()[1]);
  rowStride = strides[pack.getPermutation()[0]];
  columnStride = strides[pack.getPermutation()[1]];
}

/// A tile is several whole panels where columns lie side by side in the file, so that runs are long; else one
/// panel, or part of it.
llvm::Error QuantizedPacker::pack(PieceSink sink) {
  if (rows == 0)
    return llvm::Error::success();
  constexpr int64_t kPanelRowBytes = kGroupColumns * sizeof(float);
  int64_t tileRows = std::min<int64_t>(llvm::alignDown(kPieceBytes / kPanelRowBytes, kGroupRows), rows);
  int64_t tilePanels = columnStride == 1 ? std::max<int64_t>(kPieceBytes / (kPanelRowBytes * rows), 1) : 1;
  int64_t tileColumns = tilePanels * kGroupColumns;
  for (int64_t column = 0; column < columns; column += tileColumns) {
    for (int64_t row = 0; row < rows; row += tileRows) {
      Tile tile = {row, std::min(tileRows, rows - row), column, std::min(tileColumns, columns - column), 0, 0};
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

llvm::Error QuantizedPacker::packTile(const Tile &tile) {
  int64_t blocks = llvm::divideCeil(tile.columns, kGroupColumns) * (tile.rows / kGroupRows);
  int64_t blockBytes = isScales ? sizeof(GroupScales) : scheme->getBlockBytes();
  packed.resize(blocks * blockBytes);
  char *target = packed.data();
  for (int64_t column = 0; column < tile.columns; column += kGroupColumns) {
    for (int64_t row = 0; row < tile.rows; row += kGroupRows) {
      GroupBlock block;
      GroupScales scales;
      gather(tile, row, column, block);
      if (!chooseScales(block, *scheme, scales))
        return makeRangeError(block, tile.firstRow + row, tile.firstColumn + column);
      if (isScales)
        std::memcpy(target, scales, sizeof(scales));
      else
        encodeBlock(block, *scheme, scales, target);
      target += blockBytes;
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
