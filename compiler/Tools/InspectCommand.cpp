//===- InspectCommand.cpp - thresh inspect --------------------------------------===//
//
// Reads the metadata section of a compiled library without loading it, so that libraries for other CPUs can be looked
// at.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Tools/InspectCommand.h"

#include "compiler/Pipeline/LibraryTable.h"
#include "compiler/Tools/CommandLine.h"

#include "nlohmann/json.hpp"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

using Json = nlohmann::ordered_json;

namespace thresh {

namespace {

/// The metadata text of a library; on failure `error` says why.
std::string readMetadata(const std::string &path, std::string &error) {
  auto file = llvm::object::ObjectFile::createObjectFile(path);
  if (!file) {
    error = llvm::toString(file.takeError());
    return "";
  }
  for (const llvm::object::SectionRef &section : file->getBinary()->sections()) {
    auto name = section.getName();
    if (!name) {
      llvm::consumeError(name.takeError());
      continue;
    }
    if (*name != kMetadataSection)
      continue;
    auto contents = section.getContents();
    if (contents)
      return contents->split('\0').first.str();
    error = llvm::toString(contents.takeError());
    return "";
  }
  error = "it has no section " + kMetadataSection.str() + ", so thresh did not compile it";
  return "";
}

std::string shapeOf(const Json &tensor) {
  std::string text = tensor.value("dtype", "?") + "[";
  bool first = true;
  for (const Json &extent : tensor["shape"]) {
    text += (first ? "" : ", ") + (extent.is_string() ? extent.get<std::string>() : extent.dump());
    first = false;
  }
  return text + "]";
}

void printSignature(const Json &metadata) {
  for (const Json &entry : metadata["entries"]) {
    llvm::outs() << "entry " << entry.value("name", "") << "\n";
    for (const char *role : {"inputs", "outputs"})
      for (const Json &tensor : entry[role]) {
        llvm::outs() << "  " << llvm::left_justify(role[0] == 'i' ? "input" : "output", 7)
                     << llvm::left_justify(tensor.value("name", ""), 24) << " " << shapeOf(tensor);
        if (tensor.contains("default"))
          llvm::outs() << "  (optional, filled with " << tensor["default"].dump() << ")";
        llvm::outs() << "\n";
      }
  }
}

void printKernels(const Json &metadata) {
  std::map<std::string, int> launches, ofEntry;
  for (const Json &launch : metadata["launches"]) {
    ++launches[launch.value("kernel", "")];
    ++ofEntry[launch.value("entry", "")];
  }
  llvm::outs() << "kernels (" << metadata["kernels"].size();
  for (const Json &entry : metadata["entries"])
    llvm::outs() << ", " << ofEntry[entry.value("name", "")] << " launches a call of " << entry.value("name", "");
  llvm::outs() << ")\n";
  for (const Json &kernel : metadata["kernels"]) {
    std::string name = kernel.value("name", "");
    llvm::outs() << "  " << llvm::left_justify(name, 26) << " x"
                 << llvm::left_justify(std::to_string(launches[name]), 4);
    for (const Json &operand : kernel["operands"])
      llvm::outs() << " " << shapeOf(operand);
    llvm::outs() << "\n";
  }
}

void printWeights(const Json &metadata, bool all) {
  const Json &weights = metadata["weights"];
  std::string file = weights.value("file", "");
  int64_t bytes = weights.value("bytes", int64_t(0));
  llvm::outs() << "weights " << llvm::format("%.1f MiB", bytes / 1048576.0) << " in " << weights["tensors"].size()
               << " tensors, "
               << (bytes == 0     ? "none needed"
                   : file.empty() ? "embedded"
                                  : file)
               << "\n";
  if (!all)
    return;
  for (const Json &tensor : weights["tensors"])
    llvm::outs() << "  " << llvm::left_justify(tensor.value("name", ""), 56) << " " << shapeOf(tensor) << " at "
                 << tensor.value("offset", int64_t(0)) << "\n";
}

/// What a session holds: one line for states that differ in their names only.
void printStates(const Json &metadata) {
  if (!metadata.contains("states"))
    return;
  const Json &states = metadata["states"];
  llvm::outs() << "session " << llvm::format("%.1f MiB", states.value("bytes", int64_t(0)) / 1048576.0) << " in "
               << states["list"].size() << " states, context of " << states.value("context", int64_t(0)) << " tokens\n";
  std::map<std::string, int> counts;
  for (const Json &state : states["list"]) {
    std::string window = state.contains("window") ? ", ring for a window of " + state["window"].dump() : "";
    ++counts[shapeOf(state) + window];
  }
  for (const auto &[text, count] : counts)
    llvm::outs() << "  " << llvm::left_justify("x" + std::to_string(count), 5) << text << "\n";
}

} // namespace

int inspectCommand(int argc, char **argv) {
  std::string path;
  bool json = false, tensors = false;
  CommandSyntax syntax{argv[0],
                       "OUT.so",
                       "Prints what a compiled library holds: signature, targets, kernels, weights, states, sizes. The "
                       "library is not loaded.",
                       {{"--json", nullptr, "print the metadata as JSON", storeFlag(json)},
                        {"--weights", nullptr, "list every packed tensor", storeFlag(tensors)}}};
  switch (parseCommandLine(syntax, argc, argv, path)) {
  case ParseResult::HelpPrinted: return 0;
  case ParseResult::Failed: return 1;
  case ParseResult::Run: break;
  }
  std::string error;
  std::string text = readMetadata(path, error);
  Json metadata = error.empty() ? Json::parse(text, nullptr, /*allow_exceptions=*/false) : Json();
  if (error.empty() && metadata.is_discarded())
    error = "its metadata is not JSON";
  if (!error.empty()) {
    llvm::errs() << argv[0] << ": error: cannot inspect '" << path << "': " << error << "\n";
    return 1;
  }
  if (json) {
    llvm::outs() << metadata.dump(2) << "\n";
    return 0;
  }
  uint64_t bytes = 0;
  (void)llvm::sys::fs::file_size(path, bytes);
  llvm::outs() << path << ": " << llvm::format("%.1f KiB", bytes / 1024.0) << ", compiled from "
               << metadata.value("model", "?") << " by " << metadata.value("compiler", "?") << "\n";
  if (metadata.value("approximate", false))
    llvm::outs() << "approximate: layers are sparse that were trained dense\n";
  llvm::outs() << "targets";
  for (const Json &target : metadata["targets"])
    llvm::outs() << " " << target.get<std::string>();
  llvm::outs() << "\n";
  printSignature(metadata);
  printKernels(metadata);
  printWeights(metadata, tensors);
  printStates(metadata);
  return 0;
}

} // namespace thresh
