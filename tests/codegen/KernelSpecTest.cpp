//===- KernelSpecTest.cpp - KernelSpec as JSON, and its rules ----------------===//

#include "codegen/Ops.h"
#include "tests/codegen/Runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace thresh::codegen::test {
namespace {

/// max over the rows of x, times y.
KernelSpec sample() {
  KernelSpec spec;
  spec.name = "sample";
  spec.family = Family::Rowwise;
  spec.target = "x86-64-v3";
  spec.operands = {{"x", DType::F32, {-1, 8}}, {"y", DType::F32, {-1}}, {"z", DType::F32, {-1}, true}};
  StageBuilder reduce({dimOf(0, 0), fixed(8)}, 1);
  int x = reduce.loadAt(0, DType::F32, {0, 1});
  int init = reduce.real(-INFINITY);
  int best = reduce.op(Op::Max, DType::F32, {reduce.acc(DType::F32), x});
  spec.stages.push_back(reduce.reduction({init}, {best}));
  StageBuilder scale({dimOf(0, 0)}, 1);
  int product =
      scale.op(Op::Mul, DType::F32, {scale.loadAt(fromStage(0), DType::F32, {0}), scale.loadAt(1, DType::F32, {0})});
  spec.stages.push_back(scale.pure({product}));
  spec.outputs = {1};
  return spec;
}

TEST(KernelSpec, PrintsAndReadsBack) {
  KernelSpec spec = sample(), read;
  std::string error;
  ASSERT_TRUE(fromJson(toJson(spec), read, error)) << error;
  EXPECT_EQ(toJson(read), toJson(spec));
  EXPECT_EQ(read.stages[0].body.size(), spec.stages[0].body.size());
  EXPECT_TRUE(std::isinf(read.stages[0].body[spec.stages[0].inits[0]].real));
}

TEST(KernelSpec, EveryOpAndDTypeHasItsOwnName) {
  ASSERT_EQ(int(opTable().size()), int(Op::CountOnes) + 1);
  for (const OpInfo &info : opTable()) {
    EXPECT_EQ(&opInfo(info.op), &info);
    EXPECT_EQ(findOp(info.name), &info);
  }
  for (int i = 0; i < kNumDTypes; ++i) {
    DType dtype;
    ASSERT_TRUE(findDType(dtypeName(DType(i)), dtype));
    EXPECT_EQ(int(dtype), i);
  }
}

TEST(KernelSpec, KeyIgnoresTheNameOnly) {
  KernelSpec spec = sample(), renamed = sample(), changed = sample();
  renamed.name = "other";
  changed.operands[0].shape[1] = 9;
  EXPECT_EQ(cacheKey(spec), cacheKey(renamed));
  EXPECT_NE(cacheKey(spec), cacheKey(changed));
  changed = sample();
  changed.target = "x86-64-v4";
  EXPECT_NE(cacheKey(spec), cacheKey(changed));
}

struct Broken {
  const char *name;
  std::function<void(KernelSpec &)> breakIt;
  const char *error;
};

class Rules : public testing::TestWithParam<Broken> {};

TEST_P(Rules, AreChecked) {
  KernelSpec spec = sample();
  GetParam().breakIt(spec);
  std::string error;
  EXPECT_FALSE(verify(spec, error));
  EXPECT_EQ(error, GetParam().error);
  KernelSpec read;
  std::string readError;
  EXPECT_FALSE(fromJson(toJson(spec), read, readError));
  EXPECT_EQ(readError, error);
}

INSTANTIATE_TEST_SUITE_P(
    All, Rules,
    testing::Values(
        Broken{"Name", [](KernelSpec &s) { s.name = "a-b"; }, "at /name: expects a C identifier, but got 'a-b'"},
        Broken{"Target", [](KernelSpec &s) { s.target = "z80"; }, "at /target: expects a known target, but got 'z80'"},
        Broken{"Extent", [](KernelSpec &s) { s.operands[0].shape[1] = -2; },
               "at /operands/0/shape/1: expects -1 or an extent below 2^31, but got -2"},
        Broken{"HugeExtent", [](KernelSpec &s) { s.operands[0].shape[1] = INT64_MAX; },
               "at /operands/0/shape/1: expects -1 or an extent below 2^31, but got 9223372036854775807"},
        Broken{"HugeTensor",
               [](KernelSpec &s) {
                 s.operands[0].shape = {INT32_MAX, INT32_MAX};
               },
               "at /operands/0/shape: expects fewer than 2^59 elements"},
        Broken{"Rank", [](KernelSpec &s) { s.operands[0].shape.assign(9, 1); },
               "at /operands/0/shape: expects at most 8 elements, but got 9"},
        Broken{"OutputFirst", [](KernelSpec &s) { s.operands[0].output = true; },
               "at /operands/1/output: expects inputs before outputs"},
        Broken{"NoOutput", [](KernelSpec &s) { s.operands[2].output = false; },
               "at /operands: expects at least one output"},
        Broken{"LoopOperand", [](KernelSpec &s) { s.stages[0].loops[0] = dimOf(7, 0); },
               "at /stages/0/loops/0/operand: expects an operand in [0, 3), but got 7"},
        Broken{"LoopDim", [](KernelSpec &s) { s.stages[0].loops[0] = dimOf(1, 1); },
               "at /stages/0/loops/0/dim: expects a dimension in [0, 1), but got 1"},
        Broken{"Parallel", [](KernelSpec &s) { s.stages[0].parallel = 3; },
               "at /stages/0/parallel: expects a number of loops in [0, 3), but got 3"},
        Broken{"Index", [](KernelSpec &s) { s.stages[0].body[0].integer = 2; },
               "at /stages/0/body/0/integer: expects a loop in [0, 2), but got 2"},
        Broken{"IndexDType", [](KernelSpec &s) { s.stages[0].body[0].dtype = DType::I64; },
               "at /stages/0/body/0/dtype: expects an index of dtype i32, but got i64"},
        Broken{"Order", [](KernelSpec &s) { s.stages[0].body[2].args[0] = 2; },
               "at /stages/0/body/2/args/0: expects an earlier node in [0, 2), but got 2"},
        Broken{"Arity", [](KernelSpec &s) { s.stages[1].body.back().args.pop_back(); },
               "at /stages/1/body/4/args: expects 2 arguments of mul, but got 1"},
        Broken{"Coordinates", [](KernelSpec &s) { s.stages[0].body[2].args.pop_back(); },
               "at /stages/0/body/2/args: expects 2 coordinates, but got 1"},
        Broken{"CoordinateDType", [](KernelSpec &s) { s.stages[1].body[3].args[0] = 1; },
               "at /stages/1/body/3/args/0: expects a coordinate of dtype i32 or i64, but got f32"},
        Broken{"LoadOutput", [](KernelSpec &s) { s.stages[1].body[3].source = 2; },
               "at /stages/1/body/3/operand: expects an input, but got output 'z'"},
        Broken{"LoadLaterStage", [](KernelSpec &s) { s.stages[1].body[1].source = fromStage(1); },
               "at /stages/1/body/1/stage: expects an earlier stage in [0, 1), but got 1"},
        Broken{"LoadResult", [](KernelSpec &s) { s.stages[1].body[1].result = 1; },
               "at /stages/1/body/1/result: expects a result in [0, 1), but got 1"},
        Broken{"ArgDType", [](KernelSpec &s) { s.stages[1].body.back().dtype = s.stages[1].dtypes[0] = DType::F64; },
               "at /stages/1/body/4/args/0: expects an argument of dtype f64, but got f32"},
        Broken{"OpDType", [](KernelSpec &s) { s.stages[1].body.back().op = Op::And; },
               "at /stages/1/body/4/dtype: expects and on integers or bool, but got f32"},
        Broken{"AccOutside", [](KernelSpec &s) { s.stages[1].body[0].op = Op::Acc; },
               "at /stages/1/body/0: expects reduction loops around a running value"},
        Broken{"RunningInit", [](KernelSpec &s) { s.stages[0].inits[0] = s.stages[0].results[0]; },
               "at /stages/0/inits/0: expects a node without running values and reduction indices"},
        Broken{"NoInit", [](KernelSpec &s) { s.stages[0].inits.clear(); },
               "at /stages/0/inits: expects one init per result"},
        Broken{"InitOfPure", [](KernelSpec &s) { s.stages[1].inits = {0}; },
               "at /stages/1/inits: expects none without reduction loops"},
        Broken{"ResultNode", [](KernelSpec &s) { s.stages[1].results[0] = 99; },
               "at /stages/1/results/0: expects a node in [0, 5), but got 99"},
        Broken{"ResultDType", [](KernelSpec &s) { s.stages[1].dtypes[0] = DType::I32; },
               "at /stages/1/results/0: expects a node of dtype i32, but got f32"},
        Broken{"OutputStage", [](KernelSpec &s) { s.outputs[0] = 2; },
               "at /outputs/0: expects a stage in [0, 2), but got 2"},
        Broken{"OutputCount", [](KernelSpec &s) { s.outputs.push_back(1); },
               "at /outputs: expects 1 stages, but got 2"},
        Broken{"OutputRank",
               [](KernelSpec &s) {
                 s.operands[2].shape = {-1, 1};
               },
               "at /outputs/0: expects a stage of rank 2, but got 1"},
        Broken{"OutputDType", [](KernelSpec &s) { s.operands[2].dtype = DType::F16; },
               "at /operands/2: expects an output of dtype f32, but got f16"}),
    [](const auto &info) { return info.param.name; });

/// Replaces the first occurrence.
std::string edited(const std::string &from, const std::string &to) {
  std::string text = toJson(sample());
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(KernelSpec, HostileJson) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "expects JSON, but byte 1 breaks it"},
      {"{\"name\": ", "expects JSON, but byte 10 breaks it"},
      {"[]", "at /: expects an object, but got array"},
      {"{}", "at /: expects a member 'name'"},
      {edited("\"sample\"", "7"), "at /name: expects a string, but got number"},
      {edited("\"rowwise\"", "\"nonsense\""), "at /family: expects a family of kernels, but got 'nonsense'"},
      {edited("[-1,8]", "[-1,8.5]"), "at /operands/0/shape/1: expects an integer of 64 bits, but got 8.5"},
      {edited("[-1,8]", "[-1,18446744073709551615]"),
       "at /operands/0/shape/1: expects an integer of 64 bits, but got 18446744073709551615"},
      {edited("[-1,8]", "null"), "at /operands/0/shape: expects an array, but got null"},
      {edited("\"output\":false", "\"output\":0"), "at /operands/0/output: expects true or false, but got number"},
      {edited("\"op\":\"max\"", "\"op\":\"maximum\""),
       "at /stages/0/body/5/op: expects an operation, but got 'maximum'"},
      {edited("\"dtype\":\"i32\"", "\"dtype\":\"int\""), "at /stages/0/body/0/dtype: expects a dtype, but got 'int'"},
      {edited("\"-inf\"", "\"minus\""),
       "at /stages/0/body/3/real: expects a number, \"nan\", \"inf\" or \"-inf\", but got \"minus\""},
      {edited("\"operand\":0,\"args\"", "\"operand\":-1,\"args\""),
       "at /stages/0/body/2/operand: expects the index of an operand, but got -1"},
      {edited("\"stage\":0", "\"stage\":99999"),
       "at /stages/1/body/1/stage: expects the index of a stage, but got 99999"},
      {edited("\"stage\":0", "\"stage\":4294967296"),
       "at /stages/1/body/1/stage: expects an integer of 32 bits, but got 4294967296"},
      {edited("\"inits\": [3]", "\"inits\": [[3]]"),
       "at /stages/0/inits/0: expects an integer of 64 bits, but got [3]"},
  };
  for (const auto &[text, message] : cases) {
    KernelSpec spec;
    std::string error;
    EXPECT_FALSE(fromJson(text, spec, error)) << text;
    EXPECT_EQ(error, message);
  }
  std::string deep(100000, '[');
  KernelSpec spec;
  std::string error;
  EXPECT_FALSE(fromJson(deep, spec, error));
}

} // namespace
} // namespace thresh::codegen::test
