//===- ModelRun.cpp - a compiled library, its inputs, and a rival beside it -===//
#include "compiler/Tools/ModelRun.h"

#include "runtime/Tools/inputs.h"
#include "runtime/Tools/npy.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace thresh {
namespace {

/// The C structs take names they never write to.
char *borrow(const std::string &text) { return const_cast<char *>(text.c_str()); }

std::vector<thresh_named_number> borrowNumbers(const std::map<std::string, int64_t> &numbers) {
  std::vector<thresh_named_number> list;
  for (const auto &[name, number] : numbers)
    list.push_back({borrow(name), number});
  return list;
}

/// Writes a tensor, an input or an output, as `path`.
template <typename Tensor> std::string save(const Tensor &tensor, const std::string &path) {
  thresh_npy_array array = {tensor.dtype, tensor.rank, {}, const_cast<void *>(tensor.data), tensor.bytes};
  std::copy_n(tensor.shape, tensor.rank, array.shape);
  thresh_staged_file file = {};
  thresh_status status;
  if (thresh_npy_stage(path.c_str(), &array, &file, &status) != THRESH_OK)
    return status.message;
  thresh_code code = thresh_staged_file_commit(&file, &status);
  thresh_staged_file_discard(&file);
  return code == THRESH_OK ? "" : status.message;
}

/// The member `name` of a JSON object; an empty array when there is none.
const nlohmann::json &member(const nlohmann::json &object, const char *name) {
  static const nlohmann::json none = nlohmann::json::array();
  auto found = object.find(name);
  return found == object.end() ? none : *found;
}

} // namespace

std::vector<CommandOption> runOptions(RunRequest &request, const char *rivalOption, const char *argument,
                                      const char *help) {
  return {
      {rivalOption, argument, help, storeText(request.rival)},
      {"--model", "M.onnx", "the rival's model", storeText(request.rivalModel)},
      {"--dim", "NAME=N", "extent of a dynamic dimension; 1 where not given", storeNamedInteger(request.dims, 0)},
      {"--input", "NAME=X.npy", "an input from a file; the others are random", storeNamedText(request.inputFiles)},
      {"--seed", "N", "seed of the random inputs; default 1", storeInteger(request.seed, 0, INT64_MAX)},
      {"--random-max", "[NAME=]N",
       "largest random integer, of all inputs or of one; default 1, which suits\ntoken ids, masks and token types "
       "alike",
       storeIntegerFor(request.randomMaxima, 0)},
      {"--threads", "N", "threads of both engines; default: all CPUs of the process",
       storeInteger(request.threads, 1, 256)},
      {"--target", "T", "the variant of the library to run; default: the best one here", storeText(request.target)},
      {"--python", "PATH", "interpreter that has the rival; default: .venv of the build", storeText(request.python)},
  };
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!folder.empty())
    std::filesystem::remove_all(folder, ignored);
}

std::string ScratchFolder::make() {
  std::error_code failed;
  std::filesystem::path parent = std::filesystem::temp_directory_path(failed);
  std::string pattern = (parent / "thresh-XXXXXX").string();
  if (failed || !mkdtemp(pattern.data()))
    return std::string("cannot make a temporary folder: ") + (failed ? failed.message() : std::strerror(errno));
  folder = pattern;
  return "";
}

ModelRun::~ModelRun() {
  if (!inputs.empty())
    thresh_inputs_free(inputs.data(), int32_t(inputs.size()));
  thresh_session_free(session);
  thresh_model_close(model);
}

std::string ModelRun::open(const RunRequest &request) {
  thresh_status status;
  if (request.threads && thresh_set_num_threads(int32_t(request.threads), &status) != THRESH_OK)
    return status.message;
  thresh_open_options options = {};
  options.target = request.target.empty() ? nullptr : request.target.c_str();
  if (thresh_model_open(request.library.c_str(), &options, &model, &status) != THRESH_OK ||
      thresh_session_create(model, &session, &status) != THRESH_OK)
    return status.message;
  if (!request.entry.empty())
    entryIndex = thresh_model_find_entry(model, request.entry.c_str());
  if (entryIndex < 0)
    return "the library has no entry '" + request.entry + "'";
  outputs.resize(entry().num_outputs);
  return makeInputs(request);
}

std::string ModelRun::makeInputs(const RunRequest &request) {
  std::vector<thresh_named_file> files;
  for (const auto &[name, path] : request.inputFiles)
    files.push_back({borrow(name), borrow(path)});
  std::vector<thresh_named_number> dims = borrowNumbers(request.dims);
  std::vector<thresh_named_number> maxima = borrowNumbers(request.randomMaxima);
  if (!maxima.empty() && !*maxima[0].name)
    maxima[0].name = nullptr;

  thresh_input_sources sources = {};
  sources.files = files.data();
  sources.num_files = int(files.size());
  sources.random = 1;
  sources.seed = uint64_t(request.seed);
  sources.dims = dims.data();
  sources.num_dims = int(dims.size());
  sources.maxima = maxima.data();
  sources.num_maxima = int(maxima.size());

  std::vector<thresh_input> made(entry().num_inputs);
  int32_t count = 0;
  thresh_status status;
  if (thresh_inputs_make(&entry(), &sources, made.data(), &count, &status) != THRESH_OK)
    return status.message;
  made.resize(count);
  inputs = std::move(made);
  return "";
}

const thresh_tensor_info *ModelRun::declaration(const char *name) const {
  for (int32_t i = 0; i < entry().num_inputs; ++i)
    if (!std::strcmp(entry().inputs[i].name, name))
      return &entry().inputs[i];
  return nullptr;
}

std::string ModelRun::listen(KernelTimes &times) {
  std::string wrong = times.open(model, entry().name);
  return wrong.empty() ? times.attach(session) : wrong;
}

std::string ModelRun::run() {
  thresh_status status;
  thresh_session_run(session, entryIndex, inputs.data(), int32_t(inputs.size()), outputs.data(),
                     int32_t(outputs.size()), &status);
  return status.message;
}

std::string ModelRun::saveOutputs(nlohmann::json &files) {
  if (std::string wrong = folder.make(); !wrong.empty())
    return wrong;
  files = nlohmann::json::object();
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::string path = folder.path() + "/output" + std::to_string(i) + ".npy";
    if (std::string wrong = save(outputs[i], path); !wrong.empty())
      return wrong;
    files[entry().outputs[i].name] = path;
  }
  return "";
}

std::string ModelRun::startRival(const RunRequest &request, Rival &rival, nlohmann::json &answer) {
  if (request.rival != "onnxruntime")
    return "expects the rival onnxruntime, but got '" + request.rival + "'";
  if (request.rivalModel.empty())
    return "expects --model M.onnx for the rival " + request.rival;
  if (std::string wrong = folder.make(); !wrong.empty())
    return wrong;

  nlohmann::json files = nlohmann::json::object();
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::string path = folder.path() + "/input" + std::to_string(i) + ".npy";
    if (std::string wrong = save(inputs[i], path); !wrong.empty())
      return wrong;
    files[inputs[i].name] = path;
  }
  std::string wrong = rival.start(request.rival, request.python);
  if (wrong.empty())
    wrong = rival.ask({{"do", "open"},
                       {"model", request.rivalModel},
                       {"threads", thresh_num_threads()},
                       {"inputs", files},
                       {"defaults", describeDefaults()}},
                      answer);
  return wrong;
}

std::map<std::string, int64_t> ModelRun::extents() const {
  std::map<std::string, int64_t> extents;
  for (const thresh_input &input : inputs)
    if (const thresh_tensor_info *info = declaration(input.name))
      for (int d = 0; d < info->rank; ++d)
        if (info->shape[d] < 0)
          extents[info->dim_symbols[d]] = input.shape[d];
  return extents;
}

nlohmann::json ModelRun::describeDefaults() const {
  std::map<std::string, int64_t> known = extents();
  nlohmann::json defaults = nlohmann::json::object();
  for (int32_t i = 0; i < entry().num_inputs; ++i) {
    const thresh_tensor_info &info = entry().inputs[i];
    bool given = std::any_of(inputs.begin(), inputs.end(),
                             [&](const thresh_input &input) { return !std::strcmp(input.name, info.name); });
    if (given || !info.optional)
      continue;
    nlohmann::json shape = nlohmann::json::array();
    for (int d = 0; d < info.rank; ++d)
      shape.push_back(info.shape[d] < 0 ? known[info.dim_symbols[d]] : info.shape[d]);
    defaults[info.name] = {
        {"shape", shape}, {"value", info.default_value}, {"dtype", thresh_dtype_name(thresh_dtype(info.dtype))}};
  }
  return defaults;
}

double ModelRun::countFlops() const {
  std::map<std::string, int64_t> known = extents();
  nlohmann::json metadata = nlohmann::json::parse(thresh_model_metadata(model), nullptr, false);
  double sum = 0;
  for (const nlohmann::json &launch : member(metadata, "launches")) {
    if (member(launch, "entry") != entry().name)
      continue;
    for (const nlohmann::json &factors : member(launch, "flops")) {
      double product = 1;
      for (const nlohmann::json &factor : factors) {
        std::string text = factor.is_string() ? factor.get<std::string>() : "";
        auto extent = known.find(text);
        char *end = nullptr;
        product *= extent != known.end() ? double(extent->second) : std::strtod(text.c_str(), &end);
        if (extent == known.end() && (text.empty() || *end))
          return 0;
      }
      sum += product;
    }
  }
  return sum;
}

std::string describeTensor(int dtype, const int64_t *shape, int rank) {
  std::string text = std::string(thresh_dtype_name(thresh_dtype(dtype))) + "[";
  for (int d = 0; d < rank; ++d)
    text += (d ? "," : "") + std::to_string(shape[d]);
  return text + "]";
}

} // namespace thresh
