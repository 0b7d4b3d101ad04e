//===- OpsTest.cpp - Every operation on every dtype --------------------------===//

#include "codegen/Ops.h"
#include "tests/codegen/Runner.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thresh::codegen::test {
namespace {

constexpr DType kAllDTypes[] = {DType::F32, DType::F64, DType::F16, DType::BF16, DType::I8,  DType::U8,  DType::I16,
                                DType::U16, DType::I32, DType::U32, DType::I64,  DType::U64, DType::Bool};

bool accepts(const OpInfo &info, DType dtype) {
  switch (info.cls) {
  case OpClass::Numeric: return dtype != DType::Bool;
  case OpClass::Float:
  case OpClass::FloatTest: return isFloat(dtype);
  case OpClass::Bits: return !isFloat(dtype);
  case OpClass::Integer: return isInteger(dtype);
  case OpClass::Compare: return true;
  default: return false;
  }
}

bool isTest(const OpInfo &info) { return info.cls == OpClass::Compare || info.cls == OpClass::FloatTest; }

/// out_i = op_i(a, b, c) for all i, elementwise over one flat loop.
KernelSpec manyOps(const std::string &name, const std::string &target, DType dtype, const std::vector<Op> &ops) {
  KernelSpec spec;
  spec.name = name;
  spec.target = target;
  for (const char *input : {"a", "b", "c"})
    spec.operands.push_back({input, dtype, {-1}});
  StageBuilder builder({dimOf(0, 0)}, 1);
  int inputs[] = {builder.loadAt(0, dtype, {0}), builder.loadAt(1, dtype, {0}), builder.loadAt(2, dtype, {0})};
  std::vector<int> results;
  for (Op op : ops) {
    const OpInfo &info = opInfo(op);
    std::vector<int> args(inputs, inputs + info.arity);
    results.push_back(builder.op(op, isTest(info) ? DType::Bool : dtype, args));
    spec.operands.push_back({info.name, isTest(info) ? DType::Bool : dtype, {-1}, true});
    spec.outputs.push_back(0);
  }
  spec.stages.push_back(builder.pure(results));
  return spec;
}

std::vector<double> interestingReals(DType dtype) {
  std::vector<double> values = {0,  -0.0, 1,    -1,  0.5,  -0.5,     1.5,       2.5, -2.5, 3,     7,
                                -7, 0.1,  20.5, -20, 1e-3, INFINITY, -INFINITY, NAN, 0.93, 0.625, -0.3};
  if (dtype == DType::F32 || dtype == DType::F64)
    for (double value : {88.7, -87.3, -103.0, 1e-20, 3e-39, 1e20, 0.49999997, 8388609.0})
      values.push_back(value);
  return values;
}

std::vector<int64_t> interestingIntegers(DType dtype) {
  int bits = dtypeBytes(dtype) * 8;
  std::vector<int64_t> values = {0, 1, 2, 3, 5, 7, 31, 100};
  if (dtype == DType::Bool)
    return {0, 1};
  if (isSigned(dtype))
    for (int64_t value : {int64_t(-1), int64_t(-2), int64_t(-3), int64_t(-7), int64_t(-100),
                          int64_t(uint64_t(1) << (bits - 1)), int64_t((uint64_t(1) << (bits - 1)) - 1)})
      values.push_back(value);
  else
    values.push_back(-1); // the largest
  return values;
}

/// All pairs of interesting values, and a third that runs along.
std::vector<Tensor> pairs(DType dtype) {
  std::vector<Value> values;
  if (isFloat(dtype))
    for (double real : interestingReals(dtype))
      values.push_back({real, 0});
  else
    for (int64_t integer : interestingIntegers(dtype))
      values.push_back({0, integer});
  int64_t n = int64_t(values.size());
  std::vector<Tensor> inputs(3, Tensor(dtype, {n * n}));
  for (Tensor &input : inputs)
    input = Tensor(dtype, {n * n});
  for (int64_t i = 0; i < n * n; ++i) {
    inputs[0].set(i, values[i / n]);
    inputs[1].set(i, values[i % n]);
    inputs[2].set(i, values[(i * 7 + 3) % n]);
  }
  return inputs;
}

/// Half floats are computed in f32, so what underflows there may be 0.
Tolerance toleranceOf(DType dtype) {
  switch (dtype) {
  case DType::F64: return {4e-15, 1e-300};
  case DType::F16: return {1.0e-3, 1e-7};
  case DType::BF16: return {8e-3, 2.4e-38};
  default: return {4e-7, 2.4e-38};
  }
}

/// Operations in groups of at most ten, for the number of arguments of one kernel.
std::vector<std::vector<Op>> groups(DType dtype) {
  std::vector<std::vector<Op>> result;
  for (const OpInfo &info : opTable()) {
    // Fma may or may not round the product; integer powers have a test of their own.
    if (!accepts(info, dtype) || info.op == Op::Fma || (info.op == Op::Pow && !isFloat(dtype)))
      continue;
    if (result.empty() || result.back().size() == 10)
      result.emplace_back();
    result.back().push_back(info.op);
  }
  return result;
}

class EveryOp : public testing::TestWithParam<DType> {};

TEST_P(EveryOp, MatchesTheReference) {
  DType dtype = GetParam();
  std::vector<KernelSpec> specs;
  for (const std::string &target : runnableTargets())
    for (const std::vector<Op> &ops : groups(dtype))
      specs.push_back(manyOps("k" + std::to_string(specs.size()), target, dtype, ops));
  Library library(specs);
  for (const KernelSpec &spec : specs) {
    std::vector<Tensor> operands = pairs(dtype);
    for (size_t o = 3; o < spec.operands.size(); ++o)
      operands.emplace_back(spec.operands[o].dtype, operands[0].shape);
    expectSame(library, spec, operands, toleranceOf(dtype));
  }
}

INSTANTIATE_TEST_SUITE_P(AllDTypes, EveryOp, testing::ValuesIn(kAllDTypes),
                         [](const auto &info) { return dtypeName(info.param); });

TEST(Ops, CastsBetweenAllDTypes) {
  std::vector<KernelSpec> specs;
  for (DType from : kAllDTypes) {
    KernelSpec spec;
    spec.name = std::string("from_") + dtypeName(from);
    spec.target = runnableTargets().back();
    spec.operands.push_back({"x", from, {-1}});
    StageBuilder builder({dimOf(0, 0)}, 1);
    int x = builder.loadAt(0, from, {0});
    std::vector<int> results;
    for (DType to : kAllDTypes) {
      results.push_back(builder.op(Op::Cast, to, {x}));
      spec.operands.push_back({dtypeName(to), to, {-1}, true});
      spec.outputs.push_back(0);
    }
    spec.stages.push_back(builder.pure(results));
    specs.push_back(spec);
  }
  Library library(specs);
  for (const KernelSpec &spec : specs) {
    DType from = spec.operands[0].dtype;
    std::vector<Tensor> operands = {Tensor(from, {67})};
    for (int64_t i = 0; i < 67; ++i)
      operands[0].set(i, {i * 0.75, from == DType::Bool ? i % 2 : isSigned(from) ? i - 33 : i});
    for (size_t o = 1; o < spec.operands.size(); ++o)
      operands.emplace_back(spec.operands[o].dtype, operands[0].shape);
    expectSame(library, spec, operands, {0, 0});
  }
}

TEST(Ops, IntegerPowers) {
  std::vector<KernelSpec> specs;
  for (DType dtype : kAllDTypes)
    if (isInteger(dtype))
      specs.push_back(manyOps(std::string("pow_") + dtypeName(dtype), runnableTargets().back(), dtype, {Op::Pow}));
  Library library(specs);
  for (const KernelSpec &spec : specs) {
    DType dtype = spec.operands[0].dtype;
    std::vector<Tensor> operands(4, Tensor(dtype, {1}));
    for (Tensor &operand : operands)
      operand = Tensor(dtype, {300});
    for (int64_t i = 0; i < 300; ++i) {
      operands[0].set(i, {0, isSigned(dtype) ? i % 15 - 7 : i % 15});
      operands[1].set(i, {0, isSigned(dtype) ? i % 20 - 3 : i % 20});
    }
    expectSame(library, spec, operands, {0, 0});
  }
}

TEST(Ops, MultiplyAdd) {
  std::vector<KernelSpec> specs = {manyOps("fma32", runnableTargets().back(), DType::F32, {Op::Fma}),
                                   manyOps("fma64", runnableTargets().back(), DType::F64, {Op::Fma})};
  Library library(specs);
  for (const KernelSpec &spec : specs) {
    std::mt19937 generator(7);
    std::vector<Tensor> operands(4, Tensor(spec.operands[0].dtype, {1}));
    for (Tensor &operand : operands) {
      operand = Tensor(spec.operands[0].dtype, {101});
      fillRandom(operand, generator);
    }
    expectSame(library, spec, operands, {0, 2e-6});
  }
}

TEST(Ops, BitcastsKeepTheBits) {
  std::vector<std::pair<DType, DType>> casts = {{DType::F32, DType::I32},  {DType::U32, DType::F32},
                                                {DType::F64, DType::I64},  {DType::F16, DType::U16},
                                                {DType::I16, DType::BF16}, {DType::I8, DType::U8}};
  std::vector<KernelSpec> specs;
  for (auto [from, to] : casts) {
    KernelSpec spec;
    spec.name = "k" + std::to_string(specs.size());
    spec.target = runnableTargets().back();
    spec.operands = {{"x", from, {-1}}, {"y", to, {-1}, true}};
    StageBuilder builder({dimOf(0, 0)}, 1);
    spec.stages = {builder.pure({builder.op(Op::Bitcast, to, {builder.loadAt(0, from, {0})})})};
    spec.outputs = {0};
    specs.push_back(spec);
  }
  Library library(specs);
  for (const KernelSpec &spec : specs) {
    std::mt19937 generator(11);
    std::vector<Tensor> operands = {Tensor(spec.operands[0].dtype, {37}), Tensor(spec.operands[1].dtype, {37})};
    fillRandom(operands[0], generator, 0, 100);
    expectSame(library, spec, operands, {0, 0});
  }
}

/// exp and exp2 may round results below this to 0.
constexpr double kSmallest = 2.4e-38;

/// Our own f32 functions over their whole range, 20000 points each.
TEST(Ops, FunctionsAreAccurateEverywhere) {
  struct Sweep {
    Op op;
    double low, high;
    bool logarithmic;
  };
  const std::vector<Sweep> sweeps = {
      {Op::Exp, -104, 89, false},    {Op::Exp2, -150, 128, false}, {Op::Expm1, -20, 89, false},
      {Op::Expm1, 1e-30, 1, true},   {Op::Log, 1e-44, 3e38, true}, {Op::Log, 0.5, 2, false},
      {Op::Log2, 1e-44, 3e38, true}, {Op::Log2, 0.5, 2, false},    {Op::Log1p, 1e-30, 3e38, true},
      {Op::Log1p, -0.999, 1, false}, {Op::Tanh, 1e-30, 30, true},  {Op::Tanh, -10, 10, false},
      {Op::Erf, 1e-30, 10, true},    {Op::Erf, -5, 5, false}};
  for (const std::string &target : runnableTargets()) {
    std::vector<KernelSpec> specs;
    for (const Sweep &sweep : sweeps)
      specs.push_back(manyOps("k" + std::to_string(specs.size()), target, DType::F32, {sweep.op}));
    Library library(specs);
    for (size_t k = 0; k < specs.size(); ++k) {
      const Sweep &sweep = sweeps[k];
      constexpr int64_t kPoints = 20000;
      std::vector<Tensor> operands;
      for (int o = 0; o < 4; ++o)
        operands.emplace_back(DType::F32, std::vector<int64_t>{kPoints});
      for (int64_t i = 0; i < kPoints; ++i) {
        double t = double(i) / (kPoints - 1);
        double x = sweep.logarithmic ? sweep.low * std::pow(sweep.high / sweep.low, t)
                                     : sweep.low + (sweep.high - sweep.low) * t;
        operands[0].set(i, {x, 0});
      }
      expectSame(library, specs[k], operands, {sweep.op == Op::Erf ? 3.6e-7 : 2.5e-7, kSmallest});
    }
  }
}

} // namespace
} // namespace thresh::codegen::test
