//===- ModelRun.h - a compiled library, its inputs, and a rival beside it ---===//
//
// What `thresh bench` and `thresh compare` share: both run one library and one rival on the same inputs.
// Functions return what went wrong, or an empty string.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_MODELRUN_H
#define THRESH_COMPILER_TOOLS_MODELRUN_H

#include "compiler/Tools/CommandLine.h"
#include "compiler/Tools/KernelTimes.h"
#include "compiler/Tools/Rival.h"
#include "thresh/thresh.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thresh {

/// The options that say what to run and on what.
struct RunRequest {
  std::string library;
  std::string rival;      ///< "" for none
  std::string rivalModel; ///< the .onnx file
  std::string python;     ///< interpreter for the rival; "" for the one of the set-up
  std::string target;     ///< variant to run; "" for the best
  std::string entry;      ///< entry point to run; "" for the first
  int64_t threads = 0;    ///< 0: every CPU of the process
  int64_t seed = 1;
  std::map<std::string, int64_t> dims;
  std::map<std::string, int64_t> randomMaxima; ///< largest random integer by input; "" stands for all
  std::map<std::string, std::string> inputFiles;
};

/// The rows of those options for a command's table; the first names the rival, "--vs" or "--against".
std::vector<CommandOption> runOptions(RunRequest &request, const char *rivalOption, const char *argument,
                                      const char *help);

/// A folder that goes with its contents when this does.
class ScratchFolder {
public:
  ~ScratchFolder();
  std::string make();
  const std::string &path() const { return folder; }

private:
  std::string folder;
};

/// One library with inputs made.
class ModelRun {
public:
  ModelRun() = default;
  ModelRun(const ModelRun &) = delete;
  ModelRun &operator=(const ModelRun &) = delete;
  ~ModelRun();

  /// Opens the library and makes the inputs of the entry point.
  std::string open(const RunRequest &request);
  /// Runs once; the outputs belong to the session until the next run.
  std::string run();
  /// Has `times` listen to the later runs; it must live as long as they last.
  std::string listen(KernelTimes &times);
  /// Writes the outputs of the last run as .npy files; `files` gets their paths by name.
  std::string saveOutputs(nlohmann::json &files);
  /// Starts the rival of the request on the same inputs and thread count.
  /// `answer` gets what the rival says about itself.
  std::string startRival(const RunRequest &request, Rival &rival, nlohmann::json &answer);

  const thresh_entry_info &entry() const { return *thresh_model_entry(model, entryIndex); }
  /// Floating-point operations of a run's contractions on these inputs, 2 for a multiply-add, as the library's
  /// metadata tells; 0 when it does not.
  double countFlops() const;
  /// Bytes of the library's packed weights.
  uint64_t weightBytes() const { return thresh_model_table(model)->weights_bytes; }
  const char *target() const { return thresh_model_target(model); }
  const std::vector<thresh_input> &runInputs() const { return inputs; }
  const std::vector<thresh_output> &runOutputs() const { return outputs; }
  /// A folder for files that go with this object; made by startRival and saveOutputs.
  const std::string &scratch() const { return folder.path(); }

private:
  std::string makeInputs(const RunRequest &request);
  const thresh_tensor_info *declaration(const char *name) const;
  /// What each dynamic dimension is in this run.
  std::map<std::string, int64_t> extents() const;
  /// The optional inputs that the run leaves out, for a rival that knows no defaults: shape, value and dtype by name.
  nlohmann::json describeDefaults() const;

  thresh_model *model = nullptr;
  thresh_session *session = nullptr;
  int32_t entryIndex = 0;
  std::vector<thresh_input> inputs;
  std::vector<thresh_output> outputs;
  ScratchFolder folder;
};

/// "i64[1,128]".
std::string describeTensor(int dtype, const int64_t *shape, int rank);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_MODELRUN_H
