//===- Weights.h - Packing a module's parameters ------------------------------===//
//
// Streams the parameters of a module from the model's files into one packed safetensors file, or into a
// section of an object file. Memory stays bounded however large the weights are.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_WEIGHTS_WEIGHTS_H
#define THRESH_COMPILER_WEIGHTS_WEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/TargetParser/Triple.h"

#include <string>
#include <vector>

namespace thresh {

/// A matrix whose rows lie in a record.
struct RecordPart {
  std::string name;
  mlir::RankedTensorType type;
  int64_t offset = 0; ///< bytes from the start of the record
};

/// One tensor of the packed data.
struct PackedTensor {
  std::string name; ///< unique in the file
  mlir::RankedTensorType type;
  int64_t offset = 0; ///< bytes from the start of the data; a multiple of 64, of 4096 for big tensors
  int64_t bytes = 0;
  std::vector<RecordPart> parts; ///< of records
};

/// What the packed data looks like.
struct PackedWeights {
  std::vector<PackedTensor> tensors; ///< by offset; parameters of equal source and layout share one
  llvm::StringMap<int64_t> offsets;  ///< by symbol of the parameter
  int64_t dataBytes = 0;
  int64_t headerBytes = 0; ///< of the file, before the data: a multiple of 4096
  uint64_t id = 0;         ///< FNV-1a 64 of the header, which holds a hash of the data; 0 until packed
};

/// Lays the data out without reading any: everything but `id`. Fails, with an error at the parameter, when
/// its stored type, its packing and its type do not fit together.
mlir::LogicalResult layoutWeights(mlir::ModuleOp module, PackedWeights &result);

/// Writes `outFile`: a safetensors file whose data starts at a multiple of 4096 bytes, gaps filled by U8
/// tensors named "__pad_N". The file appears whole or, on failure, not at all.
mlir::LogicalResult packWeights(mlir::ModuleOp module, llvm::StringRef outFile, PackedWeights &result);

/// Writes `outFile`: a relocatable 64-bit ELF object of `target` with the data alone in a read-only section
/// aligned to 4096 bytes, at the hidden global `symbol`. Whole or not at all. `id` is that of the file
/// which packWeights would write.
mlir::LogicalResult writeWeightsObject(mlir::ModuleOp module, llvm::StringRef outFile, llvm::StringRef symbol,
                                       const llvm::Triple &target, PackedWeights &result);

} // namespace thresh

#endif // THRESH_COMPILER_WEIGHTS_WEIGHTS_H
