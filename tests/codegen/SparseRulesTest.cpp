//===- SparseRulesTest.cpp - Parameters and operands of the sparse families ----===//

#include "tests/codegen/SparseSpecs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace thresh::codegen::test {
namespace {

TEST(SparseSpec, PrintsAndReadsBack) {
  ActiveCase half, q8, q4, ungated;
  half.format = "bf16";
  q8.format = "q8";
  q4.format = "q4";
  ungated.gated = false;
  for (const KernelSpec &spec : {chooseRowsSpec({}), activeRowsSpec({}), activeRowsSpec(half), activeRowsSpec(q8),
                                 activeRowsSpec(q4), activeRowsSpec(ungated), topkAttentionSpec({})}) {
    KernelSpec read;
    std::string error;
    ASSERT_TRUE(fromJson(toJson(spec), read, error)) << error;
    EXPECT_EQ(toJson(read), toJson(spec));
    EXPECT_EQ(read.parameters.size(), spec.parameters.size());
    for (const auto &[name, parameter] : spec.parameters) {
      EXPECT_EQ(read.parameters[name].kind, parameter.kind) << name;
      EXPECT_EQ(read.parameters[name].real, parameter.real) << name;
    }
  }
}

TEST(SparseSpec, KeyHoldsTheParameters) {
  ChooseCase other;
  other.quantile = 1.5;
  EXPECT_EQ(cacheKey(chooseRowsSpec({})), cacheKey(chooseRowsSpec({})));
  EXPECT_NE(cacheKey(chooseRowsSpec({})), cacheKey(chooseRowsSpec(other)));
  ChooseCase whole;
  whole.quantile = 1;
  KernelSpec real = chooseRowsSpec(whole), integer = real;
  integer.parameters["quantile"] = integerOf(1);
  EXPECT_NE(cacheKey(real), cacheKey(integer));
}

struct Broken {
  const char *name;
  KernelSpec spec;
  std::function<void(KernelSpec &)> breakIt;
  const char *error;
};

class SparseRules : public testing::TestWithParam<Broken> {};

TEST_P(SparseRules, AreChecked) {
  KernelSpec spec = GetParam().spec;
  std::string error;
  ASSERT_TRUE(verify(spec, error)) << error;
  GetParam().breakIt(spec);
  EXPECT_FALSE(verify(spec, error));
  EXPECT_EQ(error, GetParam().error);
}

KernelSpec quantized() {
  ActiveCase c;
  c.format = "q4";
  return activeRowsSpec(c);
}

KernelSpec integers() {
  TopkAttentionCase c;
  c.cache = DType::I8;
  return topkAttentionSpec(c);
}

KernelSpec wholeKeys() {
  TopkAttentionCase c;
  c.rest = 0;
  c.softplus = false;
  return topkAttentionSpec(c);
}

INSTANTIATE_TEST_SUITE_P(
    All, SparseRules,
    testing::Values(
        Broken{"Stages", chooseRowsSpec({}), [](KernelSpec &s) { s.outputs = {0}; },
               "at /outputs: expects none of family choose_rows, but got 1"},
        Broken{"Missing", chooseRowsSpec({}), [](KernelSpec &s) { s.parameters.erase("mask"); },
               "at /parameters: expects a member 'mask'"},
        Broken{"Unknown", chooseRowsSpec({}), [](KernelSpec &s) { s.parameters["k"] = integerOf(7); },
               "at /parameters: expects no member 'k' of family choose_rows"},
        Broken{"Kind", chooseRowsSpec({}), [](KernelSpec &s) { s.parameters["quantile"] = integerOf(1); },
               "at /parameters/quantile: expects a real number, but got an integer"},
        Broken{"Finite", chooseRowsSpec({}), [](KernelSpec &s) { s.parameters["quantile"] = realOf(INFINITY); },
               "at /parameters/quantile: expects a finite number, but got inf"},
        Broken{"Range", chooseRowsSpec({}), [](KernelSpec &s) { s.parameters["mask"] = integerOf(2); },
               "at /parameters/mask: expects a number in [0, 1], but got 2"},
        Broken{"Least", chooseRowsSpec({}), [](KernelSpec &s) { s.parameters["variance_factor"] = realOf(0.5); },
               "at /parameters/variance_factor: expects a number of at least 1, but got 0.5"},
        Broken{"Word", activeRowsSpec({}), [](KernelSpec &s) { s.parameters["format"] = textOf("q5"); },
               "at /parameters/format: expects one of f32, f16, bf16, q8, q4, but got 'q5'"},
        Broken{"Count", activeRowsSpec({}), [](KernelSpec &s) { s.operands.erase(s.operands.begin()); },
               "at /operands: expects 7 operands, but got 6"},
        Broken{"FormatAsksForScales", activeRowsSpec({}), [](KernelSpec &s) { s.parameters["format"] = textOf("q8"); },
               "at /operands: expects 9 operands, but got 7"},
        Broken{"Direction", chooseRowsSpec({}), [](KernelSpec &s) { s.operands[1].output = false; },
               "at /operands/1/output: expects indices as an output"},
        Broken{"DType", activeRowsSpec({}), [](KernelSpec &s) { s.operands[4].dtype = DType::F16; },
               "at /operands/4/dtype: expects up of dtype f32, but got f16"},
        Broken{"CacheDType", topkAttentionSpec({}), [](KernelSpec &s) { s.operands[2].dtype = DType::I8; },
               "at /operands/2/dtype: expects key of dtype f32 or f16 or bf16, but got i8"},
        Broken{"ScaledDType", integers(), [](KernelSpec &s) { s.operands[4].dtype = DType::U8; },
               "at /operands/4/dtype: expects key_rest of dtype i8, but got u8"},
        Broken{"ScalesOfRows", integers(), [](KernelSpec &s) { s.operands[5].shape[1] = 1; },
               "at /operands/5/shape/1: expects extent 2 of key_rest_scales, but got 1"},
        Broken{"Rank", activeRowsSpec({}),
               [](KernelSpec &s) {
                 s.operands[3].shape = {1, 1};
               },
               "at /operands/3/shape: expects counts of rank 1, but got 2"},
        Broken{"One", topkAttentionSpec({}), [](KernelSpec &s) { s.operands[0].shape[0] = 2; },
               "at /operands/0/shape/0: expects extent 1 of query, but got 2"},
        Broken{"Rows", activeRowsSpec({}), [](KernelSpec &s) { s.operands[0].shape[0] = -1; },
               "at /operands/1/shape/0: expects extent -1 of indices, but got 1"},
        Broken{"Static", chooseRowsSpec({}), [](KernelSpec &s) { s.operands[0].shape[1] = -1; },
               "at /operands/0/shape/1: expects a known extent of scores, 1 at least, but got -1"},
        Broken{"Shared", activeRowsSpec({}), [](KernelSpec &s) { s.operands[5].shape[0] = 65; },
               "at /operands/5/shape/0: expects extent 64 of down, but got 65"},
        Broken{"Group", quantized(), [](KernelSpec &s) { s.operands[0].shape[1] = 65; },
               "at /operands/0/shape/1: expects a multiple of 2, but got 65"},
        Broken{"Scales", quantized(), [](KernelSpec &s) { s.operands[7].shape[1] = 4; },
               "at /operands/7/shape/1: expects extent 3 of down_scales, but got 4"},
        Broken{"ValuesDType", topkAttentionSpec({}), [](KernelSpec &s) { s.operands[4].dtype = DType::F16; },
               "at /operands/4/dtype: expects the keys' dtype f32, but got f16"},
        Broken{"RestDType", topkAttentionSpec({}), [](KernelSpec &s) { s.operands[3].dtype = DType::BF16; },
               "at /operands/3/dtype: expects the keys' dtype f32, but got bf16"},
        Broken{"Heads", topkAttentionSpec({}),
               [](KernelSpec &s) { s.operands[2].shape[1] = s.operands[3].shape[1] = s.operands[4].shape[1] = 3; },
               "at /operands/2/shape/1: expects a divisor of the 4 heads, but got 3"},
        Broken{"Statistics", topkAttentionSpec({}), [](KernelSpec &s) { s.operands[6].shape[0] = 3; },
               "at /operands/6/shape/0: expects 2 statistics, but got 3"},
        Broken{"RestWidth", topkAttentionSpec({}), [](KernelSpec &s) { s.operands[1].shape[2] = 31; },
               "at /operands/3/shape/2: expects extent 31 of key_rest, but got 32"},
        Broken{"RestCount", topkAttentionSpec({}), [](KernelSpec &s) { s.parameters["rest"] = integerOf(0); },
               "at /operands: expects 7 operands, but got 9"},
        Broken{"Softplus", wholeKeys(), [](KernelSpec &s) { s.parameters["softplus_scale"] = realOf(1); },
               "at /parameters/softplus_scale: expects none without a rest of the keys"},
        Broken{"ParametersOfStages", chooseRowsSpec({}),
               [](KernelSpec &s) {
                 s.family = Family::Elementwise;
                 s.operands = {{"y", DType::F32, {1}, true}};
               },
               "at /parameters: expects none of family elementwise, but got 'activation'"}),
    [](const auto &info) { return info.param.name; });

TEST(SparseSpec, HostileParameters) {
  std::string text = toJson(chooseRowsSpec({}));
  auto edited = [&](const std::string &from, const std::string &to) {
    std::string result = text;
    size_t at = result.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return result.replace(at, from.size(), to);
  };
  const std::pair<std::string, std::string> cases[] = {
      {edited("\"mask\":0", "\"mask\":[0]"), "at /parameters/mask: expects a number or a string, but got array"},
      {edited("\"mask\":0", "\"mask\":18446744073709551615"),
       "at /parameters/mask: expects an integer of 64 bits, but got 18446744073709551615"},
      {edited("\"quantile\":1.4", "\"quantile\":\"inf\""),
       "at /parameters/quantile: expects a real number, but got a word"},
      {edited("\"parameters\": {", "\"parameters\": 7, \"unread\": {"),
       "at /parameters: expects an object, but got number"},
  };
  for (const auto &[json, message] : cases) {
    KernelSpec spec;
    std::string error;
    EXPECT_FALSE(fromJson(json, spec, error)) << json;
    EXPECT_EQ(error, message);
  }
}

} // namespace
} // namespace thresh::codegen::test
