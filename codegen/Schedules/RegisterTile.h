//===- RegisterTile.h - The inner kernel of a contraction --------------------===//
//
// A tile of rows x panels accumulates in registers. A long reduction goes by blocks whose sums are added up in turn: a
// chain of 1536 additions in f32 loses five times as much as six chains of 256. A row or panel past the edge repeats
// the last one; whoever consumes the tile does not store it.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_REGISTERTILE_H
#define THRESH_CODEGEN_SCHEDULES_REGISTERTILE_H

#include "codegen/Schedules/Contraction.h"

namespace thresh::codegen {

/// Extents of the register tile.
struct Tile {
  int rows = 1;
  int panels = 1;
  int lanes = 16; ///< elements of one vector
};

/// As many accumulators as leave registers for one row of the rhs and a broadcast: 24 of the 32 registers
/// of AVX-512, 12 of 16 elsewhere. Three panels wide if that divides the columns, so that few loads
/// feed many multiply-adds.
Tile chooseTile(const Pipeline &pipeline, const Contraction &c);

/// The depth of a block of a sum of `depth` products: a divisor of a long, known depth; 0 to sum in one chain.
int blockDepth(int64_t depth);

/// The contraction as a Func of (lane, panel, row, outer loops...), or without the row if it has none.
struct TileFunc {
  Halide::Func func;
  Halide::Func chain;  ///< the sum over one block, with `block` as its last argument; undefined without blocks
  Halide::RDom domain; ///< of the innermost sum
  Halide::RDom blocks; ///< of the sum of blocks
  Halide::Var lane{"lane"}, panel{"panel"}, row{"row"}, block{"block"};
  bool hasRow = false;
};

TileFunc defineTile(const Pipeline &pipeline, const Contraction &c, const RhsPanels &rhs, const std::string &name);

/// The element of the tile at a point of the contraction's parallel loops.
Halide::Expr tileAt(const TileFunc &tile, const Contraction &c, const std::vector<Halide::Var> &vars);

/// Computes tiles of `rows` rows at the loop `at` of `consumer`.
void scheduleTile(TileFunc &tile, const Tile &shape, int rows, Halide::Func consumer, const Halide::Var &at);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_REGISTERTILE_H
