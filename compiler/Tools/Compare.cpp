//===- Compare.cpp - thresh compare: our outputs against a rival's ----------===//
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

//===-----------------------------------------------------------------------===//
// One output
//===-----------------------------------------------------------------------===//

struct Tolerance {
  double absolute = -1; ///< negative: not given
  double relative = -1;
  bool given() const { return absolute >= 0 || relative >= 0; }
};

/// How far an output is from the rival's.
struct Difference {
  std::string name;
  std::string type; ///< "f32[1,128,384]"
  double maxAbsolute = 0;
  double maxRelative = 0;
  int64_t worst = 0;   ///< element of the largest absolute difference
  int64_t outside = 0; ///< elements outside the tolerance
  int64_t elements = 0;
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
    wrong = "output '" + result.name + "' expects " + theirType + " as the rival's, but got " + result.type;
  } else {
    result.elements = int64_t(ours.bytes / thresh_dtype_size(ours.dtype));
    measure(ours.data, theirs.data, kLoaders[ours.dtype], tolerance, result);
  }
  free(theirs.data);
  return wrong;
}

/// Pairs outputs by name; a single output on each side is a pair whatever the names.
std::string compareOutputs(const ModelRun &run, const nlohmann::json &files, const Tolerance &tolerance,
                           std::vector<Difference> &differences) {
  for (int32_t i = 0; i < run.entry().num_outputs; ++i) {
    Difference difference;
    difference.name = run.entry().outputs[i].name;
    auto file = files.find(difference.name);
    if (file == files.end() && files.size() == 1 && run.entry().num_outputs == 1)
      file = files.begin();
    if (file == files.end() || !file->is_string())
      return "the rival has no output '" + difference.name + "'";
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
                       {"elements", each.elements}});
  nlohmann::ordered_json report = {{"outputs", outputs}, {"pass", pass}};
  std::printf("%s\n", report.dump(2).c_str());
}

void printTable(const std::vector<Difference> &differences, const Tolerance &tolerance) {
  std::printf("%-24s %-24s %12s %12s\n", "output", "type", "max abs", "max rel");
  for (const Difference &each : differences) {
    std::printf("%-24s %-24s %12.3e %12.3e\n", each.name.c_str(), each.type.c_str(), each.maxAbsolute,
                each.maxRelative);
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

} // namespace

int compareCommand(int argc, char **argv) {
  RunRequest request;
  Tolerance tolerance;
  bool json = false;
  CommandSyntax syntax = {
      "thresh compare", "OUT.so",
      "Runs a compiled library and another engine on the same inputs, and prints for each output the\n"
      "largest absolute error, and the largest relative error: |ours - theirs| over |theirs|, taken as\n"
      "at least a thousandth of the output's largest magnitude. Exit code 1 when an element is outside\n"
      "the tolerance, if one is given: |ours - theirs| <= atol + rtol * |theirs|.",
      runOptions(request, "--against")};
  syntax.options.push_back({"--atol", "X", "absolute tolerance", storeReal(tolerance.absolute, 0)});
  syntax.options.push_back({"--rtol", "X", "relative tolerance", storeReal(tolerance.relative, 0)});
  syntax.options.push_back({"--json", nullptr, "print one JSON object", storeFlag(json)});
  ParseResult parsed = parseCommandLine(syntax, argc, argv, request.library);
  if (parsed != ParseResult::Run)
    return parsed == ParseResult::Failed;
  if (request.rival.empty())
    return fail("expects --against onnxruntime");

  ModelRun run;
  Rival rival;
  nlohmann::json answer;
  std::string wrong = run.open(request);
  if (wrong.empty())
    wrong = run.startRival(request, rival, answer);
  if (wrong.empty())
    wrong = rival.ask({{"do", "save"}, {"folder", run.scratch()}}, answer);
  if (wrong.empty())
    wrong = run.run();
  std::vector<Difference> differences;
  if (wrong.empty())
    wrong = compareOutputs(run, answer["outputs"], tolerance, differences);
  if (!wrong.empty())
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
