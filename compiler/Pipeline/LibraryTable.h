//===- LibraryTable.h - The table that a library exports ----------------------===//
#ifndef THRESH_COMPILER_PIPELINE_LIBRARYTABLE_H
#define THRESH_COMPILER_PIPELINE_LIBRARYTABLE_H

#include "compiler/Pipeline/Signature.h"
#include "compiler/Weights/Weights.h"

#include "llvm/IR/Module.h"

#include <memory>
#include <optional>

namespace thresh {

/// One target's code in the library.
struct LibraryVariant {
  std::string target;
  uint64_t cpuFeatures = 0;
  std::vector<std::string> functions; ///< symbol per entry point
};

/// Memory that a session keeps between calls.
struct LibraryState {
  std::string name;
  int dtype = 0; ///< thresh_dtype
  std::vector<int64_t> shape;
  int64_t offset = 0; ///< bytes, a multiple of 64
  int64_t bytes = 0;
  int64_t window = 0; ///< tokens that a token looks back on, itself included; 0: all
};

/// How the tokens of a language model are chosen by default; see thresh_abi_generation. The values here change nothing.
struct LibraryGeneration {
  std::vector<int64_t> stopTokens;
  bool doSample = false;
  int64_t bosToken = -1;
  float temperature = 1;
  float topP = 1;
  float repetitionPenalty = 1;
  int32_t topK = 0;
};

/// All that the table says; see thresh_abi_library in runtime/include/thresh/abi.h.
struct LibraryDescription {
  std::vector<Signature> entries;
  std::vector<LibraryVariant> variants; ///< best first
  std::string metadata;                 ///< JSON
  std::string weightsFile;              ///< name beside the library; empty when embedded or none
  std::string weightsSymbol;            ///< of embedded weights; empty otherwise
  PackedWeights weights;
  std::vector<LibraryState> states;
  int64_t stateBytes = 0;
  int64_t context = 0; ///< most tokens that a session can hold; 0 without states
  std::optional<LibraryGeneration> generation;
  bool isApproximate = false;         ///< layers are sparse that were trained dense
  std::vector<std::string> tokenizer; ///< files beside the library, for its metadata
};

/// A module with the constant `thresh_library`, the only exported symbol, and the metadata once more in the section
/// ".thresh.metadata", where `thresh inspect` finds it without loading the library.
std::unique_ptr<llvm::Module> buildLibraryTable(const LibraryDescription &library, llvm::LLVMContext &context);

/// The section that holds the metadata.
constexpr llvm::StringLiteral kMetadataSection = ".thresh.metadata";

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_LIBRARYTABLE_H
