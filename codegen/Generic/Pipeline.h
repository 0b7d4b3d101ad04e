//===- Pipeline.h - A KernelSpec as Halide Funcs -----------------------------===//
//
// The algorithm half of a kernel: operands become ImageParams, stages become Funcs, and one last
// Func per group of outputs copies the results out, so that every stage may be scheduled anywhere.
// A schedule rule may define a stage in its own way (in lanes, by tiles) before the default does.
// Kernels of the sparse families have no stages and add the Funcs of their outputs themselves.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_GENERIC_PIPELINE_H
#define THRESH_CODEGEN_GENERIC_PIPELINE_H

#include "codegen/Codegen.h"
#include "codegen/Generic/Collapse.h"

#include <Halide.h>

namespace thresh::codegen {

using Exprs = std::vector<Halide::Expr>;

/// One stage: its Func and the loops of its definition. Dimension 0 of the Func is the last loop.
struct StageFunc {
  Halide::Func func;
  std::vector<Halide::Var> vars; ///< parallel loops, outermost first
  Halide::RDom domain;           ///< reduction loops, domain[0] the innermost; undefined without any
};

/// One Func that writes outputs: consecutive outputs with equal loops share one.
struct OutputFunc {
  Halide::Func func;
  std::vector<Halide::Var> vars; ///< one per collapsed loop, outermost first
  int stage = 0;                 ///< whose loops these are
  int firstOperand = 0;          ///< the outputs are this operand and the next ones
  int numOperands = 0;
};

class Pipeline {
public:
  Pipeline(const KernelSpec &spec, const TargetInfo &target);

  /// The collapsed spec; stage and operand indices are those of the caller.
  const KernelSpec &spec() const { return collapsed.spec; }
  const TargetInfo &target() const { return targetInfo; }
  int numStages() const { return int(spec().stages.size()); }
  const Stage &stage(int index) const { return spec().stages[index]; }

  /// Extent of a loop of a stage; a constant where it is known. Throws Halide::CompileError if it is the
  /// extent of an output: only that output's own loops know it.
  Halide::Expr extent(int stageIndex, int loop) const;
  /// Extent of a loop of an output Func.
  Halide::Expr outputExtent(const OutputFunc &output, int loop) const;
  /// The same if constant, else -1.
  int64_t staticExtent(int stageIndex, int loop) const { return stage(stageIndex).loops[loop].value; }

  /// Values of nodes at a point of a stage's loops. `loops` has one Int(32) per loop (reduction loops may
  /// be undefined where the nodes do not need them), `running` one value per result for Acc nodes.
  Exprs evaluate(int stageIndex, const Exprs &loops, const Exprs &running, const std::vector<int> &nodes) const;

  /// Defines the stage as one Func, unless it is defined already.
  void define(int stageIndex);
  /// Same, with the given Func (of the given loops) for the result.
  void adopt(int stageIndex, const StageFunc &func) { funcs[stageIndex] = func; }
  StageFunc &func(int stageIndex) { return funcs[stageIndex]; }

  /// Defines the output Funcs after all stages.
  void defineOutputs();
  /// Takes `func`, of a sparse family, as the next output; its dimension 0 is the last of the operand. The caller bounds
  /// dimensions whose extents are not constants. It computes all of the operand's elements, or leaves some as they are (Halide::undef).
  void addOutput(Halide::Func func);
  std::vector<OutputFunc> &outputs() { return outputFuncs; }

  /// Stages that load from the stage; -1 stands for an output.
  std::vector<int> consumers(int stageIndex) const;

  /// Fresh variables named after the loops of a stage.
  std::vector<Halide::Var> variables(int stageIndex) const;

  /// The buffer of an input; its dimension 0 is the last of the operand.
  const Halide::ImageParam &input(int operand) const { return params[operand]; }
  /// An operand as the caller declares it, with all its dimensions.
  const Operand &operand(int index) const { return original.operands[index]; }
  /// A parameter of a sparse family that its rules demand.
  const Parameter &parameter(const std::string &name) const { return original.parameters.at(name); }

  /// The inputs in the order of the C arguments.
  std::vector<Halide::Argument> arguments() const;

private:
  class Evaluation;
  Halide::Expr operandExtent(int operand, int dim) const;
  Halide::Expr sourceExtent(const Node &load, size_t dim) const;
  Halide::Expr load(const Node &node, const Exprs &coordinates) const;
  bool inRange(int stageIndex, const Node &load, size_t dim) const;
  void markNodes();
  void defineOutput(OutputFunc &output);

  KernelSpec original;
  CollapsedSpec collapsed;
  const TargetInfo &targetInfo;
  std::vector<Halide::ImageParam> params; ///< per operand; undefined for outputs
  std::vector<StageFunc> funcs;
  std::vector<OutputFunc> outputFuncs;
  /// Per stage and node: depends on loaded data; sits under the arm of a Select.
  std::vector<std::vector<bool>> fromData, guarded;
};

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_GENERIC_PIPELINE_H
