//===- KernelTimes.cpp - What each kernel of a run takes --------------------===//
#include "compiler/Tools/KernelTimes.h"

#include <cstdio>
#include <map>

namespace thresh {
namespace {

using Json = nlohmann::json;

/// "u8[144,576,16,4]", of the operand with most elements: what tells kernels of one family apart.
std::string describeLargestOperand(const Json &kernel) {
  std::string text;
  double most = -1;
  for (const Json &operand : kernel.at("operands")) {
    double elements = 1;
    std::string shape;
    for (const Json &extent : operand.at("shape")) {
      bool isKnown = extent.is_number();
      elements *= isKnown ? extent.get<double>() : 1;
      shape += (shape.empty() ? "" : ",") + (isKnown ? extent.dump() : "?");
    }
    if (elements <= most)
      continue;
    most = elements;
    text = operand.at("dtype").get<std::string>() + "[" + shape + "]";
  }
  return text;
}

} // namespace

std::string KernelTimes::open(const thresh_model *model, const std::string &entry) {
  Json metadata = Json::parse(thresh_model_metadata(model), nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object() || !metadata.contains("launches") || !metadata.contains("kernels"))
    return "the library's metadata lists no launches";
  std::map<std::string, size_t> numbers;
  for (const Json &kernel : metadata["kernels"]) {
    numbers[kernel.at("name")] = kernels.size();
    kernels.push_back({kernel.at("name"), describeLargestOperand(kernel)});
  }
  for (const Json &record : metadata["launches"]) {
    if (record.at("entry") != entry)
      continue;
    launches.emplace_back();
    launches.back().kernel = numbers[record.at("kernel")];
    launches.back().weightBytes = record.value("weight_bytes", 0.0);
    for (const Json &state : record.value("states", Json::array()))
      launches.back().states.push_back({state.at("row_bytes"), state.at("rows"),
                                        state.value("scanned_bytes", state.at("row_bytes").get<double>()),
                                        state.value("chosen_rows", 0.0)});
  }
  return "";
}

std::string KernelTimes::attach(thresh_session *session) {
  thresh_status status;
  thresh_session_listen(session, hear, this, &status);
  return status.message;
}

void KernelTimes::hear(void *context, int32_t launch) {
  auto &times = *static_cast<KernelTimes *>(context);
  Clock::time_point now = Clock::now();
  if (launch >= 0 && size_t(launch) < times.launches.size())
    times.launches[size_t(launch)].seconds.push_back(std::chrono::duration<double>(now - times.last).count());
  times.last = Clock::now();
}

std::vector<KernelTimes::Row> KernelTimes::makeRows(int64_t position) const {
  std::vector<Row> rows = kernels;
  for (const Launch &launch : launches) {
    if (launch.seconds.empty())
      continue;
    Row &row = rows[launch.kernel];
    ++row.launches;
    row.seconds += Latencies::median(launch.seconds);
    row.bytes += launch.weightBytes;
    for (const StateReads &state : launch.states) {
      double seen = std::min(state.rows, double(position + 1));
      row.bytes += seen * state.scannedBytes + std::min(seen, state.chosenRows) * (state.rowBytes - state.scannedBytes);
    }
  }
  rows.erase(std::remove_if(rows.begin(), rows.end(), [](const Row &row) { return row.launches == 0; }), rows.end());
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return a.seconds > b.seconds; });
  return rows;
}

void KernelTimes::print(int64_t position, double readBandwidth) const {
  std::vector<Row> rows = makeRows(position);
  Row total = {"all", "", 0, 0, 0};
  for (const Row &row : rows) {
    total.launches += row.launches;
    total.seconds += row.seconds;
    total.bytes += row.bytes;
  }
  std::printf("%-30s %9s %10s %7s %11s %10s %8s %8s  %s\n", "kernel", "launches", "ms a call", "share", "us a launch",
              "MB a call", "GB/s", "of read", "largest operand");
  rows.push_back(total);
  for (const Row &row : rows) {
    std::printf("%-30s %9zu %10.3f %5.1f %% %11.2f", row.name.c_str(), row.launches, row.seconds * 1e3,
                100 * row.seconds / total.seconds, row.seconds / double(row.launches) * 1e6);
    if (row.bytes > 0)
      std::printf(" %10.2f %8.2f %6.1f %%", row.bytes / 1e6, row.bytes / row.seconds / 1e9,
                  100 * row.bytes / row.seconds / readBandwidth);
    else
      std::printf(" %10s %8s %8s", "", "", "");
    std::printf("  %s\n", row.operand.c_str());
  }
}

nlohmann::ordered_json KernelTimes::toJson(int64_t position, double readBandwidth) const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Row &row : makeRows(position)) {
    nlohmann::ordered_json json = {
        {"kernel", row.name}, {"launches", row.launches}, {"seconds", row.seconds}, {"largest_operand", row.operand}};
    if (row.bytes > 0) {
      json["bytes"] = row.bytes;
      json["share_of_read"] = row.bytes / row.seconds / readBandwidth;
    }
    list.push_back(json);
  }
  return list;
}

} // namespace thresh
