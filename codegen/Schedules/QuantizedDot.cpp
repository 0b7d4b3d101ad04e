//===- QuantizedDot.cpp - Recognise a matmul on quantised weights -------------===//

#include "codegen/Schedules/QuantizedDot.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Contraction.h"

#include <array>

namespace thresh::codegen {
namespace {

/// Questions about the nodes of one stage.
class Body {
public:
  Body(const Pipeline &pipeline, int stage) : stage(pipeline.stage(stage)) {}

  const Node &at(int node) const { return stage.body[node]; }

  /// The two arguments of `op` at `node`, the one that satisfies `first` in front; {-1, -1} if there is none.
  template <typename Fn> std::array<int, 2> split(int node, Op op, Fn first) const {
    if (node >= 0 && at(node).op == op)
      for (int i = 0; i < 2; ++i)
        if (first(at(node).args[i]))
          return {at(node).args[i], at(node).args[1 - i]};
    return {-1, -1};
  }

  bool isInteger(int node, int64_t value) const {
    node = withoutCasts(node);
    return node >= 0 && at(node).op == Op::Const && !isFloat(at(node).dtype) && at(node).integer == value;
  }

  bool isIndex(int node, int loop) const {
    node = withoutCasts(node);
    return node >= 0 && at(node).op == Op::Index && at(node).integer == loop;
  }

  /// The integer below conversions between integers. For small numbers only: these keep their value.
  int withoutCasts(int node) const {
    while (node >= 0 && at(node).op == Op::Cast && codegen::isInteger(at(node).dtype) &&
           codegen::isInteger(at(at(node).args[0]).dtype))
      node = at(node).args[0];
    return node;
  }

  /// Whether the operation is `op`, FloorDiv or FloorMod, on operands that are not negative.
  bool isDivision(int node, Op op) const {
    Op truncating = op == Op::FloorDiv ? Op::Div : Op::Rem;
    return at(node).op == op || at(node).op == truncating;
  }

  /// The byte below conversions between I8 and U8.
  int asByte(int node) const {
    while (at(node).op == Op::Cast && dtypeBytes(at(node).dtype) == 1 && dtypeBytes(at(at(node).args[0]).dtype) == 1 &&
           at(at(node).args[0]).dtype != DType::Bool)
      node = at(node).args[0];
    return node;
  }

  /// `op`(loop, divisor).
  bool splitsLoop(int node, Op op, int loop, int divisor) const {
    node = withoutCasts(node);
    return node >= 0 && isDivision(node, op) && isIndex(at(node).args[0], loop) && isInteger(at(node).args[1], divisor);
  }

  /// loop * factor + inner, where `inner` satisfies a predicate.
  template <typename Fn> bool isAffine(int node, int loop, int factor, Fn inner) const {
    std::array<int, 2> sum = split(withoutCasts(node), Op::Add, [&](int arg) {
      std::array<int, 2> product = split(withoutCasts(arg), Op::Mul, [&](int index) { return isIndex(index, loop); });
      return product[0] >= 0 && isInteger(product[1], factor);
    });
    return sum[0] >= 0 && inner(sum[1]);
  }

  /// Nodes that the value of `root` is made of.
  std::vector<bool> reach(int root) const {
    std::vector<bool> reached(stage.body.size());
    reached[root] = true;
    for (int n = root; n >= 0; --n)
      if (reached[n])
        for (int arg : at(n).args)
          reached[arg] = true;
    return reached;
  }

  bool dependsOn(int root, int loop) const {
    std::vector<bool> reached = reach(root);
    for (size_t n = 0; n < reached.size(); ++n)
      if (reached[n] && at(int(n)).op == Op::Index && at(int(n)).integer == loop)
        return true;
    return false;
  }

  /// Whether every load that `root` is made of, and that depends on the column, picks its panel and its lane of 16:
  /// then whole panels may be loaded, past the last column too.
  bool loadsWholePanels(int root, int column) const {
    std::vector<bool> reached = reach(root);
    for (size_t n = 0; n < reached.size(); ++n)
      if (reached[n] && at(int(n)).op == Op::Load && !loadIsInPanels(at(int(n)), column))
        return false;
    return true;
  }

  const Stage &stage;

private:
  bool loadIsInPanels(const Node &load, int column) const {
    if (load.source >= kStageSource)
      return false;
    for (int arg : load.args)
      if (dependsOn(arg, column) && !splitsLoop(arg, Op::FloorDiv, column, kPanel) &&
          !splitsLoop(arg, Op::FloorMod, column, kPanel))
        return false;
    return true;
  }
};

/// codes[column / 16][group * steps + j / perStep][column % 16][j % 4].
bool loadsCodes(const Body &body, int node, QuantizedDot &dot) {
  const Node &load = body.at(body.asByte(node));
  dot.codesOperand = load.source;
  int group = dot.column + 1, j = dot.column + 2, perStep = kDepth * dot.halves;
  return load.op == Op::Load && load.source < kStageSource && dtypeBytes(load.dtype) == 1 && load.args.size() == 4 &&
         body.splitsLoop(load.args[0], Op::FloorDiv, dot.column, kPanel) &&
         body.isAffine(load.args[1], group, kGroup / perStep,
                       [&](int inner) { return body.splitsLoop(inner, Op::FloorDiv, j, perStep); }) &&
         body.splitsLoop(load.args[2], Op::FloorMod, dot.column, kPanel) &&
         body.splitsLoop(load.args[3], Op::FloorMod, j, kDepth);
}

/// 4 * (j / 4 % 2).
bool shiftsByHalf(const Body &body, int node, int j) {
  std::array<int, 2> product =
      body.split(body.withoutCasts(node), Op::Mul, [&](int arg) { return body.isInteger(arg, 4); });
  int half = product[1] < 0 ? -1 : body.withoutCasts(product[1]);
  return half >= 0 && body.isDivision(half, Op::FloorMod) && body.isInteger(body.at(half).args[1], 2) &&
         body.splitsLoop(body.at(half).args[0], Op::FloorDiv, j, kDepth);
}

/// A whole byte or one of its halves.
bool matchCode(const Body &body, int node, QuantizedDot &dot) {
  if (body.at(node).dtype != DType::U8)
    return false;
  dot.codes = node;
  dot.halves = 1;
  if (loadsCodes(body, node, dot))
    return true;
  std::array<int, 2> masked = body.split(body.asByte(node), Op::And, [&](int arg) { return body.isInteger(arg, 15); });
  int shifted = masked[1] < 0 ? -1 : body.asByte(masked[1]);
  if (shifted < 0 || body.at(shifted).op != Op::ShrUnsigned || body.at(shifted).dtype != DType::U8)
    return false;
  const Node &shift = body.at(shifted);
  dot.codes = shift.args[0];
  dot.halves = 2;
  return shiftsByHalf(body, shift.args[1], dot.column + 2) && loadsCodes(body, dot.codes, dot);
}

/// The argument of a conversion to I32 or F32.
int converted(const Body &body, int node, DType to) {
  return node >= 0 && body.at(node).op == Op::Cast && body.at(node).dtype == to ? body.at(node).args[0] : -1;
}

/// I32(code) - zero.
bool matchCentred(const Body &body, int node, QuantizedDot &dot) {
  Op op = body.at(node).op;
  if (op != Op::Sub && op != Op::Add)
    return false;
  int code = converted(body, body.at(node).args[0], DType::I32);
  const Node &zero = body.at(body.at(node).args[1]);
  if (code < 0 || zero.op != Op::Const || zero.integer < -255 || zero.integer > 255)
    return false;
  dot.zero = int(op == Op::Sub ? zero.integer : -zero.integer);
  return matchCode(body, code, dot);
}

bool matchDot(const Body &body, QuantizedDot &dot) {
  const Stage &stage = body.stage;
  if (stage.results.size() != 1 || stage.dtypes[0] != DType::I32 || !body.isInteger(stage.inits[0], 0))
    return false;
  std::array<int, 2> sum = body.split(stage.results[0], Op::Add, [&](int arg) { return body.at(arg).op == Op::Acc; });
  if (sum[0] < 0)
    return false;
  std::array<int, 2> product = body.split(sum[1], Op::Mul, [&](int arg) { return matchCentred(body, arg, dot); });
  if (product[0] < 0)
    return false;
  dot.activation = converted(body, product[1], DType::I32);
  return dot.activation >= 0 && body.at(dot.activation).op == Op::Load && body.at(dot.activation).dtype == DType::I8 &&
         body.at(dot.activation).source < kStageSource && !body.dependsOn(dot.activation, dot.column);
}

bool matchSum(const Body &body, QuantizedDot &dot) {
  const Stage &stage = body.stage;
  auto loadsDot = [&](int node) {
    int load = converted(body, node, DType::F32);
    if (load < 0 || body.at(load).op != Op::Load || body.at(load).source != kStageSource + dot.dot)
      return false;
    for (int d = 0; d < int(body.at(load).args.size()); ++d)
      if (!body.isIndex(body.at(load).args[d], d))
        return false;
    return true;
  };
  if (stage.results.size() != 1 || stage.dtypes[0] != DType::F32)
    return false;
  std::array<int, 2> sum = body.split(stage.results[0], Op::Add, [&](int arg) { return body.at(arg).op == Op::Acc; });
  std::array<int, 2> product = body.split(sum[1], Op::Mul, loadsDot);
  if (product[0] < 0)
    return false;
  dot.weight = product[1];
  std::vector<bool> reached = body.reach(dot.weight);
  for (size_t n = 0; n < reached.size(); ++n)
    if (reached[n] && body.at(int(n)).op == Op::Acc)
      return false;
  return body.loadsWholePanels(dot.weight, dot.column);
}

/// Whether the stages have the loops (row, column, group; 32) and (row, column; group).
bool haveLoops(const Pipeline &pipeline, const QuantizedDot &dot) {
  const Stage &inner = pipeline.stage(dot.dot), &outer = pipeline.stage(dot.sum);
  int loops = int(outer.loops.size());
  return (loops == 2 || loops == 3) && outer.parallel == loops - 1 && inner.parallel == loops &&
         int(inner.loops.size()) == loops + 1 && pipeline.staticExtent(dot.dot, loops) == kGroup;
}

} // namespace

bool matchQuantizedDot(const Pipeline &pipeline, QuantizedDot &dot) {
  std::vector<int> reductions;
  for (int s = 0; s < pipeline.numStages(); ++s)
    if (reduces(pipeline.stage(s)))
      reductions.push_back(s);
  if (reductions.size() != 2)
    return false;
  dot.dot = reductions[0];
  dot.sum = reductions[1];
  if (!haveLoops(pipeline, dot) || pipeline.consumers(dot.dot) != std::vector<int>{dot.sum})
    return false;
  dot.column = pipeline.stage(dot.sum).parallel - 1;
  dot.row = dot.column - 1;
  return matchDot(Body(pipeline, dot.dot), dot) && matchSum(Body(pipeline, dot.sum), dot);
}

} // namespace thresh::codegen
