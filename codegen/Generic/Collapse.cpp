//===- Collapse.cpp - Merge adjacent dimensions that are always walked together -===//

#include "codegen/Generic/Collapse.h"

namespace thresh::codegen {
namespace {

constexpr int64_t kMostElements = INT32_MAX;

/// Decides which pairs (dimension, dimension + 1) of operands and (loop, loop + 1) of stages merge:
/// all are candidates at first, and every use that does not walk both together takes one out.
class Merger {
public:
  explicit Merger(const KernelSpec &spec) : spec(spec) {
    for (const Operand &operand : spec.operands)
      dims.push_back(pairs(operand.shape.size()));
    for (const Stage &stage : spec.stages) {
      loops.push_back(pairs(stage.loops.size()));
      if (stage.parallel > 0 && stage.parallel < int(stage.loops.size()))
        loops.back()[stage.parallel - 1] = false;
      for (const Extent &extent : stage.loops)
        if (isOutputExtent(extent))
          loops.back().assign(loops.back().size(), false);
    }
    refuseHugeProducts();
    do {
      changed = false;
      for (size_t s = 0; s < spec.stages.size(); ++s)
        visitStage(s);
      visitOutputs();
    } while (changed);
  }

  std::vector<std::vector<bool>> dims;  ///< per operand
  std::vector<std::vector<bool>> loops; ///< per stage

private:
  static std::vector<bool> pairs(size_t count) { return std::vector<bool>(count > 0 ? count - 1 : 0, true); }

  void refuse(std::vector<bool> &flags, size_t pair) {
    changed |= flags[pair];
    flags[pair] = false;
  }

  /// Flattened indices have 32 bits.
  void refuseHugeProducts() {
    for (size_t o = 0; o < spec.operands.size(); ++o) {
      int64_t elements = 1;
      for (int64_t extent : spec.operands[o].shape)
        elements = elements > kMostElements ? elements : elements * (extent < 0 ? 1 : extent);
      if (elements > kMostElements)
        dims[o].assign(dims[o].size(), false);
    }
  }

  int64_t staticExtent(const Extent &extent) const {
    return extent.operand < 0 ? extent.value : spec.operands[extent.operand].shape[extent.dim];
  }

  /// Whether only an output tells the extent: merged outputs do not tell their own.
  bool isOutputExtent(const Extent &extent) const {
    return extent.operand >= 0 && spec.operands[extent.operand].output && staticExtent(extent) < 0;
  }

  /// Whether loop `loop` spans dimension `dim` of the source, given that it indexes it.
  bool spans(const Stage &stage, int loop, int source, size_t dim) const {
    const Extent &extent = stage.loops[loop];
    int64_t other = source >= kStageSource ? staticExtent(spec.stages[source - kStageSource].loops[dim])
                                           : spec.operands[source].shape[dim];
    return staticExtent(extent) == other;
  }

  void visitStage(size_t s) {
    const Stage &stage = spec.stages[s];
    std::vector<bool> onlyInLoads(stage.body.size(), true);
    for (const Node &node : stage.body)
      if (node.op == Op::Load)
        visitLoad(s, node);
      else
        for (int arg : node.args)
          onlyInLoads[arg] = false;
    auto useful = [&](int root) { onlyInLoads[root] = false; };
    for (int root : stage.results)
      useful(root);
    for (int root : stage.inits)
      useful(root);
    for (size_t n = 0; n < stage.body.size(); ++n)
      if (stage.body[n].op == Op::Index && !onlyInLoads[n])
        refuseLoop(s, stage.body[n].integer);
  }

  /// Loop `loop` is used on its own.
  void refuseLoop(size_t s, int64_t loop) {
    if (loop > 0)
      refuse(loops[s], loop - 1);
    if (loop + 1 < int64_t(spec.stages[s].loops.size()))
      refuse(loops[s], loop);
  }

  int loopOf(const Stage &stage, int node) const {
    return stage.body[node].op == Op::Index ? int(stage.body[node].integer) : -1;
  }

  void visitLoad(size_t s, const Node &load) {
    const Stage &stage = spec.stages[s];
    std::vector<bool> &source = load.source >= kStageSource ? loops[load.source - kStageSource] : dims[load.source];
    for (size_t d = 0; d + 1 < load.args.size(); ++d) {
      int outer = loopOf(stage, load.args[d]), inner = loopOf(stage, load.args[d + 1]);
      bool together = outer >= 0 && inner == outer + 1 && loops[s][outer] && spans(stage, outer, load.source, d) &&
                      spans(stage, inner, load.source, d + 1);
      if (!together)
        refuse(source, d);
    }
    for (size_t d = 0; d < load.args.size(); ++d) {
      int loop = loopOf(stage, load.args[d]);
      if (loop < 0)
        continue;
      bool withPrevious = d > 0 && loopOf(stage, load.args[d - 1]) == loop - 1 && source[d - 1];
      bool withNext = d + 1 < load.args.size() && loopOf(stage, load.args[d + 1]) == loop + 1 && source[d];
      if (loop > 0 && !withPrevious)
        refuse(loops[s], loop - 1);
      if (loop + 1 < int(stage.loops.size()) && !withNext)
        refuse(loops[s], loop);
    }
  }

  void visitOutputs() {
    size_t operand = spec.operands.size() - spec.outputs.size();
    for (int s : spec.outputs) {
      for (size_t d = 0; d < dims[operand].size(); ++d) {
        if (!loops[s][d])
          refuse(dims[operand], d);
        if (!dims[operand][d])
          refuse(loops[s], d);
      }
      ++operand;
    }
  }

  const KernelSpec &spec;
  bool changed = false;
};

/// For each old dimension the new one, given which pairs merge.
std::vector<int> renumber(const std::vector<bool> &merged, size_t count) {
  std::vector<int> numbers(count, 0);
  for (size_t i = 1; i < count; ++i)
    numbers[i] = numbers[i - 1] + (merged[i - 1] ? 0 : 1);
  return numbers;
}

class Rewriter {
public:
  Rewriter(const KernelSpec &spec, const Merger &merger) : old(spec), merger(merger) {
    result.spec = spec;
    for (size_t o = 0; o < spec.operands.size(); ++o)
      rewriteOperand(o);
    for (size_t s = 0; s < spec.stages.size(); ++s)
      rewriteStage(s);
  }

  CollapsedSpec result;

private:
  void rewriteOperand(size_t o) {
    const std::vector<int64_t> &shape = old.operands[o].shape;
    std::vector<int> numbers = renumber(merger.dims[o], shape.size());
    std::vector<int64_t> &merged = result.spec.operands[o].shape;
    std::vector<std::vector<int>> groups;
    merged.clear();
    for (size_t d = 0; d < shape.size(); ++d) {
      if (numbers[d] == int(groups.size())) {
        groups.push_back({});
        merged.push_back(1);
      }
      groups.back().push_back(d);
      merged.back() = shape[d] < 0 || merged.back() < 0 ? -1 : merged.back() * shape[d];
    }
    result.groups.push_back(groups);
  }

  int64_t staticExtent(const Extent &extent) const {
    return extent.operand < 0 ? extent.value : old.operands[extent.operand].shape[extent.dim];
  }

  void rewriteStage(size_t s) {
    const Stage &stage = old.stages[s];
    Stage &merged = result.spec.stages[s];
    std::vector<int> numbers = renumber(merger.loops[s], stage.loops.size());
    std::vector<std::vector<Extent>> factors;
    merged.loops.clear();
    merged.parallel = 0;
    for (size_t l = 0; l < stage.loops.size(); ++l) {
      if (numbers[l] == int(factors.size())) {
        factors.push_back({});
        merged.loops.push_back({1, -1, -1});
        merged.parallel += int(l) < stage.parallel ? 1 : 0;
      }
      factors.back().push_back(stage.loops[l]);
      int64_t extent = staticExtent(stage.loops[l]);
      int64_t &product = merged.loops.back().value;
      product = extent < 0 || product < 0 ? -1 : product * extent;
    }
    result.factors.push_back(factors);
    for (Node &node : merged.body) {
      if (node.op == Op::Index)
        node.integer = numbers[node.integer];
      if (node.op != Op::Load)
        continue;
      const std::vector<bool> &source =
          node.source >= kStageSource ? merger.loops[node.source - kStageSource] : merger.dims[node.source];
      std::vector<int> args;
      for (size_t d = 0; d < node.args.size(); ++d)
        if (d == 0 || !source[d - 1])
          args.push_back(node.args[d]);
      node.args = args;
    }
  }

  const KernelSpec &old;
  const Merger &merger;
};

} // namespace

CollapsedSpec collapseDims(const KernelSpec &spec) { return Rewriter(spec, Merger(spec)).result; }

} // namespace thresh::codegen
