//===- KernelTimes.h - What each kernel of a run takes ----------------------===//
//
// Listens to a session's kernels as they run in the model, so that caches are as cold as they are there and the times
// add up to that of a call.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_KERNELTIMES_H
#define THRESH_COMPILER_TOOLS_KERNELTIMES_H

#include "compiler/Tools/Latencies.h"
#include "nlohmann/json.hpp"
#include "thresh/thresh.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thresh {

class KernelTimes {
public:
  /// Reads from the metadata what the launches of an entry point are. Returns what went wrong, or an empty string.
  std::string open(const thresh_model *model, const std::string &entry);

  /// Listens to the session until it is freed or listens to another; this object must live as long.
  std::string attach(thresh_session *session);
  /// The next call starts now: its first kernel is timed from here.
  void startCall() { last = Clock::now(); }

  /// A table, the slowest kernel first. `position`: tokens that the session holds in the calls, -1 if it keeps none.
  /// `readBandwidth` in bytes a second.
  void print(int64_t position, double readBandwidth) const;
  nlohmann::ordered_json toJson(int64_t position, double readBandwidth) const;

private:
  /// As thresh_abi_state_reads, with the bytes of a whole row.
  struct StateReads {
    double rowBytes, rows, scannedBytes, chosenRows;
  };
  struct Launch {
    size_t kernel;
    double weightBytes = 0;
    std::vector<StateReads> states;
    std::vector<double> seconds; ///< one for each call
  };
  /// All launches of a kernel in one call.
  struct Row {
    std::string name, operand;
    size_t launches = 0;
    double seconds = 0, bytes = 0;
  };
  static void hear(void *context, int32_t launch);
  std::vector<Row> makeRows(int64_t position) const;

  std::vector<Launch> launches;
  std::vector<Row> kernels; ///< names and operands, nothing measured
  Clock::time_point last;
};

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_KERNELTIMES_H
