//===- KernelSpecJson.cpp - Print and read a KernelSpec ----------------------===//
//
// One operand, one loop nest and one node a line, keys in a fixed order, so that equal specs print
// equally and a difference shows as a line. Reading accepts any JSON layout and checks everything.
//
//===-----------------------------------------------------------------------===//

#include "codegen/KernelSpec.h"
#include "codegen/Ops.h"

#include <nlohmann/json.hpp>

#include <cinttypes>
#include <cmath>
#include <cstdio>

using Json = nlohmann::ordered_json;

namespace thresh::codegen {

//===-----------------------------------------------------------------------===//
// Printing
//===-----------------------------------------------------------------------===//

namespace {

Json extentJson(const Extent &extent) {
  if (extent.operand < 0)
    return extent.value;
  return Json{{"operand", extent.operand}, {"dim", extent.dim}};
}

Json realJson(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "inf" : "-inf";
  return value;
}

Json nodeJson(const Node &node) {
  Json json{{"op", opInfo(node.op).name}, {"dtype", dtypeName(node.dtype)}};
  if (node.op == Op::Const && isFloat(node.dtype))
    json["real"] = realJson(node.real);
  else if (opInfo(node.op).cls == OpClass::Leaf && node.op != Op::Load)
    json["integer"] = node.integer;
  if (node.op == Op::Load || node.op == Op::Dim) {
    if (node.source >= kStageSource) {
      json["stage"] = node.source - kStageSource;
      json["result"] = node.result;
    } else {
      json["operand"] = node.source;
    }
  }
  if (!node.args.empty() || node.op == Op::Load)
    json["args"] = node.args;
  return json;
}

Json dtypeNames(const std::vector<DType> &dtypes) {
  Json names = Json::array();
  for (DType dtype : dtypes)
    names.push_back(dtypeName(dtype));
  return names;
}

Json parametersJson(const KernelSpec &spec) {
  Json json = Json::object();
  for (const auto &[name, parameter] : spec.parameters) {
    if (parameter.kind == Parameter::Kind::Integer)
      json[name] = parameter.integer;
    else if (parameter.kind == Parameter::Kind::Real)
      json[name] = realJson(parameter.real);
    else
      json[name] = parameter.text;
  }
  return json;
}

/// `[`, one element a line, `]`.
std::string lines(const std::vector<std::string> &elements, const std::string &indent) {
  if (elements.empty())
    return "[]";
  std::string text = "[\n";
  for (size_t i = 0; i < elements.size(); ++i)
    text += indent + "  " + elements[i] + (i + 1 < elements.size() ? ",\n" : "\n");
  return text + indent + "]";
}

std::string stageText(const Stage &stage) {
  Json loops = Json::array();
  for (const Extent &extent : stage.loops)
    loops.push_back(extentJson(extent));
  std::vector<std::string> nodes;
  for (const Node &node : stage.body)
    nodes.push_back(nodeJson(node).dump());
  std::string text = "{\"name\": " + Json(stage.name).dump();
  text += ", \"loops\": " + loops.dump() + ", \"parallel\": " + std::to_string(stage.parallel);
  text += ", \"dtypes\": " + dtypeNames(stage.dtypes).dump();
  text += ",\n     \"body\": " + lines(nodes, "     ");
  text += ",\n     \"inits\": " + Json(stage.inits).dump() + ", \"results\": " + Json(stage.results).dump();
  return text + "}";
}

} // namespace

std::string toJson(const KernelSpec &spec) {
  std::vector<std::string> operands, stages;
  for (const Operand &operand : spec.operands)
    operands.push_back(Json{
        {"name", operand.name},
        {"dtype", dtypeName(operand.dtype)},
        {"shape", operand.shape},
        {"output",
         operand.output}}.dump());
  for (const Stage &stage : spec.stages)
    stages.push_back(stageText(stage));
  std::string text = "{\n  \"name\": " + Json(spec.name).dump();
  text += ",\n  \"family\": \"" + std::string(familyName(spec.family)) + "\"";
  text += ",\n  \"target\": " + Json(spec.target).dump();
  if (!spec.parameters.empty())
    text += ",\n  \"parameters\": " + parametersJson(spec).dump();
  text += ",\n  \"operands\": " + lines(operands, "  ");
  text += ",\n  \"stages\": " + lines(stages, "  ");
  return text + ",\n  \"outputs\": " + Json(spec.outputs).dump() + "\n}\n";
}

std::string cacheKey(const KernelSpec &spec) {
  KernelSpec nameless = spec;
  nameless.name.clear();
  unsigned __int128 hash = (static_cast<unsigned __int128>(0x6c62272e07bb0142ULL) << 64) | 0x62b821756295c58dULL;
  const unsigned __int128 prime = (static_cast<unsigned __int128>(0x0000000001000000ULL) << 64) | 0x13bULL;
  for (unsigned char byte : toJson(nameless))
    hash = (hash ^ byte) * prime;
  char text[33];
  std::snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, static_cast<uint64_t>(hash >> 64),
                static_cast<uint64_t>(hash));
  return text;
}

//===-----------------------------------------------------------------------===//
// Reading
//===-----------------------------------------------------------------------===//

namespace {

/// Thrown inside this file only.
struct ReadError {
  std::string message;
};

/// A JSON value and the pointer that leads to it.
class Value {
public:
  Value(const Json &json, std::string pointer) : json(json), pointer(std::move(pointer)) {}

  [[noreturn]] void fail(const std::string &message) const {
    throw ReadError{"at " + (pointer.empty() ? std::string("/") : pointer) + ": " + message};
  }

  bool has(const char *key) const { return json.is_object() && json.contains(key); }

  Value member(const char *key) const {
    if (!json.is_object())
      fail(std::string("expects an object, but got ") + json.type_name());
    if (!json.contains(key))
      fail(std::string("expects a member '") + key + "'");
    return Value(json[key], pointer + "/" + key);
  }

  std::vector<Value> elements() const {
    if (!json.is_array())
      fail(std::string("expects an array, but got ") + json.type_name());
    std::vector<Value> values;
    for (size_t i = 0; i < json.size(); ++i)
      values.emplace_back(json[i], pointer + "/" + std::to_string(i));
    return values;
  }

  std::string text() const {
    if (!json.is_string())
      fail(std::string("expects a string, but got ") + json.type_name());
    return json.get<std::string>();
  }

  bool flag() const {
    if (!json.is_boolean())
      fail(std::string("expects true or false, but got ") + json.type_name());
    return json.get<bool>();
  }

  int64_t integer() const {
    bool fits = json.is_number_integer() &&
                !(json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
    if (!fits)
      fail("expects an integer of 64 bits, but got " + json.dump());
    return json.get<int64_t>();
  }

  int smallInteger() const {
    int64_t value = integer();
    if (value < INT32_MIN || value > INT32_MAX)
      fail("expects an integer of 32 bits, but got " + std::to_string(value));
    return static_cast<int>(value);
  }

  double real() const {
    if (json.is_number())
      return json.get<double>();
    if (json.is_string()) {
      std::string word = json.get<std::string>();
      if (word == "nan")
        return NAN;
      if (word == "inf")
        return INFINITY;
      if (word == "-inf")
        return -INFINITY;
    }
    fail("expects a number, \"nan\", \"inf\" or \"-inf\", but got " + json.dump());
  }

  DType dtype() const {
    DType result;
    if (!findDType(text(), result))
      fail("expects a dtype, but got '" + text() + "'");
    return result;
  }

  Parameter parameter() const {
    Parameter result;
    if (json.is_string()) {
      result.kind = Parameter::Kind::Text;
      result.text = text();
    } else if (json.is_number_float()) {
      result.kind = Parameter::Kind::Real;
      result.real = real();
    } else if (json.is_number()) {
      result.integer = integer();
    } else {
      fail(std::string("expects a number or a string, but got ") + json.type_name());
    }
    return result;
  }

  std::map<std::string, Parameter> parameters() const {
    if (!json.is_object())
      fail(std::string("expects an object, but got ") + json.type_name());
    std::map<std::string, Parameter> result;
    for (const auto &[name, value] : json.items())
      result[name] = Value(value, pointer + "/" + name).parameter();
    return result;
  }

  std::vector<int> smallIntegers() const {
    std::vector<int> result;
    for (const Value &value : elements())
      result.push_back(value.smallInteger());
    return result;
  }

  bool isObject() const { return json.is_object(); }

private:
  const Json &json;
  std::string pointer;
};

Extent readExtent(const Value &value) {
  Extent extent;
  if (!value.isObject()) {
    extent.value = value.integer();
    return extent;
  }
  extent.operand = value.member("operand").smallInteger();
  extent.dim = value.member("dim").smallInteger();
  return extent;
}

Operand readOperand(const Value &value) {
  Operand operand;
  operand.name = value.member("name").text();
  operand.dtype = value.member("dtype").dtype();
  for (const Value &extent : value.member("shape").elements())
    operand.shape.push_back(extent.integer());
  operand.output = value.member("output").flag();
  return operand;
}

Node readNode(const Value &value) {
  Node node;
  const OpInfo *info = findOp(value.member("op").text());
  if (!info)
    value.member("op").fail("expects an operation, but got '" + value.member("op").text() + "'");
  node.op = info->op;
  node.dtype = value.member("dtype").dtype();
  if (value.has("args"))
    node.args = value.member("args").smallIntegers();
  if (node.op == Op::Const && isFloat(node.dtype))
    node.real = value.member("real").real();
  else if (info->cls == OpClass::Leaf && node.op != Op::Load)
    node.integer = value.member("integer").integer();
  if (node.op != Op::Load && node.op != Op::Dim)
    return node;
  if (!value.has("stage")) {
    node.source = value.member("operand").smallInteger();
    if (node.source < 0 || node.source >= kStageSource)
      value.member("operand").fail("expects the index of an operand, but got " + std::to_string(node.source));
    return node;
  }
  int stage = value.member("stage").smallInteger();
  if (stage < 0 || stage >= kStageSource)
    value.member("stage").fail("expects the index of a stage, but got " + std::to_string(stage));
  node.source = kStageSource + stage;
  node.result = value.member("result").smallInteger();
  return node;
}

Stage readStage(const Value &value) {
  Stage stage;
  stage.name = value.member("name").text();
  for (const Value &extent : value.member("loops").elements())
    stage.loops.push_back(readExtent(extent));
  stage.parallel = value.member("parallel").smallInteger();
  for (const Value &dtype : value.member("dtypes").elements())
    stage.dtypes.push_back(dtype.dtype());
  for (const Value &node : value.member("body").elements())
    stage.body.push_back(readNode(node));
  stage.inits = value.member("inits").smallIntegers();
  stage.results = value.member("results").smallIntegers();
  return stage;
}

KernelSpec readSpec(const Value &value) {
  KernelSpec spec;
  spec.name = value.member("name").text();
  Value family = value.member("family");
  if (!findFamily(family.text(), spec.family))
    family.fail("expects a family of kernels, but got '" + family.text() + "'");
  spec.target = value.member("target").text();
  if (value.has("parameters"))
    spec.parameters = value.member("parameters").parameters();
  for (const Value &operand : value.member("operands").elements())
    spec.operands.push_back(readOperand(operand));
  for (const Value &stage : value.member("stages").elements())
    spec.stages.push_back(readStage(stage));
  spec.outputs = value.member("outputs").smallIntegers();
  return spec;
}

} // namespace

bool fromJson(const std::string &text, KernelSpec &spec, std::string &error) {
  try {
    Json json = Json::parse(text);
    spec = readSpec(Value(json, ""));
  } catch (const Json::parse_error &failure) {
    error = "expects JSON, but byte " + std::to_string(failure.byte) + " breaks it";
    return false;
  } catch (const ReadError &failure) {
    error = failure.message;
    return false;
  }
  return verify(spec, error);
}

} // namespace thresh::codegen
