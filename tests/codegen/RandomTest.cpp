//===- RandomTest.cpp - Random kernels under every family's schedule ---------===//
//
// Any spec is correct under any rule. These specs have no meaning: a few inputs over a few loops, in
// any order of dimensions, and stages that combine them, reduce over some loops and read each other.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Ops.h"
#include "tests/codegen/Runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace thresh::codegen::test {
namespace {

/// A random kernel and, per operand, which loop each of its dimensions is (-1: extent 1).
struct RandomKernel {
  KernelSpec spec;
  std::vector<std::vector<int>> loopsOf;
  std::vector<int64_t> known; ///< per loop: its extent, -1 if dynamic
};

class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}

  RandomKernel make(const std::string &name, Family family) {
    RandomKernel kernel;
    kernel.spec.name = name;
    kernel.spec.family = family;
    dtype = chance(5) ? DType::I32 : chance(6) ? DType::F64 : DType::F32;
    numLoops = pick(1, 4);
    for (int l = 0; l < numLoops; ++l)
      kernel.known.push_back(chance(2) ? -1 : pick(1, 40));
    // The first input has every loop, so that a dynamic extent has an operand to refer to.
    for (int i = 0, inputs = pick(1, 3); i < inputs; ++i) {
      std::vector<int> loops = i == 0 ? shuffled(all()) : subset();
      if (i > 0 && chance(3))
        loops.insert(loops.begin() + pick(0, int(loops.size())), -1);
      addOperand(kernel, "in" + std::to_string(i), loops, false);
    }
    results.clear();
    int stages = pick(1, 4);
    for (int s = 0; s < stages; ++s)
      addStage(kernel, s + 1 == stages);
    std::vector<int> outputs = {stages - 1};
    if (stages > 1 && chance(4))
      outputs.push_back(pick(0, stages - 2));
    for (int stage : outputs) {
      addOperand(kernel, "out" + std::to_string(stage), results[stage], true);
      kernel.spec.outputs.push_back(stage);
    }
    return kernel;
  }

  /// Operands with random extents for the dynamic loops.
  std::vector<Tensor> operands(const RandomKernel &kernel) {
    std::vector<int64_t> extents;
    for (int64_t known : kernel.known)
      extents.push_back(known >= 0 ? known : chance(8) ? pick(0, 1) : pick(1, 40));
    std::vector<Tensor> tensors;
    for (size_t o = 0; o < kernel.loopsOf.size(); ++o) {
      std::vector<int64_t> shape;
      for (int loop : kernel.loopsOf[o])
        shape.push_back(loop < 0 ? 1 : extents[loop]);
      tensors.emplace_back(kernel.spec.operands[o].dtype, shape);
      fillRandom(tensors.back(), random, -2, 2);
    }
    return tensors;
  }

private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }
  bool chance(int in) { return pick(1, in) == 1; }

  std::vector<int> all() {
    std::vector<int> loops(numLoops);
    for (int l = 0; l < numLoops; ++l)
      loops[l] = l;
    return loops;
  }
  std::vector<int> shuffled(std::vector<int> loops) {
    if (!chance(2))
      std::shuffle(loops.begin(), loops.end(), random);
    return loops;
  }
  std::vector<int> subset() {
    std::vector<int> loops;
    for (int l : all())
      if (!chance(3))
        loops.push_back(l);
    return shuffled(loops);
  }

  void addOperand(RandomKernel &kernel, const std::string &name, const std::vector<int> &loops, bool output) {
    Operand operand{name, dtype, {}, output};
    for (int loop : loops)
      operand.shape.push_back(loop < 0 ? 1 : kernel.known[loop]);
    kernel.spec.operands.push_back(operand);
    kernel.loopsOf.push_back(loops);
  }

  Extent extentOf(const RandomKernel &kernel, int loop) {
    if (kernel.known[loop] >= 0)
      return fixed(kernel.known[loop]);
    const std::vector<int> &first = kernel.loopsOf[0];
    return dimOf(0, int(std::find(first.begin(), first.end(), loop) - first.begin()));
  }

  /// A load of an input or stage whose dimensions are loops of this stage; -1 if it has others.
  int load(StageBuilder &builder, int source, const std::vector<int> &dims, const std::vector<int> &loops) {
    std::vector<int> coordinates;
    for (int dim : dims) {
      auto at = std::find(loops.begin(), loops.end(), dim);
      if (dim >= 0 && at == loops.end())
        return -1;
      coordinates.push_back(dim < 0 ? builder.integer(0) : builder.index(int(at - loops.begin())));
    }
    return builder.load(source, dtype, coordinates);
  }

  int combine(StageBuilder &builder, int a, int b) {
    static const Op ops[] = {Op::Add, Op::Mul, Op::Sub, Op::Max, Op::Min};
    if (chance(6)) {
      int less = builder.op(Op::Lt, DType::Bool, {a, b});
      return builder.op(Op::Select, dtype, {less, b, a});
    }
    return builder.op(ops[pick(0, 4)], dtype, {a, b});
  }

  void addStage(RandomKernel &kernel, bool last) {
    std::vector<int> loops = last && chance(2) ? shuffled(all()) : subset(), inner;
    for (int l : all())
      if (std::find(loops.begin(), loops.end(), l) == loops.end() && !chance(3))
        inner.push_back(l);
    std::vector<int> every = loops;
    every.insert(every.end(), inner.begin(), inner.end());
    std::vector<Extent> extents;
    for (int loop : every)
      extents.push_back(extentOf(kernel, loop));
    StageBuilder builder(extents, int(loops.size()));
    std::vector<int> values;
    int inputs = 0;
    for (const Operand &operand : kernel.spec.operands)
      inputs += !operand.output;
    for (int i = 0; i < inputs; ++i)
      values.push_back(load(builder, i, kernel.loopsOf[i], every));
    for (size_t s = 0; s < results.size(); ++s)
      values.push_back(load(builder, fromStage(int(s)), results[s], every));
    values.erase(std::remove(values.begin(), values.end(), -1), values.end());
    int value = builder.add({Op::Const, dtype, {}, 0.5, 3});
    for (int other : values)
      if (!chance(4))
        value = combine(builder, value, other);
    results.push_back(loops);
    if (inner.empty()) {
      kernel.spec.stages.push_back(builder.pure({value}));
      return;
    }
    static const Op folds[] = {Op::Add, Op::Add, Op::Max, Op::Min};
    Op fold = folds[pick(0, 3)];
    int init = builder.add({Op::Const, dtype, {}, fold == Op::Add ? 0.25 : 1.0, 1});
    int running = builder.acc(dtype);
    kernel.spec.stages.push_back(builder.reduction({init}, {builder.op(fold, dtype, {running, value})}));
  }

  std::mt19937 random;
  DType dtype = DType::F32;
  int numLoops = 1;
  std::vector<std::vector<int>> results; ///< per stage, the loops of its result
};

/// THRESH_TEST_SEED tries other kernels.
unsigned firstSeed() {
  const char *text = std::getenv("THRESH_TEST_SEED");
  return text ? unsigned(std::atoi(text)) : 1;
}

class RandomKernels : public testing::TestWithParam<Family> {};

TEST_P(RandomKernels, MatchTheReference) {
  constexpr int kKernels = 24, kRuns = 3;
  std::vector<std::string> targets = runnableTargets();
  std::vector<RandomKernel> kernels;
  std::vector<KernelSpec> specs;
  for (int k = 0; k < kKernels; ++k) {
    unsigned seed = firstSeed() * 1000 + unsigned(GetParam()) * 100 + k;
    kernels.push_back(Generator(seed).make("seed" + std::to_string(seed), GetParam()));
    kernels.back().spec.target = targets[k % targets.size()];
    specs.push_back(kernels.back().spec);
    std::string error;
    ASSERT_TRUE(verify(specs.back(), error)) << error;
  }
  Library library(specs);
  for (const RandomKernel &kernel : kernels) {
    Generator generator(firstSeed());
    for (int run = 0; run < kRuns; ++run) {
      expectSame(library, kernel.spec, generator.operands(kernel), {1e-4, 1e-3});
      ASSERT_FALSE(HasFatalFailure()) << toJson(kernel.spec);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, RandomKernels,
                         testing::Values(Family::Elementwise, Family::Reduction, Family::Rowwise, Family::Matmul,
                                         Family::Attention, Family::QuantizedMatmul),
                         [](const auto &info) { return familyName(info.param); });

} // namespace
} // namespace thresh::codegen::test
