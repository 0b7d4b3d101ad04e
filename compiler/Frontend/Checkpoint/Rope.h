//===- Rope.h - Rotary position embeddings of config.json --------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_ROPE_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_ROPE_H

#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"

namespace thresh {

/// How positions become angles: pair i of a head turns by position * frequencies[i] radians.
struct Rope {
  llvm::SmallVector<float> frequencies;
  /// "longrope": used instead by calls that end past `longFrom` tokens; empty otherwise.
  llvm::SmallVector<float> longFrequencies;
  int64_t longFrom = 0;
  /// "dynamic": a call that ends past `dynamicFrom` tokens stretches the base by this factor; 0 otherwise.
  double dynamicFactor = 0;
  int64_t dynamicFrom = 0;
  /// Multiplies cosines and sines.
  double magnitude = 1;

  bool operator==(const Rope &other) const;
  /// Whether every value is a finite f32.
  bool isFinite() const;
};

/// What the scaling rules take from the rest of config.json.
struct RopeContext {
  double base; ///< rope_theta
  int64_t headDim;
  double partialFactor;      ///< the share of a head that turns, in (0, 1]
  int64_t maxPositions;      ///< max_position_embeddings
  int64_t originalPositions; ///< original_max_position_embeddings beside it; 0 if absent
};

/// Reads a scaling object (`rope_scaling`, `rope_parameters`, or one of its layer types); null: the default type.
/// Errors stick in `scaling`, or in `config` where the rotated width is at fault.
Rope readRope(JsonFields &config, JsonFields *scaling, const RopeContext &context);

/// The cosines and sines [rows, pairs] of the rows at positions `position`, `position` + 1, ...; `length`
/// tokens are there after the call.
std::pair<mlir::Value, mlir::Value> buildAngles(GraphBuilder &graph, const Rope &rope, mlir::OpFoldResult rows,
                                                mlir::Value position, mlir::Value length);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_ROPE_H
