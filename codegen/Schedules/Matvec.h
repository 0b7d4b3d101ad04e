//===- Matvec.h - A contraction whose lhs has one row ------------------------===//
//
// Bound by reading the rhs, so each unit of work reads one stream of memory from its beginning to its end.
// Panels: one panel after the other, with several sums over interleaved parts of k to hide the latency of the
// multiply-add. Rows along k ([n][k]): one row after the other, in lanes. Any other rhs: a register tile of one row.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_SCHEDULES_MATVEC_H
#define THRESH_CODEGEN_SCHEDULES_MATVEC_H

#include "codegen/Schedules/Lanes.h"
#include "codegen/Schedules/RegisterTile.h"

namespace thresh::codegen {

struct Matvec {
  enum class Kind { Streams, Lanes, Tile } kind = Kind::Tile;
  Tile shape;          ///< of the vectors that leave
  Halide::Func result; ///< Lanes: over the loops of the stage
  LaneReduction lanes; ///< Lanes
  TileFunc tile;       ///< Streams, Tile
};

/// Defines Funcs that compute the contraction where its lhs has one row (or none that is a loop). `shape` and
/// `rhs` are those of the contraction with many rows.
Matvec defineMatvec(Pipeline &pipeline, const Contraction &c, const Tile &shape, const RhsPanels &rhs);

/// The element at a point of the contraction's parallel loops.
Halide::Expr matvecAt(const Pipeline &pipeline, const Matvec &matvec, const Contraction &c,
                      const std::vector<Halide::Var> &vars);

/// Splits the loops of `consumer` (`stage`: all of it or the part specialised for one row) in units and tasks, and
/// computes the matvec for each unit. The loop of the row is renamed `tile`, as other tiles of the consumer may have
/// it. `vars`: its loops, as those of the contraction's stage; `cost`: simple operations for an element besides the
/// contraction. Returns the loop of a unit.
Halide::Var scheduleMatvec(const Pipeline &pipeline, const Contraction &c, Matvec &matvec, Halide::Func consumer,
                           Halide::Stage stage, const std::vector<Halide::Var> &vars, int cost);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_SCHEDULES_MATVEC_H
