//===- SparseRules.cpp - Parameters and operands of the sparse families ------===//
//
// One table says which parameters a sparse family has and which operands these ask for.
//
//===-----------------------------------------------------------------------===//

#include "codegen/KernelSpecRules.h"
#include "codegen/Ops.h"

#include <cmath>
#include <limits>

namespace thresh::codegen {
namespace {

using Kind = Parameter::Kind;
constexpr double kAny = std::numeric_limits<double>::max();

/// Codes have a scale for so many along a row.
constexpr int kGroup = 32;

struct ParameterRule {
  const char *name;
  Kind kind;
  double least = -kAny, most = kAny; ///< of numbers
  std::vector<const char *> words;   ///< of texts
  bool optional = false;
};

/// An extent that operands share, or a part of it: `symbol` / `divisor`. '1' is the number; a capital letter is known
/// and positive; a small letter may be dynamic.
struct Dim {
  Dim(char symbol, int divisor = 1) : symbol(symbol), divisor(divisor) {}
  char symbol;
  int divisor;
};

struct OperandRule {
  const char *name;
  std::vector<DType> dtypes; ///< any of these
  std::vector<Dim> shape;
  bool output = false;
};

/// What the symbols of one spec stand for, and where they first stand alone.
struct Extents {
  struct Binding {
    int64_t extent = -1;
    std::string pointer;
  };
  std::map<char, Binding> bindings;
  int64_t operator[](char symbol) const { return bindings.at(symbol).extent; }
};

struct FamilyRule {
  Family family;
  std::vector<ParameterRule> parameters;
  std::vector<OperandRule> (*operands)(const KernelSpec &);
  void (*relations)(const KernelSpec &, const Extents &); ///< what else must hold; may be null
};

//===-----------------------------------------------------------------------===//
// The families
//===-----------------------------------------------------------------------===//

std::vector<OperandRule> chooseRowsOperands(const KernelSpec &) {
  return {{"scores", {DType::F32}, {'m', 'N'}},
          {"indices", {DType::I32}, {'m', 'N'}, true},
          {"values", {DType::F32}, {'m', 'N'}, true},
          {"counts", {DType::I32}, {'m'}, true}};
}

/// A matrix of N rows in the spec's format.
void addWeights(std::vector<OperandRule> &operands, const std::string &format, char width, const char *name,
                const char *scales) {
  static const std::map<std::string, DType> floats = {{"f32", DType::F32}, {"f16", DType::F16}, {"bf16", DType::BF16}};
  auto known = floats.find(format);
  if (known != floats.end()) {
    operands.push_back({name, {known->second}, {'N', width}});
    return;
  }
  operands.push_back({name, {DType::U8}, {'N', Dim(width, format == "q4" ? 2 : 1)}});
  operands.push_back({scales, {DType::F16}, {'N', Dim(width, kGroup)}});
}

std::vector<OperandRule> activeRowsOperands(const KernelSpec &spec) {
  bool gated = spec.parameters.at("gated").integer != 0;
  const std::string &format = spec.parameters.at("format").text;
  std::vector<OperandRule> operands;
  if (gated)
    operands.push_back({"x", {DType::F32}, {'m', 'K'}});
  operands.push_back({"indices", {DType::I32}, {'m', 'N'}});
  operands.push_back({"values", {DType::F32}, {'m', 'N'}});
  operands.push_back({"counts", {DType::I32}, {'m'}});
  if (gated)
    addWeights(operands, format, 'K', "up", "up_scales");
  addWeights(operands, format, 'D', "down", "down_scales");
  operands.push_back({"y", {DType::F32}, {'m', 'D'}, true});
  return operands;
}

/// Rows of keys or values that a session stores: floats, or integers with a scale for each row.
void addCache(std::vector<OperandRule> &operands, bool scaled, char width, const char *name, const char *scales) {
  std::vector<DType> stored = {DType::F32, DType::F16, DType::BF16};
  operands.push_back({name, scaled ? std::vector<DType>{DType::I8} : stored, {'n', 'G', width}});
  if (scaled)
    operands.push_back({scales, {DType::F32}, {'n', 'G'}});
}

std::vector<OperandRule> topkAttentionOperands(const KernelSpec &spec) {
  bool rest = spec.parameters.at("rest").integer != 0, scaled = spec.parameters.at("scaled").integer != 0;
  std::vector<OperandRule> operands = {{"query", {DType::F32}, {'1', 'H', 'R'}}};
  if (rest)
    operands.push_back({"query_rest", {DType::F32}, {'1', 'H', 'D'}});
  addCache(operands, scaled, 'R', "key", "key_scales");
  if (rest)
    addCache(operands, scaled, 'D', "key_rest", "key_rest_scales");
  addCache(operands, scaled, 'E', "value", "value_scales");
  operands.push_back({"position", {DType::I64}, {}});
  operands.push_back({"statistics", {DType::F32}, {'T'}});
  operands.push_back({"y", {DType::F32}, {'1', 'H', 'E'}, true});
  operands.push_back({"counts", {DType::I32}, {'1', 'H'}, true});
  return operands;
}

void topkAttentionRelations(const KernelSpec &spec, const Extents &extents) {
  bool rest = spec.parameters.at("rest").integer != 0;
  size_t key = rest ? 2 : 1, statistics = spec.operands.size() - 3;
  for (size_t o = key + 1; o < statistics; ++o)
    if (spec.operands[o].shape.size() == 3 && spec.operands[o].dtype != spec.operands[key].dtype)
      failRule("/operands/" + std::to_string(o) + "/dtype", std::string("expects the keys' dtype ") +
                                                                dtypeName(spec.operands[key].dtype) + ", but got " +
                                                                dtypeName(spec.operands[o].dtype));
  if (extents['H'] % extents['G'] != 0)
    failRule("/operands/" + std::to_string(key) + "/shape/1", "expects a divisor of the " +
                                                                  std::to_string(extents['H']) + " heads, but got " +
                                                                  std::to_string(extents['G']));
  if (extents['T'] != 2)
    failRule("/operands/" + std::to_string(statistics) + "/shape/0",
             "expects 2 statistics, but got " + std::to_string(extents['T']));
  if (!rest && spec.parameters.count("softplus_scale"))
    failRule("/parameters/softplus_scale", "expects none without a rest of the keys");
}

const std::vector<FamilyRule> &familyRules() {
  static const std::vector<FamilyRule> table = {
      {Family::ChooseRows,
       {{"activation",
         Kind::Text,
         0,
         0,
         {"identity", "relu", "relu2", "silu", "gelu", "gelu_tanh", "quick_gelu", "sigmoid", "tanh"}},
        {"mask", Kind::Integer, 0, 1},
        {"quantile", Kind::Real},
        {"variance_factor", Kind::Real, 1}},
       chooseRowsOperands,
       nullptr},
      {Family::ActiveRows,
       {{"format", Kind::Text, 0, 0, {"f32", "f16", "bf16", "q8", "q4"}}, {"gated", Kind::Integer, 0, 1}},
       activeRowsOperands,
       nullptr},
      {Family::TopkAttention,
       {{"k", Kind::Integer, 1, INT32_MAX},
        {"rest", Kind::Integer, 0, 1},
        {"scale", Kind::Real},
        {"scaled", Kind::Integer, 0, 1},
        {"soft_cap", Kind::Real, 0},
        {"softplus_scale", Kind::Real, -kAny, kAny, {}, true},
        {"window", Kind::Integer, 0, INT32_MAX}},
       topkAttentionOperands,
       topkAttentionRelations},
  };
  return table;
}

//===-----------------------------------------------------------------------===//
// Checks
//===-----------------------------------------------------------------------===//

std::string numberText(const Parameter &parameter) {
  if (parameter.kind == Kind::Integer)
    return std::to_string(parameter.integer);
  char text[32];
  std::snprintf(text, sizeof text, "%g", parameter.real);
  return text;
}

void checkNumber(const std::string &at, const ParameterRule &rule, const Parameter &parameter) {
  double value = parameter.kind == Kind::Integer ? double(parameter.integer) : parameter.real;
  if (!std::isfinite(value))
    failRule(at, "expects a finite number, but got " + numberText(parameter));
  char range[80];
  std::snprintf(range, sizeof range, rule.most == kAny ? "of at least %.0f" : "in [%.0f, %.0f]", rule.least, rule.most);
  if (value < rule.least || value > rule.most)
    failRule(at, std::string("expects a number ") + range + ", but got " + numberText(parameter));
}

void checkWord(const std::string &at, const ParameterRule &rule, const Parameter &parameter) {
  std::string words;
  for (const char *word : rule.words) {
    if (parameter.text == word)
      return;
    words += (words.empty() ? "" : ", ") + std::string(word);
  }
  failRule(at, "expects one of " + words + ", but got '" + parameter.text + "'");
}

void checkParameters(const KernelSpec &spec, const FamilyRule &family) {
  static const char *const kinds[] = {"an integer", "a real number", "a word"};
  size_t known = 0;
  for (const ParameterRule &rule : family.parameters) {
    auto found = spec.parameters.find(rule.name);
    if (found == spec.parameters.end()) {
      if (!rule.optional)
        failRule("/parameters", std::string("expects a member '") + rule.name + "'");
      continue;
    }
    ++known;
    std::string at = std::string("/parameters/") + rule.name;
    if (found->second.kind != rule.kind)
      failRule(at, std::string("expects ") + kinds[int(rule.kind)] + ", but got " + kinds[int(found->second.kind)]);
    if (rule.kind == Kind::Text)
      checkWord(at, rule, found->second);
    else
      checkNumber(at, rule, found->second);
  }
  if (known == spec.parameters.size())
    return;
  for (const auto &[name, parameter] : spec.parameters) {
    bool listed = false;
    for (const ParameterRule &rule : family.parameters)
      listed |= name == rule.name;
    if (!listed)
      failRule("/parameters", std::string("expects no member '") + name + "' of family " + familyName(spec.family));
  }
}

/// Everything of an operand but its extents.
void checkOperand(const std::string &at, const Operand &operand, const OperandRule &rule) {
  if (operand.output != rule.output)
    failRule(at + "/output", std::string("expects ") + rule.name + (rule.output ? " as an output" : " as an input"));
  std::string wanted;
  bool fits = false;
  for (DType dtype : rule.dtypes) {
    fits |= operand.dtype == dtype;
    wanted += (wanted.empty() ? "" : " or ") + std::string(dtypeName(dtype));
  }
  if (!fits)
    failRule(at + "/dtype",
             std::string("expects ") + rule.name + " of dtype " + wanted + ", but got " + dtypeName(operand.dtype));
  if (operand.shape.size() != rule.shape.size())
    failRule(at + "/shape", std::string("expects ") + rule.name + " of rank " + std::to_string(rule.shape.size()) +
                                ", but got " + std::to_string(operand.shape.size()));
}

Extents bindExtents(const KernelSpec &spec, const std::vector<OperandRule> &rules) {
  Extents extents;
  extents.bindings['1'].extent = 1;
  for (size_t o = 0; o < rules.size(); ++o)
    for (size_t d = 0; d < rules[o].shape.size(); ++d) {
      const Dim &dim = rules[o].shape[d];
      if (dim.divisor != 1 || extents.bindings.count(dim.symbol))
        continue;
      int64_t extent = spec.operands[o].shape[d];
      std::string at = "/operands/" + std::to_string(o) + "/shape/" + std::to_string(d);
      if (std::isupper(static_cast<unsigned char>(dim.symbol)) && extent < 1)
        failRule(at, std::string("expects a known extent of ") + rules[o].name + ", 1 at least, but got " +
                         std::to_string(extent));
      extents.bindings[dim.symbol] = {extent, at};
    }
  return extents;
}

void checkExtents(const KernelSpec &spec, const std::vector<OperandRule> &rules, const Extents &extents) {
  for (size_t o = 0; o < rules.size(); ++o)
    for (size_t d = 0; d < rules[o].shape.size(); ++d) {
      const Dim &dim = rules[o].shape[d];
      const Extents::Binding &whole = extents.bindings.at(dim.symbol);
      if (whole.extent % dim.divisor != 0)
        failRule(whole.pointer,
                 "expects a multiple of " + std::to_string(dim.divisor) + ", but got " + std::to_string(whole.extent));
      int64_t expected = whole.extent < 0 ? -1 : whole.extent / dim.divisor, got = spec.operands[o].shape[d];
      if (got != expected)
        failRule("/operands/" + std::to_string(o) + "/shape/" + std::to_string(d),
                 "expects extent " + std::to_string(expected) + " of " + rules[o].name + ", but got " +
                     std::to_string(got));
    }
}

} // namespace

void checkSparse(const KernelSpec &spec) {
  const FamilyRule *family = nullptr;
  for (const FamilyRule &rule : familyRules())
    if (rule.family == spec.family)
      family = &rule;
  for (auto [pointer, count] : {std::pair("/stages", spec.stages.size()), {"/outputs", spec.outputs.size()}})
    if (count != 0)
      failRule(pointer,
               std::string("expects none of family ") + familyName(spec.family) + ", but got " + std::to_string(count));
  checkParameters(spec, *family);
  std::vector<OperandRule> rules = family->operands(spec);
  if (spec.operands.size() != rules.size())
    failRule("/operands",
             "expects " + std::to_string(rules.size()) + " operands, but got " + std::to_string(spec.operands.size()));
  for (size_t o = 0; o < rules.size(); ++o)
    checkOperand("/operands/" + std::to_string(o), spec.operands[o], rules[o]);
  Extents extents = bindExtents(spec, rules);
  checkExtents(spec, rules, extents);
  if (family->relations)
    family->relations(spec, extents);
}

} // namespace thresh::codegen
