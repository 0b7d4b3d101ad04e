//===- Compare.cpp - thresh compare: a library's outputs against others -----===//
#include "compiler/Tools/Compare.h"

#include "compiler/Tools/ModelRun.h"
#include "runtime/Tools/npy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace thresh {
namespace {

//===-----------------------------------------------------------------------===//
// Elements as double
//===-----------------------------------------------------------------------===//

template <typename T> double load(const void *data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + index * sizeof(T), sizeof(T));
  return double(value);
}

double loadBFloat(const void *data, int64_t index) {
  uint16_t half;
  std::memcpy(&half, static_cast<const char *>(data) + 2 * index, 2);
  uint32_t bits = uint32_t(half) << 16;
  return load<float>(&bits, 0);
}

double loadHalf(const void *data, int64_t index) {
  uint16_t bits;
  std::memcpy(&bits, static_cast<const char *>(data) + 2 * index, 2);
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude;
  if (exponent == 31)
    magnitude = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, -24);
  else
    magnitude = std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

/// Indexed by thresh_dtype.
using Loader = double (*)(const void *, int64_t);
constexpr Loader kLoaders[] = {load<float>,   load<double>,   loadHalf,       loadBFloat,    load<int8_t>,
                               load<uint8_t>, load<int16_t>,  load<uint16_t>, load<int32_t>, load<uint32_t>,
                               load<int64_t>, load<uint64_t>, load<uint8_t>};

bool isFloat(int dtype) {
  return dtype == THRESH_F32 || dtype == THRESH_F64 || dtype == THRESH_F16 || dtype == THRESH_BF16;
}

//===-----------------------------------------------------------------------===//
// One output
//===-----------------------------------------------------------------------===//

struct Tolerance {
  double absolute = -1; ///< negative: not given
  double relative = -1;
  bool given() const { return absolute >= 0 || relative >= 0; }
};

/// How far an output is from theirs.
struct Difference {
  std::string name;
  std::string type; ///< "f32[1,128,384]"
  double maxAbsolute = 0;
  double maxRelative = 0;
  int64_t worst = 0;   ///< element of the largest absolute difference
  int64_t outside = 0; ///< elements outside the tolerance
  int64_t elements = 0;
  int64_t rows = 0;    ///< of floats along the last dimension, where there are several dimensions
  int64_t sameTop = 0; ///< rows whose largest element, the first if there are several, is at the same place
};

/// |ours - theirs|: 0 when both are NaN or the same infinity, infinite when only one is.
double distance(double ours, double theirs) {
  if (ours == theirs || (std::isnan(ours) && std::isnan(theirs)))
    return 0;
  double difference = std::fabs(ours - theirs);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

void measure(const void *ours, const void *theirs, Loader loader, const Tolerance &tolerance, Difference &result) {
  double largest = 0;
  for (int64_t i = 0; i < result.elements; ++i) {
    double magnitude = std::fabs(loader(theirs, i));
    if (std::isfinite(magnitude))
      largest = std::max(largest, magnitude);
  }
  for (int64_t i = 0; i < result.elements; ++i) {
    double reference = loader(theirs, i);
    double difference = distance(loader(ours, i), reference);
    double magnitude = std::isfinite(reference) ? std::fabs(reference) : 0;
    if (difference > result.maxAbsolute) {
      result.maxAbsolute = difference;
      result.worst = i;
    }
    if (difference > 0)
      result.maxRelative = std::max(result.maxRelative, difference / std::max(magnitude, 1e-3 * largest));
    double allowed = std::max(tolerance.absolute, 0.0) + std::max(tolerance.relative, 0.0) * magnitude;
    result.outside += difference > allowed;
  }
}

int64_t placeOfLargest(const void *data, Loader loader, int64_t begin, int64_t length) {
  int64_t place = 0;
  for (int64_t i = 1; i < length; ++i)
    if (loader(data, begin + i) > loader(data, begin + place))
      place = i;
  return place;
}

void countSameTops(const void *ours, const void *theirs, Loader loader, int64_t length, Difference &result) {
  result.rows = length > 0 ? result.elements / length : 0;
  for (int64_t begin = 0; begin < result.rows * length; begin += length)
    result.sameTop += placeOfLargest(ours, loader, begin, length) == placeOfLargest(theirs, loader, begin, length);
}

std::string compareOutput(const thresh_output &ours, const std::string &path, const Tolerance &tolerance,
                          Difference &result) {
  thresh_npy_array theirs = {};
  thresh_status status;
  if (thresh_npy_read(path.c_str(), &theirs, &status) != THRESH_OK)
    return status.message;
  result.type = describeTensor(ours.dtype, ours.shape, ours.rank);
  std::string theirType = describeTensor(theirs.dtype, theirs.shape, theirs.rank);
  std::string wrong;
  if (result.type != theirType) {
    wrong = "output '" + result.name + "' expects " + theirType + " as theirs, but got " + result.type;
  } else {
    result.elements = int64_t(ours.bytes / thresh_dtype_size(ours.dtype));
    measure(ours.data, theirs.data, kLoaders[ours.dtype], tolerance, result);
    if (ours.rank > 1 && isFloat(ours.dtype))
      countSameTops(ours.data, theirs.data, kLoaders[ours.dtype], ours.shape[ours.rank - 1], result);
  }
  free(theirs.data);
  return wrong;
}

/// Pairs outputs by name; a single output on each side is a pair whatever the names. Outputs of ours that
/// have no pair are passed over if not `all` are wanted.
std::string compareOutputs(const ModelRun &run, const nlohmann::json &files, bool all, const Tolerance &tolerance,
                           std::vector<Difference> &differences) {
  for (int32_t i = 0; i < run.entry().num_outputs; ++i) {
    Difference difference;
    difference.name = run.entry().outputs[i].name;
    auto file = files.find(difference.name);
    if (file == files.end() && files.size() == 1 && run.entry().num_outputs == 1)
      file = files.begin();
    if (file == files.end() && !all)
      continue;
    if (file == files.end() || !file->is_string())
      return "the other side has no output '" + difference.name + "'";
    std::string wrong = compareOutput(run.runOutputs()[i], file->get<std::string>(), tolerance, difference);
    if (!wrong.empty())
      return wrong;
    differences.push_back(difference);
  }
  return "";
}

//===-----------------------------------------------------------------------===//
// Report
//===-----------------------------------------------------------------------===//

/// JSON has no infinity: it becomes null.
void printJson(const std::vector<Difference> &differences, bool pass) {
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for (const Difference &each : differences)
    outputs.push_back({{"name", each.name},
                       {"type", each.type},
                       {"max_abs", each.maxAbsolute},
                       {"max_rel", each.maxRelative},
                       {"worst_element", each.worst},
                       {"outside", each.outside},
                       {"elements", each.elements},
                       {"rows", each.rows},
                       {"same_top", each.sameTop}});
  nlohmann::ordered_json report = {{"outputs", outputs}, {"pass", pass}};
  std::printf("%s\n", report.dump(2).c_str());
}

void printTable(const std::vector<Difference> &differences, const Tolerance &tolerance) {
  std::printf("%-24s %-24s %12s %12s %16s\n", "output", "type", "max abs", "max rel", "same top of rows");
  for (const Difference &each : differences) {
    std::string tops = each.rows ? std::to_string(each.sameTop) + "/" + std::to_string(each.rows) : "";
    std::printf("%-24s %-24s %12.3e %12.3e %16s\n", each.name.c_str(), each.type.c_str(), each.maxAbsolute,
                each.maxRelative, tops.c_str());
    if (tolerance.given() && each.outside)
      std::printf("  outside the tolerance: %lld of %lld elements, the farthest is element %lld\n",
                  static_cast<long long>(each.outside), static_cast<long long>(each.elements),
                  static_cast<long long>(each.worst));
  }
}

int fail(const std::string &message) {
  std::fprintf(stderr, "thresh compare: error: %s\n", message.c_str());
  return 1;
}

//===-----------------------------------------------------------------------===//
// What to compare with
//===-----------------------------------------------------------------------===//

using NamedFiles = std::map<std::string, std::string>;

bool isLibrary(const std::string &name) {
  const std::string suffix = ".so";
  return name.size() > suffix.size() && !name.compare(name.size() - suffix.size(), suffix.size(), suffix);
}

std::string checkRequest(const RunRequest &request, const NamedFiles &expected) {
  if (request.rival.empty() == expected.empty())
    return "expects either --against onnxruntime, --against OTHER.so or --expect NAME=X.npy";
  if (!request.rivalModel.empty() && (request.rival.empty() || isLibrary(request.rival)))
    return "--model is for --against onnxruntime";
  return "";
}

std::string checkExpected(const ModelRun &run, const NamedFiles &expected) {
  for (const auto &[name, path] : expected) {
    const thresh_tensor_info *outputs = run.entry().outputs;
    if (std::none_of(outputs, outputs + run.entry().num_outputs,
                     [&](const thresh_tensor_info &output) { return name == output.name; }))
      return "'--expect': the library has no output '" + name + "'";
  }
  return "";
}

/// Runs the other library on the same inputs.
std::string runLibrary(const RunRequest &request, ModelRun &other, nlohmann::json &files) {
  RunRequest theirs = request;
  theirs.library = request.rival;
  std::string wrong = other.open(theirs);
  if (wrong.empty())
    wrong = other.run();
  if (wrong.empty())
    wrong = other.saveOutputs(files);
  return wrong.empty() ? wrong : "'" + request.rival + "': " + wrong;
}

std::string runRival(const RunRequest &request, ModelRun &run, nlohmann::json &files) {
  Rival rival;
  nlohmann::json answer;
  std::string wrong = run.startRival(request, rival, answer);
  if (wrong.empty())
    wrong = rival.ask({{"do", "save"}, {"folder", run.scratch()}}, answer);
  if (wrong.empty())
    files = answer["outputs"];
  return wrong;
}

/// Runs both sides, and measures how far the outputs are apart.
std::string compareAll(const RunRequest &request, const NamedFiles &expected, const Tolerance &tolerance,
                       std::vector<Difference> &differences) {
  ModelRun run, other;
  nlohmann::json files(expected);
  std::string wrong = checkRequest(request, expected);
  if (wrong.empty())
    wrong = run.open(request);
  if (wrong.empty())
    wrong = checkExpected(run, expected);
  if (wrong.empty() && !request.rival.empty())
    wrong = isLibrary(request.rival) ? runLibrary(request, other, files) : runRival(request, run, files);
  if (wrong.empty())
    wrong = run.run();
  return wrong.empty() ? compareOutputs(run, files, expected.empty(), tolerance, differences) : wrong;
}

} // namespace

int compareCommand(int argc, char **argv) {
  RunRequest request;
  NamedFiles expected;
  Tolerance tolerance;
  bool json = false;
  CommandSyntax syntax = {
      "thresh compare", "OUT.so",
      "Runs a compiled library and another engine, or another library, on the same inputs, or takes the outputs\n"
      "expected from files, and prints for each output the largest absolute error, the largest relative error:\n"
      "|ours - theirs| over |theirs|, taken as at least a thousandth of the output's largest magnitude, and in how\n"
      "many rows the largest element is the same (the likeliest token, where the output is logits). Exit code 1 when\n"
      "an element is outside the tolerance, if one is given: |ours - theirs| <= atol + rtol * |theirs|.",
      runOptions(request, "--against", "OTHER", "the other side: onnxruntime, or a compiled library OTHER.so")};
  syntax.options.push_back({"--expect", "NAME=X.npy",
                            "an output's expected value, instead of --against; others are not compared",
                            storeNamedText(expected)});
  syntax.options.push_back({"--entry", "NAME", "entry point to run; default: the first", storeText(request.entry)});
  syntax.options.push_back({"--atol", "X", "absolute tolerance", storeReal(tolerance.absolute, 0)});
  syntax.options.push_back({"--rtol", "X", "relative tolerance", storeReal(tolerance.relative, 0)});
  syntax.options.push_back({"--json", nullptr, "print one JSON object", storeFlag(json)});
  ParseResult parsed = parseCommandLine(syntax, argc, argv, request.library);
  if (parsed != ParseResult::Run)
    return parsed == ParseResult::Failed;

  std::vector<Difference> differences;
  if (std::string wrong = compareAll(request, expected, tolerance, differences); !wrong.empty())
    return fail(wrong);
  bool pass = !tolerance.given() || std::all_of(differences.begin(), differences.end(),
                                                [](const Difference &each) { return each.outside == 0; });
  if (json)
    printJson(differences, pass);
  else
    printTable(differences, tolerance);
  return pass ? 0 : 1;
}

} // namespace thresh
