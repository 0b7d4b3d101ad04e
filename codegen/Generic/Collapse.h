//===- Collapse.h - Merge adjacent dimensions that are always walked together -===//
//
// [batch, seq, 384] added to [batch, seq, 384] is one flat loop; [batch, seq, 384] times a weight is
// a matrix of batch * seq rows. Merging first lets every schedule rule see the fewest loops.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_GENERIC_COLLAPSE_H
#define THRESH_CODEGEN_GENERIC_COLLAPSE_H

#include "codegen/KernelSpec.h"

namespace thresh::codegen {

/// A spec whose operands may have fewer dimensions than the buffers that the caller passes.
struct CollapsedSpec {
  KernelSpec spec;
  /// groups[operand][dim]: the dimensions of the caller's buffer that `dim` stands for, outermost first.
  std::vector<std::vector<std::vector<int>>> groups;
  /// factors[stage][loop]: the extents, of the caller's buffers, whose product is the loop's extent.
  /// Stage::loops of the collapsed spec holds the product where it is constant, else -1.
  std::vector<std::vector<std::vector<Extent>>> factors;
};

/// Merges what can be merged. Dim nodes still refer to the caller's dimensions.
CollapsedSpec collapseDims(const KernelSpec &spec);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_GENERIC_COLLAPSE_H
