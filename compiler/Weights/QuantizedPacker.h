//===- QuantizedPacker.h - A stored matrix to codes or scales -------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_QUANTIZEDPACKER_H
#define THRESH_COMPILER_WEIGHTS_QUANTIZEDPACKER_H

#include "compiler/Weights/Quantize.h"
#include "compiler/Weights/SourceReader.h"

namespace thresh {

/// Produces the codes or the scales of one matrix, in pieces. Groups are along its rows, k, whether the layout keeps
/// panels of columns or each column by itself. Both come from the same weights by the same arithmetic, so they agree
/// though each is packed by itself.
class QuantizedPacker {
public:
  /// The parameter must have passed planWeights; `reader` gives its source in F32.
  QuantizedPacker(ParameterOp parameter, SourceReader &reader);

  /// Feeds everything to `sink`. Fails when the source cannot be read, or at a weight that cannot be quantised.
  llvm::Error pack(PieceSink sink) { return packRows(0, columns, sink); }

  /// The same of some columns only, which by row are the packed rows. `first`: a multiple of kGroupColumns.
  llvm::Error packRows(int64_t first, int64_t count, PieceSink sink);

private:
  /// Some rows of k of some panels, as they are stored.
  struct Tile {
    int64_t firstRow, rows;
    int64_t firstColumn, columns;
    int64_t rowStep, columnStep; ///< of neighbours in `weights`
  };

  llvm::Error readTile(Tile &tile);
  void setTileSizes();
  llvm::Error packTile(const Tile &tile);
  void encode(const Tile &tile, const GroupBlock &block, const GroupScales &scales, int64_t row, int64_t column);
  void gather(const Tile &tile, int64_t row, int64_t column, GroupBlock &block) const;
  llvm::Error makeRangeError(const GroupBlock &block, int64_t row, int64_t column) const;
  int64_t getElement(int64_t row, int64_t column) const { return row * rowStride + column * columnStride; }

  SourceReader &reader;
  const QuantScheme *scheme;
  bool isScales;
  bool isByRow; ///< each column's codes or scales lie side by side
  llvm::StringRef format;
  int64_t rows, columns;
  int64_t rowStride, columnStride; ///< in the source; one of them is 1
  int64_t tileRows, tileColumns;   ///< at most
  std::vector<float> weights;
  std::vector<char> packed;
};

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_QUANTIZEDPACKER_H
