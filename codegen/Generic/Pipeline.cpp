//===- Pipeline.cpp - A KernelSpec as Halide Funcs ---------------------------===//

#include "codegen/Generic/Pipeline.h"
#include "codegen/Generic/Scalar.h"
#include "codegen/Ops.h"

#include <cctype>

using Halide::Expr;
using Halide::Var;

namespace thresh::codegen {
namespace {

std::string halideName(const std::string &name, const std::string &prefix, int number) {
  std::string text = prefix + std::to_string(number);
  if (!name.empty())
    text += "_";
  for (unsigned char c : name)
    text += std::isalnum(c) ? char(c) : '_';
  return text;
}

/// The buffer starts at 0; extents are constants where the spec knows them.
template <typename Param> void constrainExtents(Param param, const std::vector<int64_t> &shape) {
  int rank = int(shape.size());
  for (int h = 0; h < rank; ++h) {
    param.dim(h).set_min(0);
    if (shape[rank - 1 - h] >= 0)
      param.dim(h).set_extent(int(shape[rank - 1 - h]));
  }
}

/// Strides as those of a dense buffer with the extents of `like`.
template <typename Param> void constrainStrides(Param param, Param like, const std::vector<int64_t> &shape) {
  Expr stride = 1;
  int rank = int(shape.size());
  for (int h = 0; h < rank; ++h) {
    int64_t known = shape[rank - 1 - h];
    param.dim(h).set_stride(stride);
    stride = stride * (known >= 0 ? Expr(int(known)) : like.dim(h).extent());
  }
}

/// Whether the caller tells how far apart the rows of an operand are: those of the weights of active_rows.
bool rowsLieApart(const KernelSpec &spec, int operand) {
  return spec.family == Family::ActiveRows && operand > int(spec.parameters.at("gated").integer) + 2;
}

/// `value`, in a form that shows Halide that it depends on every running value. When Halide orders the
/// stores of a Tuple's update it does not look into the arguments of intrinsics, such as strict
/// comparisons, and would let one store overwrite what another still reads.
Expr withVisibleDependence(const Expr &value, const Exprs &running) {
  Expr always = Halide::Internal::const_true();
  for (const Expr &r : running) {
    Halide::Type bits = Halide::UInt(std::max(r.type().bits(), 8));
    Expr u = r.type().is_float() ? Halide::reinterpret(bits, r) : Halide::cast(bits, r);
    Expr one = Halide::Internal::make_one(bits);
    always = always && (u * (u + one)) % (one + one) == Halide::Internal::make_zero(bits); // a product of neighbours
  }
  return Halide::select(always, value, Halide::Internal::make_zero(value.type()));
}

Exprs reversed(Exprs exprs) { return Exprs(exprs.rbegin(), exprs.rend()); }

} // namespace

Pipeline::Pipeline(const KernelSpec &spec, const TargetInfo &target)
    : original(spec), collapsed(collapseDims(spec)), targetInfo(target), funcs(spec.stages.size()) {
  for (size_t o = 0; o < original.operands.size(); ++o) {
    const Operand &operand = original.operands[o];
    if (operand.output) {
      params.emplace_back();
      continue;
    }
    params.emplace_back(storageType(operand.dtype), int(operand.shape.size()), halideName(operand.name, "in", int(o)));
    constrainExtents(params.back(), operand.shape);
    if (rowsLieApart(original, int(o)))
      params.back().dim(0).set_stride(1);
    else
      constrainStrides(params.back(), params.back(), operand.shape);
  }
  markNodes();
}

void Pipeline::markNodes() {
  for (const Stage &stage : spec().stages) {
    std::vector<bool> data(stage.body.size()), guard(stage.body.size());
    for (size_t n = 0; n < stage.body.size(); ++n) {
      const Node &node = stage.body[n];
      data[n] = node.op == Op::Load || node.op == Op::Acc;
      for (int arg : node.args)
        data[n] = data[n] || data[arg];
    }
    for (size_t n = stage.body.size(); n-- > 0;) {
      const Node &node = stage.body[n];
      for (size_t i = 0; i < node.args.size(); ++i)
        if (guard[n] || (node.op == Op::Select && i > 0))
          guard[node.args[i]] = true;
    }
    fromData.push_back(data);
    guarded.push_back(guard);
  }
}

Expr Pipeline::operandExtent(int operand, int dim) const {
  const Operand &info = original.operands[operand];
  if (info.shape[dim] >= 0)
    return int(info.shape[dim]);
  if (info.output)
    throw Halide::CompileError("the extent of output '" + info.name + "' is known to its own loops only");
  return params[operand].dim(int(info.shape.size()) - 1 - dim).extent();
}

Expr Pipeline::extent(int stageIndex, int loop) const {
  if (staticExtent(stageIndex, loop) >= 0)
    return int(staticExtent(stageIndex, loop));
  Expr product = 1;
  for (const Extent &factor : collapsed.factors[stageIndex][loop])
    product = product * (factor.operand < 0 ? Expr(int(factor.value)) : operandExtent(factor.operand, factor.dim));
  return product;
}

Expr Pipeline::outputExtent(const OutputFunc &output, int loop) const {
  const Extent &first = collapsed.factors[output.stage][loop].front();
  bool onlyOutputTells = first.operand >= 0 && original.operands[first.operand].output &&
                         original.operands[first.operand].shape[first.dim] < 0;
  if (!onlyOutputTells)
    return extent(output.stage, loop);
  int dim = collapsed.groups[output.firstOperand][loop].front();
  int h = int(original.operands[output.firstOperand].shape.size()) - 1 - dim;
  Halide::Func func = output.func;
  return func.output_buffers()[0].dim(h).extent();
}

Expr Pipeline::sourceExtent(const Node &load, size_t dim) const {
  if (load.source >= kStageSource)
    return extent(load.source - kStageSource, int(dim));
  Expr product = 1;
  for (int original : collapsed.groups[load.source][dim])
    product = product * operandExtent(load.source, original);
  return product;
}

/// Whether coordinate `dim` of a load is an index that spans the dimension or a constant inside it.
bool Pipeline::inRange(int stageIndex, const Node &load, size_t dim) const {
  int64_t known = load.source >= kStageSource ? staticExtent(load.source - kStageSource, int(dim))
                                              : spec().operands[load.source].shape[dim];
  const Node &coordinate = stage(stageIndex).body[load.args[dim]];
  if (coordinate.op == Op::Const)
    return coordinate.integer >= 0 && coordinate.integer < known;
  if (coordinate.op != Op::Index)
    return false;
  int64_t loop = staticExtent(stageIndex, int(coordinate.integer));
  return known < 0 ? loop < 0 : loop >= 0 && loop <= known;
}

Expr Pipeline::load(const Node &node, const Exprs &coordinates) const {
  if (node.source >= kStageSource) {
    const Halide::Func &func = funcs[node.source - kStageSource].func;
    Halide::FuncRef ref = func(reversed(coordinates));
    return fromStorage(func.outputs() > 1 ? Expr(ref[node.result]) : Expr(ref), node.dtype);
  }
  const auto &groups = collapsed.groups[node.source];
  Exprs full(original.operands[node.source].shape.size(), Expr(0));
  for (size_t g = 0; g < groups.size(); ++g)
    full[groups[g].back()] = coordinates[g];
  return fromStorage(params[node.source](reversed(full)), node.dtype);
}

//===-----------------------------------------------------------------------===//
// Nodes
//===-----------------------------------------------------------------------===//

/// Evaluates the nodes of one stage at one point.
class Pipeline::Evaluation {
public:
  Evaluation(const Pipeline &pipeline, int stageIndex, const Exprs &loops, const Exprs &running)
      : pipeline(pipeline), stageIndex(stageIndex), stage(pipeline.stage(stageIndex)), loops(loops), running(running),
        values(stage.body.size()), indices(stage.body.size()) {}

  Exprs run(const std::vector<int> &roots) {
    std::vector<bool> needed(stage.body.size());
    for (int root : roots)
      needed[root] = true;
    for (size_t n = stage.body.size(); n-- > 0;)
      if (needed[n])
        for (int arg : stage.body[n].args)
          needed[arg] = true;
    for (size_t n = 0; n < stage.body.size(); ++n)
      if (needed[n])
        values[n] = value(int(n));
    Exprs results;
    for (int root : roots)
      results.push_back(values[root]);
    return results;
  }

private:
  Expr value(int n) {
    const Node &node = stage.body[n];
    switch (node.op) {
    case Op::Const: return constantValue(node);
    case Op::Index: return loops[node.integer];
    case Op::Acc: return running[node.integer];
    case Op::Dim: return pipeline.operandExtent(node.source, int(node.integer));
    case Op::Load: return loadValue(n);
    default: break;
    }
    Expr fused = contraction(node);
    if (fused.defined())
      return fused;
    Exprs args;
    for (int arg : node.args)
      args.push_back(values[arg]);
    return applyOp(node, args, stage.body[node.args[0]].dtype);
  }

  /// Acc + a * b in f32 or f64 as one multiply-add.
  Expr contraction(const Node &node) {
    if (node.op != Op::Add || (node.dtype != DType::F32 && node.dtype != DType::F64))
      return Expr();
    for (int i = 0; i < 2; ++i) {
      const Node &product = stage.body[node.args[i]];
      if (stage.body[node.args[1 - i]].op == Op::Acc && product.op == Op::Mul)
        return values[product.args[0]] * values[product.args[1]] + values[node.args[1 - i]];
    }
    return Expr();
  }

  Expr loadValue(int n) {
    const Node &node = stage.body[n];
    Exprs coordinates;
    for (size_t d = 0; d < node.args.size(); ++d) {
      Expr at = index(node.args[d]);
      bool clamp = pipeline.guarded[stageIndex][n] && !pipeline.inRange(stageIndex, node, d);
      if (clamp)
        at = Halide::clamp(Halide::likely(at), 0, pipeline.sourceExtent(node, d) - 1);
      else if (pipeline.fromData[stageIndex][node.args[d]])
        at = Halide::unsafe_promise_clamped(at, 0, pipeline.sourceExtent(node, d) - 1);
      coordinates.push_back(at);
    }
    return pipeline.load(node, coordinates);
  }

  /// The node as an Int(32) coordinate; arithmetic on loop indices stays transparent to Halide.
  Expr index(int n) {
    if (indices[n].defined())
      return indices[n];
    const Node &node = stage.body[n];
    Expr result;
    if (node.op == Op::Index)
      result = loops[node.integer];
    else if (node.op == Op::Const)
      result = int(node.integer);
    else if (!pipeline.fromData[stageIndex][n])
      result = indexArithmetic(node);
    if (!result.defined())
      result = Halide::cast<int32_t>(values[n]);
    return indices[n] = result;
  }

  Expr indexArithmetic(const Node &node) {
    bool integers = isInteger(node.dtype) && dtypeBytes(node.dtype) >= 4;
    if (node.op == Op::Dim || !integers)
      return Expr();
    if (node.op == Op::Select)
      return Halide::select(values[node.args[0]], index(node.args[1]), index(node.args[2]));
    DType from = stage.body[node.args[0]].dtype;
    if (node.op == Op::Cast)
      return isInteger(from) && dtypeBytes(from) >= 4 ? index(node.args[0]) : Expr();
    Exprs args;
    for (int arg : node.args)
      args.push_back(index(arg));
    return applyIndexOp(node.op, args);
  }

  const Pipeline &pipeline;
  int stageIndex;
  const Stage &stage;
  const Exprs &loops;
  const Exprs &running;
  Exprs values;  ///< per node, where computed
  Exprs indices; ///< per node, as a coordinate
};

Exprs Pipeline::evaluate(int stageIndex, const Exprs &loops, const Exprs &running,
                         const std::vector<int> &nodes) const {
  return Evaluation(*this, stageIndex, loops, running).run(nodes);
}

//===-----------------------------------------------------------------------===//
// Funcs
//===-----------------------------------------------------------------------===//

std::vector<Var> Pipeline::variables(int stageIndex) const {
  std::vector<Var> vars;
  for (int l = 0; l < stage(stageIndex).parallel; ++l)
    vars.emplace_back("i" + std::to_string(l));
  return vars;
}

void Pipeline::define(int stageIndex) {
  StageFunc &result = funcs[stageIndex];
  if (result.func.defined())
    return;
  const Stage &info = stage(stageIndex);
  result.func = Halide::Func(halideName(info.name, "s", stageIndex));
  result.vars = variables(stageIndex);
  Exprs loops(result.vars.begin(), result.vars.end());
  Exprs args = reversed(loops);
  auto stored = [](const Exprs &values) {
    Exprs result;
    for (const Expr &value : values)
      result.push_back(toStorage(value));
    return Halide::Tuple(result);
  };
  bool single = info.dtypes.size() == 1;
  auto assign = [&](const Exprs &values) {
    if (single)
      result.func(args) = toStorage(values[0]);
    else
      result.func(args) = stored(values);
  };
  int reductions = int(info.loops.size()) - info.parallel;
  if (reductions == 0)
    return assign(evaluate(stageIndex, loops, {}, info.results));

  loops.resize(info.loops.size());
  assign(evaluate(stageIndex, loops, {}, info.inits));
  Halide::Region region;
  for (int r = reductions; r-- > 0;)
    region.emplace_back(0, extent(stageIndex, info.parallel + r));
  result.domain = Halide::RDom(region, "r" + std::to_string(stageIndex));
  for (int r = 0; r < reductions; ++r)
    loops[info.parallel + r] = result.domain[reductions - 1 - r];
  Exprs running;
  for (size_t i = 0; i < info.dtypes.size(); ++i) {
    Halide::FuncRef ref = result.func(args);
    running.push_back(fromStorage(single ? Expr(ref) : Expr(ref[int(i)]), info.dtypes[i]));
  }
  Exprs results = evaluate(stageIndex, loops, running, info.results);
  for (size_t i = 0; i < results.size(); ++i) {
    // Halide repeats an update over the loops that it mentions only.
    results[i] = Halide::select(result.domain[0] >= 0, results[i], running[i]);
    if (!single)
      results[i] = withVisibleDependence(results[i], running);
  }
  assign(results);
}

std::vector<int> Pipeline::consumers(int stageIndex) const {
  std::vector<int> result;
  for (int s = stageIndex + 1; s < numStages(); ++s)
    for (const Node &node : stage(s).body)
      if (node.op == Op::Load && node.source == kStageSource + stageIndex) {
        result.push_back(s);
        break;
      }
  for (int output : spec().outputs)
    if (output == stageIndex)
      result.push_back(-1);
  return result;
}

void Pipeline::defineOutputs() {
  int firstOutput = int(original.operands.size() - original.outputs.size());
  auto sameLoops = [&](int a, int b, int operandA, int operandB) {
    if (stage(a).parallel != stage(b).parallel || collapsed.groups[operandA] != collapsed.groups[operandB])
      return false;
    for (int l = 0; l < stage(a).parallel; ++l) {
      const auto &factorsA = collapsed.factors[a][l], &factorsB = collapsed.factors[b][l];
      bool equal =
          staticExtent(a, l) >= 0 ? staticExtent(a, l) == staticExtent(b, l) : factorsA.size() == factorsB.size();
      for (size_t f = 0; equal && staticExtent(a, l) < 0 && f < factorsA.size(); ++f)
        equal = factorsA[f].value == factorsB[f].value && factorsA[f].operand == factorsB[f].operand &&
                factorsA[f].dim == factorsB[f].dim;
      if (!equal)
        return false;
    }
    return true;
  };
  for (size_t i = 0; i < original.outputs.size(); ++i) {
    int operand = firstOutput + int(i);
    OutputFunc *last = outputFuncs.empty() ? nullptr : &outputFuncs.back();
    if (last && sameLoops(last->stage, original.outputs[i], last->firstOperand, operand)) {
      ++last->numOperands;
      continue;
    }
    outputFuncs.push_back({Halide::Func(), {}, original.outputs[i], operand, 1});
  }
  for (OutputFunc &output : outputFuncs)
    defineOutput(output);
}

void Pipeline::defineOutput(OutputFunc &output) {
  int firstOutput = int(original.operands.size() - original.outputs.size());
  const Operand &operand = original.operands[output.firstOperand];
  const auto &groups = collapsed.groups[output.firstOperand];
  output.func = Halide::Func(halideName(operand.name, "out", output.firstOperand));
  output.vars = variables(output.stage);
  std::vector<Var> args;
  for (size_t d = 0; d < operand.shape.size(); ++d)
    args.emplace_back("u" + std::to_string(d));
  for (size_t g = 0; g < groups.size(); ++g)
    args[groups[g].back()] = output.vars[g];
  std::reverse(args.begin(), args.end());

  Exprs loops(output.vars.begin(), output.vars.end()), values;
  for (int o = output.firstOperand; o < output.firstOperand + output.numOperands; ++o) {
    int position = o - firstOutput, result = 0;
    for (int before = position; before > 0 && original.outputs[before] == original.outputs[before - 1]; --before)
      ++result;
    Node node;
    node.op = Op::Load;
    node.source = kStageSource + original.outputs[position];
    node.result = result;
    node.dtype = original.operands[o].dtype;
    values.push_back(toStorage(load(node, loops)));
  }
  if (values.size() == 1)
    output.func(args) = values[0];
  else
    output.func(args) = Halide::Tuple(values);
  std::vector<Halide::OutputImageParam> buffers = output.func.output_buffers();
  constrainExtents(buffers[0], operand.shape); // the others have the same by Halide's rules
  for (Halide::OutputImageParam &buffer : buffers)
    constrainStrides(buffer, buffers[0], operand.shape);
  for (size_t g = 0; g < groups.size(); ++g)
    for (int dim : groups[g]) {
      Var var = args[operand.shape.size() - 1 - dim];
      output.func.bound(var, 0, dim == groups[g].back() ? outputExtent(output, int(g)) : Expr(1));
    }
}

void Pipeline::addOutput(Halide::Func func) {
  int operand = outputFuncs.empty() ? 0 : outputFuncs.back().firstOperand + 1;
  while (!original.operands[operand].output)
    ++operand;
  const std::vector<int64_t> &shape = original.operands[operand].shape;
  Halide::OutputImageParam buffer = func.output_buffer();
  constrainExtents(buffer, shape);
  constrainStrides(buffer, buffer, shape);
  for (size_t h = 0; h < shape.size(); ++h)
    if (int64_t known = shape[shape.size() - 1 - h]; known >= 0)
      func.bound(func.args()[h], 0, int(known));
  outputFuncs.push_back({func, {}, 0, operand, 1});
}

std::vector<Halide::Argument> Pipeline::arguments() const {
  std::vector<Halide::Argument> result;
  for (size_t o = 0; o < params.size(); ++o)
    if (!original.operands[o].output)
      result.push_back(params[o]);
  return result;
}

} // namespace thresh::codegen
