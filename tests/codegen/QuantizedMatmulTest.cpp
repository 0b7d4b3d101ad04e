//===- QuantizedMatmulTest.cpp - Matmuls on weights of 8 and 4 bits ----------===//
//
// The layout of codes and scales is in codegen/README.md. Every kernel is compared with a plain function on unpacked
// numbers, and the spec itself with the interpreter of KernelSpecs.
//
//===-----------------------------------------------------------------------===//

#include "tests/codegen/Runner.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thresh::codegen::test {
namespace {

constexpr unsigned kSeed = 20261123;
constexpr DType F32 = DType::F32, I32 = DType::I32, U8 = DType::U8;

enum class Tail { None, Bias, BiasResidual, SiluGate };

struct Form {
  int bits = 8;
  int64_t rows = -1; ///< -1: dynamic
  int64_t k = 64, n = 48;
  Tail tail = Tail::None;
};

int64_t panelsOf(int64_t n) { return (n + 15) / 16; }

/// I32(code) - zero at the loops (row, column, group, j).
int centredCode(StageBuilder &b, int bits, int operand) {
  int column = b.index(1), group = b.index(2), j = b.index(3), sixteen = b.integer(16), four = b.integer(4);
  int perStep = bits == 8 ? 4 : 8;
  auto op = [&](Op op, int x, int y) { return b.op(op, I32, {x, y}); };
  int step = op(Op::Add, op(Op::Mul, group, b.integer(32 / perStep)), op(Op::FloorDiv, j, b.integer(perStep)));
  int byte =
      b.load(operand, U8,
             {op(Op::FloorDiv, column, sixteen), step, op(Op::FloorMod, column, sixteen), op(Op::FloorMod, j, four)});
  if (bits == 4) {
    int half = op(Op::FloorMod, op(Op::FloorDiv, j, four), b.integer(2));
    int shift = b.op(Op::Cast, U8, {op(Op::Mul, half, four)});
    byte = b.op(Op::And, U8, {b.op(Op::ShrUnsigned, U8, {byte, shift}), b.integer(15, U8)});
  }
  return op(Op::Sub, b.op(Op::Cast, I32, {byte}), b.integer(bits == 8 ? 128 : 8));
}

/// The stages of the tail; operands from `first` on are its inputs.
void addTail(KernelSpec &spec, const Form &form, int first, const std::vector<Extent> &loops) {
  if (form.tail == Tail::None)
    return;
  StageBuilder b(loops, 2);
  int y = b.loadAt(fromStage(1), F32, {0, 1});
  if (form.tail == Tail::SiluGate) {
    int one = b.real(1), e = b.op(Op::Exp, F32, {b.op(Op::Neg, F32, {y})});
    y = b.op(Op::Div, F32, {y, b.op(Op::Add, F32, {one, e})});
    y = b.op(Op::Mul, F32, {y, b.loadAt(first, F32, {0, 1})});
  } else {
    y = b.op(Op::Add, F32, {y, b.loadAt(first, F32, {1})});
  }
  spec.stages.push_back(b.pure({y}));
  spec.outputs = {2};
  if (form.tail != Tail::BiasResidual)
    return;
  StageBuilder residual(loops, 2);
  int before = residual.loadAt(fromStage(2), F32, {0, 1});
  spec.stages.push_back(residual.pure({residual.op(Op::Add, F32, {before, residual.loadAt(first + 1, F32, {0, 1})})}));
  spec.outputs = {3};
}

KernelSpec quantizedSpec(const Form &form) {
  KernelSpec spec;
  spec.name = "quantized";
  spec.family = Family::QuantizedMatmul;
  int64_t groups = form.k / 32, panels = panelsOf(form.n);
  spec.operands = {{"xq", DType::I8, {form.rows, groups, 32}},
                   {"xs", F32, {form.rows, groups}},
                   {"codes", U8, {panels, form.k * form.bits / 32, 16, 4}},
                   {"scales", DType::F16, {panels, groups, 16}}};
  if (form.tail == Tail::Bias || form.tail == Tail::BiasResidual)
    spec.operands.push_back({"bias", F32, {form.n}});
  if (form.tail == Tail::BiasResidual || form.tail == Tail::SiluGate)
    spec.operands.push_back({"other", F32, {form.rows, form.n}});
  spec.operands.push_back({"out", F32, {form.rows, form.n}, true});
  Extent row = form.rows < 0 ? dimOf(0, 0) : fixed(form.rows);

  StageBuilder dot({row, fixed(form.n), fixed(groups), fixed(32)}, 3);
  int x = dot.op(Op::Cast, I32, {dot.loadAt(0, DType::I8, {0, 2, 3})});
  int product = dot.op(Op::Mul, I32, {centredCode(dot, form.bits, 2), x});
  spec.stages.push_back(dot.reduction({dot.integer(0)}, {dot.op(Op::Add, I32, {dot.acc(I32), product})}));

  StageBuilder sum({row, fixed(form.n), fixed(groups)}, 2);
  int column = sum.index(1), sixteen = sum.integer(16);
  int panel = sum.op(Op::FloorDiv, I32, {column, sixteen}), lane = sum.op(Op::FloorMod, I32, {column, sixteen});
  int scale = sum.op(Op::Cast, F32, {sum.load(3, DType::F16, {panel, sum.index(2), lane})});
  int weight = sum.op(Op::Mul, F32, {scale, sum.loadAt(1, F32, {0, 2})});
  int value = sum.op(Op::Cast, F32, {sum.loadAt(fromStage(0), I32, {0, 1, 2})});
  int next = sum.op(Op::Add, F32, {sum.acc(F32), sum.op(Op::Mul, F32, {value, weight})});
  spec.stages.push_back(sum.reduction({sum.real(0)}, {next}));
  spec.outputs = {1};
  addTail(spec, form, 4, {row, fixed(form.n)});
  return spec;
}

/// What fills the codes and the activations.
enum class Fill { Random, Extremes };

/// Random operands of a kernel, the output last. Scales past the last row are NaN: no output may depend on them.
std::vector<Tensor> makeOperands(const KernelSpec &spec, const Form &form, int64_t rows, Fill fill,
                                 std::mt19937 &generator) {
  std::vector<Tensor> operands;
  for (const Operand &operand : spec.operands) {
    std::vector<int64_t> shape = operand.shape;
    shape[0] = shape[0] < 0 ? rows : shape[0];
    operands.emplace_back(operand.dtype, shape);
    fillRandom(operands.back(), generator);
  }
  auto pick = [&](int low, int high) {
    bool top = std::uniform_int_distribution<int>(0, 3)(generator) != 0;
    return fill == Fill::Extremes ? (top ? high : low) : std::uniform_int_distribution<int>(low, high)(generator);
  };
  Tensor &xq = operands[0], &xs = operands[1], &codes = operands[2], &scales = operands[3];
  for (int64_t i = 0; i < xq.size(); ++i)
    xq.set(i, {0, pick(-127, 127)});
  for (int64_t i = 0; i < codes.size(); ++i)
    codes.set(i, {0, form.bits == 8 ? pick(1, 255) : pick(0, 15) * 16 + pick(0, 15)});
  std::uniform_real_distribution<double> size(-0.02, 0.02);
  for (int64_t i = 0; i < xs.size(); ++i)
    xs.set(i, {i % 7 == 3 ? 0 : std::fabs(size(generator))});
  int64_t groups = form.k / 32;
  for (int64_t i = 0; i < scales.size(); ++i)
    scales.set(i, {i / groups / 16 * 16 + i % 16 >= form.n ? NAN : i % 11 == 5 ? 0 : size(generator)});
  return operands;
}

/// q(W[column, depth]) of the packed codes.
int unpackedCode(const Tensor &codes, const Form &form, int64_t column, int64_t depth) {
  int64_t perStep = form.bits == 8 ? 4 : 8, steps = form.k / perStep;
  int64_t byte = ((column / 16 * steps + depth / perStep) * 16 + column % 16) * 4 + depth % 4;
  int value = int(codes.get(byte).integer);
  if (form.bits == 8)
    return value - 128;
  return (depth / 4 % 2 ? value >> 4 : value & 15) - 8;
}

/// What the kernel computes, summed in double precision, and the size of what was summed.
struct Expected {
  double value, magnitude;
};

Expected expectedAt(const std::vector<Tensor> &operands, const Form &form, int64_t row, int64_t column) {
  int64_t groups = form.k / 32;
  Expected y = {0, 0};
  for (int64_t g = 0; g < groups; ++g) {
    int64_t dot = 0;
    for (int64_t j = 0; j < 32; ++j)
      dot += unpackedCode(operands[2], form, column, 32 * g + j) * operands[0].get((row * groups + g) * 32 + j).integer;
    double scale = operands[3].get((column / 16 * groups + g) * 16 + column % 16).real;
    double term = double(dot) * scale * operands[1].get(row * groups + g).real;
    y.value += term;
    y.magnitude += std::fabs(term);
  }
  int64_t at = row * form.n + column;
  if (form.tail == Tail::Bias || form.tail == Tail::BiasResidual)
    y.value += operands[4].get(column).real;
  if (form.tail == Tail::BiasResidual)
    y.value += operands[5].get(at).real;
  if (form.tail == Tail::SiluGate) {
    double gate = operands[4].get(at).real;
    y.value = y.value / (1 + std::exp(-y.value)) * gate;
    y.magnitude *= 1 + std::fabs(gate);
  }
  y.magnitude += std::fabs(y.value);
  return y;
}

void expectPlain(const Library &library, const KernelSpec &spec, const Form &form, std::vector<Tensor> operands) {
  std::string what = describe(spec, operands);
  ASSERT_TRUE(library.loaded()) << what;
  ASSERT_EQ(library.run(spec.name, operands), 0) << what;
  const Tensor &out = operands.back();
  for (int64_t i = 0; i < out.size(); ++i) {
    Expected y = expectedAt(operands, form, i / form.n, i % form.n);
    ASSERT_LE(std::fabs(out.get(i).real - y.value), 3e-6 * y.magnitude + 1e-6)
        << what << ": element " << i << " is " << out.get(i).real << ", expected " << y.value;
  }
}

/// All targets on all forms and numbers of rows.
void check(const std::vector<Form> &forms, const std::vector<int64_t> &rowCounts, Fill fill = Fill::Random) {
  std::vector<KernelSpec> specs;
  std::vector<Form> formOf;
  std::vector<std::string> targets = runnableTargets();
  targets.push_back("x86-64");
  for (const std::string &target : targets)
    for (const Form &form : forms) {
      specs.push_back(quantizedSpec(form));
      specs.back().target = target;
      specs.back().name += std::to_string(specs.size());
      formOf.push_back(form);
    }
  Library library(specs);
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (size_t k = 0; k < specs.size(); ++k)
    for (int64_t rows : rowCounts) {
      if (formOf[k].rows >= 0 && formOf[k].rows != rows)
        continue;
      expectPlain(library, specs[k], formOf[k], makeOperands(specs[k], formOf[k], rows, fill, generator));
      if (testing::Test::HasFatalFailure())
        return;
    }
}

const std::vector<int64_t> kRowCounts = {0, 1, 2, 5, 6, 7, 17, 64};

TEST(QuantizedMatmul, DynamicRows) {
  std::vector<Form> forms;
  for (int bits : {8, 4})
    for (auto [k, n] : {std::pair<int64_t, int64_t>{32, 16}, {64, 48}, {32, 5}, {96, 100}, {320, 31}, {64, 160}})
      forms.push_back({bits, -1, k, n});
  check(forms, kRowCounts);
}

TEST(QuantizedMatmul, LongSums) { check({{8, -1, 2304, 33}, {4, -1, 2304, 33}}, {1, 7}); }

TEST(QuantizedMatmul, OneRow) {
  std::vector<Form> forms;
  for (int bits : {8, 4})
    for (Tail tail : {Tail::None, Tail::Bias, Tail::BiasResidual, Tail::SiluGate})
      forms.push_back({bits, 1, 64, tail == Tail::None ? 600 : 41, tail});
  check(forms, {1});
}

TEST(QuantizedMatmul, FewFixedRows) { check({{8, 7, 64, 48}, {4, 2, 96, 40, Tail::Bias}}, {2, 7}); }

TEST(QuantizedMatmul, Tails) {
  std::vector<Form> forms;
  for (int bits : {8, 4})
    for (Tail tail : {Tail::Bias, Tail::BiasResidual, Tail::SiluGate})
      forms.push_back({bits, -1, 64, 70, tail});
  check(forms, {1, 3, 18});
}

/// Codes and activations at their ends: a sum of products that saturates would show.
TEST(QuantizedMatmul, ExtremeCodes) { check({{8, -1, 128, 64}, {4, -1, 128, 64}}, {1, 6, 13}, Fill::Extremes); }

/// The plain function and the interpreter agree about what a spec means.
TEST(QuantizedMatmul, SpecMeansWhatItSays) {
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (int bits : {8, 4}) {
    Form form{bits, -1, 64, 37, Tail::BiasResidual};
    KernelSpec spec = quantizedSpec(form);
    spec.target = runnableTargets().back();
    Library library({spec});
    expectSame(library, spec, makeOperands(spec, form, 3, Fill::Random, generator), {1e-5, 1e-5});
  }
}

/// Specs of the family that its rule does not know: other zeros, groups and layouts.
TEST(QuantizedMatmul, OtherSpecsAreCorrectToo) {
  std::mt19937 generator(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Form form{8, -1, 64, 37};
  std::vector<KernelSpec> specs(3, quantizedSpec(form));
  specs[0].stages[0].loops[3] = fixed(31); // a group that ends early
  for (Node &node : specs[1].stages[0].body)
    if (node.op == Op::Const && node.integer == 128)
      node.integer = 3; // a zero point of its own
  for (Node &node : specs[2].stages[1].body)
    if (node.op == Op::Load && node.source == 3)
      node.args[2] = node.args[0]; // scales that whole panels cannot load
  for (size_t i = 0; i < specs.size(); ++i) {
    specs[i].target = runnableTargets().back();
    specs[i].name += std::to_string(i);
  }
  Library library(specs);
  for (const KernelSpec &spec : specs)
    for (int64_t rows : {1, 9})
      expectSame(library, spec, makeOperands(spec, form, rows, Fill::Random, generator), {1e-5, 1e-5});
}

} // namespace
} // namespace thresh::codegen::test
