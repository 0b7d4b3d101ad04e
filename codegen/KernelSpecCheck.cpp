//===- KernelSpecCheck.cpp - The rules of a KernelSpec -----------------------===//
//
// Everything downstream (collapse, translation, schedules) indexes without checks and relies on this.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Codegen.h"
#include "codegen/KernelSpecRules.h"
#include "codegen/Ops.h"

#include <cctype>

namespace thresh::codegen {

void failRule(const std::string &pointer, const std::string &message) {
  throw RuleError{"at " + pointer + ": " + message};
}

namespace {

constexpr size_t kMaxRank = 8;
constexpr size_t kMaxLoops = 12;
constexpr size_t kMaxCount = 4096; ///< operands, stages
constexpr size_t kMaxNodes = 100000;

void expectRange(const std::string &pointer, const char *what, int64_t value, int64_t end) {
  if (value < 0 || value >= end)
    failRule(pointer,
             std::string("expects ") + what + " in [0, " + std::to_string(end) + "), but got " + std::to_string(value));
}

void expectCount(const std::string &pointer, size_t count, size_t most) {
  if (count > most)
    failRule(pointer, "expects at most " + std::to_string(most) + " elements, but got " + std::to_string(count));
}

void expectDType(const std::string &pointer, const char *what, DType dtype, DType expected) {
  if (dtype != expected)
    failRule(pointer,
             std::string("expects ") + what + " of dtype " + dtypeName(expected) + ", but got " + dtypeName(dtype));
}

bool isIdentifier(const std::string &name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])))
    return false;
  for (unsigned char c : name)
    if (!std::isalnum(c) && c != '_')
      return false;
  return true;
}

class Checker {
public:
  explicit Checker(const KernelSpec &spec) : spec(spec) {}

  void check() {
    if (!isIdentifier(spec.name))
      failRule("/name", "expects a C identifier, but got '" + spec.name + "'");
    if (!findTarget(spec.target))
      failRule("/target", "expects a known target, but got '" + spec.target + "'");
    checkOperands();
    expectCount("/stages", spec.stages.size(), kMaxCount);
    for (size_t i = 0; i < spec.stages.size(); ++i)
      checkStage(i);
    if (isSparse(spec.family)) {
      checkSparse(spec);
      return;
    }
    if (!spec.parameters.empty())
      failRule("/parameters", std::string("expects none of family ") + familyName(spec.family) + ", but got '" +
                                  spec.parameters.begin()->first + "'");
    checkOutputs();
  }

private:
  void checkOperands() {
    expectCount("/operands", spec.operands.size(), kMaxCount);
    bool seenOutput = false;
    for (size_t i = 0; i < spec.operands.size(); ++i) {
      const Operand &operand = spec.operands[i];
      std::string at = "/operands/" + std::to_string(i);
      expectCount(at + "/shape", operand.shape.size(), kMaxRank);
      if (seenOutput && !operand.output)
        failRule(at + "/output", "expects inputs before outputs");
      seenOutput |= operand.output;
      __int128 elements = 1;
      for (size_t d = 0; d < operand.shape.size(); ++d) {
        int64_t extent = operand.shape[d];
        if (extent < -1 || extent > INT32_MAX)
          failRule(at + "/shape/" + std::to_string(d),
                   "expects -1 or an extent below 2^31, but got " + std::to_string(extent));
        elements *= extent < 0 ? 1 : extent;
        if (elements > (INT64_MAX >> 4))
          failRule(at + "/shape", "expects fewer than 2^59 elements");
      }
    }
  }

  void checkExtent(const std::string &at, const Extent &extent) {
    if (extent.operand < 0) {
      expectRange(at, "an extent", extent.value, int64_t(INT32_MAX) + 1);
      return;
    }
    expectRange(at + "/operand", "an operand", extent.operand, spec.operands.size());
    expectRange(at + "/dim", "a dimension", extent.dim, spec.operands[extent.operand].shape.size());
  }

  void checkStage(size_t index) {
    const Stage &stage = spec.stages[index];
    std::string at = "/stages/" + std::to_string(index);
    expectCount(at + "/loops", stage.loops.size(), kMaxLoops);
    for (size_t i = 0; i < stage.loops.size(); ++i)
      checkExtent(at + "/loops/" + std::to_string(i), stage.loops[i]);
    expectRange(at + "/parallel", "a number of loops", stage.parallel, std::min(stage.loops.size(), kMaxRank) + 1);
    expectCount(at + "/body", stage.body.size(), kMaxNodes);
    std::vector<bool> running; // depends on the running value or on a reduction loop
    for (size_t i = 0; i < stage.body.size(); ++i) {
      std::string where = at + "/body/" + std::to_string(i);
      const Node &node = stage.body[i];
      checkNode(where, index, i);
      bool runs = node.op == Op::Acc || (node.op == Op::Index && node.integer >= stage.parallel);
      for (int arg : node.args)
        runs |= running[arg];
      running.push_back(runs);
    }
    if (stage.results.empty())
      failRule(at + "/results", "expects at least one result");
    expectCount(at + "/results", stage.results.size(), 16);
    if (stage.dtypes.size() != stage.results.size())
      failRule(at + "/dtypes", "expects one dtype per result");
    bool reduces = stage.parallel < int(stage.loops.size());
    if (stage.inits.size() != (reduces ? stage.results.size() : 0))
      failRule(at + "/inits", reduces ? "expects one init per result" : "expects none without reduction loops");
    for (size_t i = 0; i < stage.results.size(); ++i) {
      std::string where = at + "/results/" + std::to_string(i);
      expectRange(where, "a node", stage.results[i], stage.body.size());
      expectDType(where, "a node", stage.body[stage.results[i]].dtype, stage.dtypes[i]);
    }
    for (size_t i = 0; i < stage.inits.size(); ++i) {
      std::string where = at + "/inits/" + std::to_string(i);
      expectRange(where, "a node", stage.inits[i], stage.body.size());
      expectDType(where, "a node", stage.body[stage.inits[i]].dtype, stage.dtypes[i]);
      if (running[stage.inits[i]])
        failRule(where, "expects a node without running values and reduction indices");
    }
  }

  void checkNode(const std::string &at, size_t stageIndex, size_t nodeIndex) {
    const Stage &stage = spec.stages[stageIndex];
    const Node &node = stage.body[nodeIndex];
    const OpInfo &info = opInfo(node.op);
    if (info.arity >= 0 && node.args.size() != size_t(info.arity))
      failRule(at + "/args", "expects " + std::to_string(info.arity) + " arguments of " + info.name + ", but got " +
                                 std::to_string(node.args.size()));
    for (size_t i = 0; i < node.args.size(); ++i)
      expectRange(at + "/args/" + std::to_string(i), "an earlier node", node.args[i], nodeIndex);
    auto argType = [&](size_t i) { return stage.body[node.args[i]].dtype; };
    auto allAre = [&](DType dtype, size_t from) {
      for (size_t i = from; i < node.args.size(); ++i)
        expectDType(at + "/args/" + std::to_string(i), "an argument", argType(i), dtype);
    };
    auto expectKind = [&](bool holds, const char *kind, DType got) {
      if (!holds)
        failRule(at + "/dtype", std::string("expects ") + info.name + " on " + kind + ", but got " + dtypeName(got));
    };
    switch (info.cls) {
    case OpClass::Leaf: checkLeaf(at, stageIndex, node); break;
    case OpClass::Convert:
      if (node.op == Op::Bitcast && dtypeBytes(node.dtype) != dtypeBytes(argType(0)))
        failRule(at + "/dtype", std::string("expects as many bits as ") + dtypeName(argType(0)));
      if (node.op == Op::Bitcast)
        expectKind(node.dtype != DType::Bool && argType(0) != DType::Bool, "numbers", DType::Bool);
      break;
    case OpClass::Numeric:
      expectKind(node.dtype != DType::Bool, "numbers", node.dtype);
      allAre(node.dtype, 0);
      break;
    case OpClass::Float:
      expectKind(isFloat(node.dtype), "floats", node.dtype);
      allAre(node.dtype, 0);
      break;
    case OpClass::Bits:
      expectKind(!isFloat(node.dtype), "integers or bool", node.dtype);
      allAre(node.dtype, 0);
      break;
    case OpClass::Integer:
      expectKind(isInteger(node.dtype), "integers", node.dtype);
      allAre(node.dtype, 0);
      break;
    case OpClass::Compare:
      expectDType(at + "/dtype", "a result", node.dtype, DType::Bool);
      allAre(argType(0), 1);
      break;
    case OpClass::FloatTest:
      expectDType(at + "/dtype", "a result", node.dtype, DType::Bool);
      expectKind(isFloat(argType(0)), "floats", argType(0));
      break;
    case OpClass::Choice:
      expectDType(at + "/args/0", "a condition", argType(0), DType::Bool);
      allAre(node.dtype, 1);
      break;
    }
  }

  void checkLeaf(const std::string &at, size_t stageIndex, const Node &node) {
    const Stage &stage = spec.stages[stageIndex];
    switch (node.op) {
    case Op::Index:
      expectRange(at + "/integer", "a loop", node.integer, stage.loops.size());
      expectDType(at + "/dtype", "an index", node.dtype, DType::I32);
      break;
    case Op::Acc:
      if (stage.parallel == int(stage.loops.size()))
        failRule(at, "expects reduction loops around a running value");
      expectRange(at + "/integer", "a result", node.integer, stage.dtypes.size());
      expectDType(at + "/dtype", "a running value", node.dtype, stage.dtypes[node.integer]);
      break;
    case Op::Dim:
      expectRange(at + "/operand", "an operand", node.source, spec.operands.size());
      expectRange(at + "/integer", "a dimension", node.integer, spec.operands[node.source].shape.size());
      expectDType(at + "/dtype", "an extent", node.dtype, DType::I32);
      break;
    case Op::Load: checkLoad(at, stageIndex, node); break;
    default: break;
    }
  }

  void checkLoad(const std::string &at, size_t stageIndex, const Node &node) {
    size_t rank = 0;
    if (node.source >= kStageSource) {
      expectRange(at + "/stage", "an earlier stage", node.source - kStageSource, stageIndex);
      const Stage &source = spec.stages[node.source - kStageSource];
      expectRange(at + "/result", "a result", node.result, source.dtypes.size());
      expectDType(at + "/dtype", "a load", node.dtype, source.dtypes[node.result]);
      rank = source.parallel;
    } else {
      expectRange(at + "/operand", "an operand", node.source, spec.operands.size());
      const Operand &source = spec.operands[node.source];
      if (source.output)
        failRule(at + "/operand", "expects an input, but got output '" + source.name + "'");
      expectDType(at + "/dtype", "a load", node.dtype, source.dtype);
      rank = source.shape.size();
    }
    if (node.args.size() != rank)
      failRule(at + "/args",
               "expects " + std::to_string(rank) + " coordinates, but got " + std::to_string(node.args.size()));
    for (size_t i = 0; i < node.args.size(); ++i) {
      DType dtype = spec.stages[stageIndex].body[node.args[i]].dtype;
      if (dtype != DType::I32 && dtype != DType::I64)
        failRule(at + "/args/" + std::to_string(i),
                 std::string("expects a coordinate of dtype i32 or i64, but got ") + dtypeName(dtype));
    }
  }

  void checkOutputs() {
    size_t firstOutput = 0;
    while (firstOutput < spec.operands.size() && !spec.operands[firstOutput].output)
      ++firstOutput;
    size_t count = spec.operands.size() - firstOutput;
    if (count == 0)
      failRule("/operands", "expects at least one output");
    if (spec.outputs.size() != count)
      failRule("/outputs",
               "expects " + std::to_string(count) + " stages, but got " + std::to_string(spec.outputs.size()));
    for (size_t i = 0, result = 0; i < count; ++i) {
      std::string at = "/outputs/" + std::to_string(i);
      expectRange(at, "a stage", spec.outputs[i], spec.stages.size());
      const Stage &stage = spec.stages[spec.outputs[i]];
      const Operand &operand = spec.operands[firstOutput + i];
      result = i > 0 && spec.outputs[i] == spec.outputs[i - 1] ? result + 1 : 0;
      expectRange(at, "a result of the stage", result, stage.dtypes.size());
      expectDType("/operands/" + std::to_string(firstOutput + i), "an output", operand.dtype, stage.dtypes[result]);
      if (operand.shape.size() != size_t(stage.parallel))
        failRule(at, "expects a stage of rank " + std::to_string(operand.shape.size()) + ", but got " +
                         std::to_string(stage.parallel));
      for (int d = 0; d < stage.parallel; ++d) {
        const Extent &loop = stage.loops[d];
        int64_t extent = loop.operand < 0 ? loop.value : spec.operands[loop.operand].shape[loop.dim];
        if (extent >= 0 && operand.shape[d] >= 0 && extent != operand.shape[d])
          failRule(at, "expects extent " + std::to_string(operand.shape[d]) + " of loop " + std::to_string(d) +
                           ", but got " + std::to_string(extent));
      }
    }
  }

  const KernelSpec &spec;
};

} // namespace

bool verify(const KernelSpec &spec, std::string &error) {
  try {
    Checker(spec).check();
  } catch (const RuleError &failure) {
    error = failure.message;
    return false;
  }
  return true;
}

} // namespace thresh::codegen
