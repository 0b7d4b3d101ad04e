//===- CheckpointTensors.h - The tensors of a checkpoint folder --------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTTENSORS_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTTENSORS_H

#include "compiler/Frontend/Checkpoint/Safetensors.h"

#include "llvm/ADT/StringMap.h"

#include <optional>

namespace thresh {

/// Where each tensor of a checkpoint lies: one `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. A single file wins when both are there. Or noise instead of files.
class CheckpointTensors {
public:
  static llvm::Expected<CheckpointTensors> open(llvm::StringRef folder);

  /// Noise: no tensor is found, but any may be had from the seed, in F32.
  static CheckpointTensors random(int64_t seed);

  /// The seed, if the tensors are noise.
  std::optional<int64_t> getSeed() const { return seed; }

  /// The tensor called `name`, or null.
  const StoredTensor *find(llvm::StringRef name) const {
    auto it = tensors.find(name);
    return it == tensors.end() ? nullptr : &it->second;
  }

  /// The file that lists the tensors, for messages.
  llvm::StringRef getIndexFile() const { return indexFile; }

private:
  llvm::Error readShards(llvm::StringRef folder);

  std::optional<int64_t> seed;
  std::string indexFile;
  llvm::StringMap<StoredTensor> tensors;
};

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_CHECKPOINTTENSORS_H
