//===- Signature.h - What an entry point takes and gives ---------------------===//
#ifndef THRESH_COMPILER_PIPELINE_SIGNATURE_H
#define THRESH_COMPILER_PIPELINE_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace thresh {

/// One input or output, as runtime/include/thresh/abi.h declares it.
struct SignatureTensor {
  std::string name;
  int dtype = 0;                       ///< thresh_dtype
  std::vector<int64_t> shape;          ///< -1 where dynamic
  std::vector<std::string> dimSymbols; ///< "" where static
  bool optional = false;               ///< an input that the caller may leave out
  int64_t defaultValue = 0;            ///< what an omitted input is filled with
  std::string alias;                   ///< the input whose memory an output may be given; "" for none
};

/// What a token is expected to read of a state.
struct StateRead {
  std::string state;
  int64_t rowBytes = 0;     ///< of one token
  int64_t rows = 0;         ///< most that it sees
  int64_t scannedBytes = 0; ///< of each row that it sees
  int64_t chosenRows = 0;   ///< of which it reads the rest, too
};

struct Signature {
  std::string name; ///< of the entry point: "main"
  std::vector<SignatureTensor> inputs;
  std::vector<SignatureTensor> outputs;
  int tokenInput = -1; ///< input (attribute thresh.tokens) whose last extent counts the tokens of a call; -1: none
  // Known once kernels are:
  int64_t weightBytes = 0;           ///< of parameters that a call reads when every dynamic extent is 1
  int64_t denseWeightBytes = 0;      ///< if it chose none of their rows
  std::vector<StateRead> stateReads; ///< by state
};

/// Reads an entry point of the graph stage: its types and the attributes thresh.name, thresh.dims, thresh.dtype,
/// thresh.default, thresh.tokens and thresh.alias of arguments and results. Emits an error for types that the ABI does
/// not have, names that occur twice, and functions that cannot be entry points: of no block or several, or with calls.
mlir::FailureOr<Signature> readSignature(mlir::func::FuncOp function);

/// The name of a thresh_dtype: "f32".
const char *dtypeName(int dtype);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_SIGNATURE_H
