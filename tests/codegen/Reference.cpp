//===- Reference.cpp - What a KernelSpec means, one point at a time ----------===//

#include "tests/codegen/Reference.h"
#include "codegen/Ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>

namespace thresh::codegen::test {
namespace {

int64_t wrapToBits(double value) {
  if (std::isnan(value))
    return 0;
  return value >= 9223372036854775808.0 ? int64_t(uint64_t(value)) : int64_t(value);
}

/// A quotient as f32 or wider arithmetic rounds it, which decides its floor.
double quotient(DType dtype, double a, double b) { return dtype == DType::F64 ? a / b : double(float(a / b)); }

/// Functions of one argument.
const std::map<Op, double (*)(double)> &unaryFunctions() {
  static const std::map<Op, double (*)(double)> functions = {
      {Op::Abs, std::fabs},
      {Op::Exp, std::exp},
      {Op::Exp2, std::exp2},
      {Op::Expm1, std::expm1},
      {Op::Log, std::log},
      {Op::Log2, std::log2},
      {Op::Log1p, std::log1p},
      {Op::Sqrt, std::sqrt},
      {Op::Sin, std::sin},
      {Op::Cos, std::cos},
      {Op::Tan, std::tan},
      {Op::Asin, std::asin},
      {Op::Acos, std::acos},
      {Op::Atan, std::atan},
      {Op::Sinh, std::sinh},
      {Op::Cosh, std::cosh},
      {Op::Tanh, std::tanh},
      {Op::Asinh, std::asinh},
      {Op::Acosh, std::acosh},
      {Op::Atanh, std::atanh},
      {Op::Erf, std::erf},
      {Op::Floor, std::floor},
      {Op::Ceil, std::ceil},
      {Op::Round, std::round},
      {Op::Trunc, std::trunc},
      {Op::RoundEven, std::nearbyint},
      {Op::Neg, [](double x) { return -x; }},
      {Op::Rsqrt, [](double x) { return 1 / std::sqrt(x); }},
  };
  return functions;
}

double floorModulo(double a, double b) {
  double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floatOp(Op op, DType dtype, const std::vector<double> &a) {
  auto unary = unaryFunctions().find(op);
  if (unary != unaryFunctions().end())
    return unary->second(a[0]);
  bool anyNan = std::isnan(a[0]) || std::isnan(a[1]);
  switch (op) {
  case Op::Add: return a[0] + a[1];
  case Op::Sub: return a[0] - a[1];
  case Op::Mul: return a[0] * a[1];
  case Op::Div: return a[0] / a[1];
  case Op::Rem: return std::fmod(a[0], a[1]);
  case Op::FloorDiv: return std::floor(quotient(dtype, a[0], a[1]));
  case Op::FloorMod: return floorModulo(a[0], a[1]);
  case Op::Max: return anyNan ? NAN : std::max(a[0], a[1]);
  case Op::Min: return anyNan ? NAN : std::min(a[0], a[1]);
  case Op::MaxNum: return std::fmax(a[0], a[1]);
  case Op::MinNum: return std::fmin(a[0], a[1]);
  case Op::Pow: return std::pow(a[0], a[1]);
  case Op::Atan2: return std::atan2(a[0], a[1]);
  case Op::Fma: return a[0] * a[1] + a[2];
  default: throw std::logic_error("not a float operation");
  }
}

/// On the values of an integer dtype; wide enough for every product.
__int128 integerOp(Op op, DType dtype, const std::vector<__int128> &a) {
  int bits = dtypeBytes(dtype) * 8;
  unsigned __int128 mask = (static_cast<unsigned __int128>(1) << bits) - 1;
  auto quotient = [&](__int128 x, __int128 y) { return y == 0 ? 0 : x / y; };
  auto remainder = [&](__int128 x, __int128 y) { return y == 0 ? 0 : x % y; };
  switch (op) {
  case Op::Add: return a[0] + a[1];
  case Op::Sub: return a[0] - a[1];
  case Op::Mul: return a[0] * a[1];
  case Op::Div: return quotient(a[0], a[1]);
  case Op::Rem: return remainder(a[0], a[1]);
  case Op::FloorDiv: {
    __int128 rest = remainder(a[0], a[1]);
    return quotient(a[0], a[1]) - (rest != 0 && (rest < 0) != (a[1] < 0));
  }
  case Op::FloorMod: {
    __int128 rest = remainder(a[0], a[1]);
    return rest != 0 && (rest < 0) != (a[1] < 0) ? rest + a[1] : rest;
  }
  case Op::Max:
  case Op::MaxNum: return std::max(a[0], a[1]);
  case Op::Min:
  case Op::MinNum: return std::min(a[0], a[1]);
  case Op::Pow: {
    if (a[1] < 0)
      return a[0] == 1 ? 1 : a[0] == -1 ? (a[1] % 2 == 0 ? 1 : -1) : 0;
    unsigned __int128 result = 1;
    for (__int128 i = 0; i < a[1]; ++i)
      result = result * static_cast<unsigned __int128>(a[0]) & mask;
    return __int128(result);
  }
  case Op::And: return a[0] & a[1];
  case Op::Or: return a[0] | a[1];
  case Op::Xor: return a[0] ^ a[1];
  case Op::Not: return dtype == DType::Bool ? !a[0] : ~a[0];
  case Op::Shl: return a[1] < 0 || a[1] >= bits ? 0 : __int128(static_cast<unsigned __int128>(a[0]) << int(a[1]));
  case Op::ShrSigned: {
    __int128 low = __int128(static_cast<unsigned __int128>(a[0]) & mask);
    __int128 value = low >> (bits - 1) ? low - (static_cast<__int128>(1) << bits) : low;
    return value >> (a[1] < 0 || a[1] >= bits ? bits - 1 : int(a[1]));
  }
  case Op::ShrUnsigned:
    return a[1] < 0 || a[1] >= bits ? 0 : __int128((static_cast<unsigned __int128>(a[0]) & mask) >> int(a[1]));
  case Op::Neg: return -a[0];
  case Op::Abs: return a[0] < 0 ? -a[0] : a[0];
  case Op::CountOnes: return __builtin_popcountll(uint64_t(static_cast<unsigned __int128>(a[0]) & mask));
  default: throw std::logic_error("not an integer operation");
  }
}

__int128 exact(DType dtype, Value value) {
  return dtype == DType::U64 ? __int128(uint64_t(value.integer)) : __int128(value.integer);
}

template <typename T> bool holds(Op op, T a, T b) {
  switch (op) {
  case Op::Eq: return a == b;
  case Op::Ne: return a != b;
  case Op::Lt: return a < b;
  case Op::Le: return a <= b;
  case Op::Gt: return a > b;
  default: return a >= b;
  }
}

Value castReference(DType to, Value value, DType from) {
  if (to == DType::Bool)
    return {0, isFloat(from) ? value.real != 0 : value.integer != 0};
  if (isFloat(to))
    return {isFloat(from) ? value.real : double(exact(from, value)), 0};
  return {0, isFloat(from) ? wrapToBits(value.real) : value.integer};
}

Value bitcastReference(DType to, Value value, DType from) {
  Tensor bits(from, {1}), result(to, {1});
  bits.set(0, value);
  std::memcpy(result.data(), bits.data(), dtypeBytes(to));
  return result.get(0);
}

} // namespace

Value applyReference(const Node &node, const std::vector<Value> &args, DType argType) {
  if (node.op == Op::Cast)
    return rounded(node.dtype, castReference(node.dtype, args[0], argType));
  if (node.op == Op::Bitcast)
    return bitcastReference(node.dtype, args[0], argType);
  if (node.op == Op::Select)
    return args[0].integer ? args[1] : args[2];
  if (node.op == Op::IsNan || node.op == Op::IsInf)
    return {0, node.op == Op::IsNan ? std::isnan(args[0].real) : std::isinf(args[0].real)};
  if (opInfo(node.op).cls == OpClass::Compare)
    return {0, isFloat(argType) ? holds(node.op, args[0].real, args[1].real)
                                : holds(node.op, exact(argType, args[0]), exact(argType, args[1]))};
  if (isFloat(node.dtype)) {
    std::vector<double> reals;
    for (const Value &arg : args)
      reals.push_back(arg.real);
    return rounded(node.dtype, {floatOp(node.op, node.dtype, reals), 0});
  }
  std::vector<__int128> integers;
  for (const Value &arg : args)
    integers.push_back(exact(argType, arg));
  return rounded(node.dtype, {0, int64_t(integerOp(node.op, node.dtype, integers))});
}

namespace {

/// Calls `visit` for every point of a box, the last coordinate fastest.
template <typename Visit> void forEachPoint(const std::vector<int64_t> &extents, Visit visit) {
  std::vector<int64_t> point(extents.size(), 0);
  for (int64_t extent : extents)
    if (extent <= 0)
      return;
  for (;;) {
    visit(point);
    size_t d = extents.size();
    while (d > 0 && ++point[d - 1] == extents[d - 1])
      point[--d] = 0;
    if (d == 0)
      return;
  }
}

class Interpreter {
public:
  Interpreter(const KernelSpec &spec, std::vector<Tensor> &operands) : spec(spec), operands(operands) {}

  void run() {
    for (const Stage &stage : spec.stages)
      runStage(stage);
    size_t operand = operands.size() - spec.outputs.size();
    for (size_t i = 0, result = 0; i < spec.outputs.size(); ++i, ++operand) {
      result = i > 0 && spec.outputs[i] == spec.outputs[i - 1] ? result + 1 : 0;
      const Tensor &source = results[spec.outputs[i]][result];
      for (int64_t e = 0; e < source.size(); ++e)
        operands[operand].set(e, source.get(e));
    }
  }

private:
  void runStage(const Stage &stage) {
    std::vector<int64_t> parallel, reduction;
    for (size_t l = 0; l < stage.loops.size(); ++l) {
      const Extent &extent = stage.loops[l];
      int64_t value = extent.operand < 0 ? extent.value : operands[extent.operand].shape[extent.dim];
      (int(l) < stage.parallel ? parallel : reduction).push_back(value);
    }
    results.emplace_back();
    for (DType dtype : stage.dtypes)
      results.back().emplace_back(dtype, parallel);
    int64_t element = 0;
    forEachPoint(parallel, [&](const std::vector<int64_t> &outer) {
      std::vector<Value> running;
      if (!reduction.empty())
        running = evaluate(stage, outer, {}, stage.inits);
      if (reduction.empty())
        running = evaluate(stage, outer, {}, stage.results);
      else
        forEachPoint(reduction, [&](const std::vector<int64_t> &inner) {
          std::vector<int64_t> point = outer;
          point.insert(point.end(), inner.begin(), inner.end());
          running = evaluate(stage, point, running, stage.results);
        });
      for (size_t i = 0; i < running.size(); ++i)
        results.back()[i].set(element, running[i]);
      ++element;
    });
  }

  std::vector<Value> evaluate(const Stage &stage, const std::vector<int64_t> &point, const std::vector<Value> &running,
                              const std::vector<int> &roots) {
    std::vector<bool> needed(stage.body.size());
    for (int root : roots)
      needed[root] = true;
    for (size_t n = stage.body.size(); n-- > 0;)
      for (int arg : stage.body[n].args)
        needed[arg] = needed[arg] || needed[n];
    std::vector<Value> values(stage.body.size());
    for (size_t n = 0; n < stage.body.size(); ++n)
      if (needed[n])
        values[n] = node(stage, stage.body[n], point, running, values);
    std::vector<Value> result;
    for (int root : roots)
      result.push_back(values[root]);
    return result;
  }

  Value node(const Stage &stage, const Node &node, const std::vector<int64_t> &point, const std::vector<Value> &running,
             const std::vector<Value> &values) {
    switch (node.op) {
    case Op::Const: return rounded(node.dtype, {node.real, node.integer});
    case Op::Index: return {0, point[node.integer]};
    case Op::Acc: return running[node.integer];
    case Op::Dim: return {0, operands[node.source].shape[node.integer]};
    case Op::Load: {
      const Tensor &source =
          node.source >= kStageSource ? results[node.source - kStageSource][node.result] : operands[node.source];
      int64_t element = 0;
      for (size_t d = 0; d < node.args.size(); ++d) {
        int64_t last = source.shape[d] - 1;
        element = element * source.shape[d] + std::min(std::max<int64_t>(values[node.args[d]].integer, 0), last);
      }
      return source.get(element);
    }
    default: {
      std::vector<Value> args;
      for (int arg : node.args)
        args.push_back(values[arg]);
      return applyReference(node, args, stage.body[node.args[0]].dtype);
    }
    }
  }

  const KernelSpec &spec;
  std::vector<Tensor> &operands;
  std::vector<std::vector<Tensor>> results; ///< per stage, per result
};

} // namespace

void runReference(const KernelSpec &spec, std::vector<Tensor> &operands) { Interpreter(spec, operands).run(); }

} // namespace thresh::codegen::test
