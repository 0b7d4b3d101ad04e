//===- CheckpointTensors.cpp - The tensors of a checkpoint folder ------------===//
#include "compiler/Frontend/Checkpoint/CheckpointTensors.h"

#include "compiler/Frontend/Checkpoint/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using nlohmann::json;
namespace path = llvm::sys::path;

namespace thresh {

/// Whether `name`, taken from an index, stays inside the checkpoint's folder. (The file itself may be a
/// link: download caches keep the data elsewhere.)
static bool isInnerPath(llvm::StringRef name) {
  if (name.empty() || path::is_absolute(name))
    return false;
  return llvm::none_of(llvm::make_range(path::begin(name), path::end(name)),
                       [](llvm::StringRef step) { return step == ".."; });
}

static std::string join(llvm::StringRef folder, llvm::StringRef name) {
  llvm::SmallString<256> joined(folder);
  path::append(joined, name);
  return joined.str().str();
}

llvm::Expected<CheckpointTensors> CheckpointTensors::open(llvm::StringRef folder) {
  CheckpointTensors checkpoint;
  checkpoint.indexFile = join(folder, "model.safetensors");
  if (llvm::sys::fs::exists(checkpoint.indexFile)) {
    auto list = readSafetensorsHeader(checkpoint.indexFile);
    if (!list)
      return list.takeError();
    for (StoredTensor &tensor : *list)
      checkpoint.tensors[tensor.name] = std::move(tensor);
    return checkpoint;
  }
  checkpoint.indexFile = join(folder, "model.safetensors.index.json");
  if (!llvm::sys::fs::exists(checkpoint.indexFile))
    return makeError(folder + ": expects a file model.safetensors or model.safetensors.index.json");
  if (llvm::Error error = checkpoint.readShards(folder))
    return error;
  return checkpoint;
}

CheckpointTensors CheckpointTensors::random(int64_t seed) {
  CheckpointTensors checkpoint;
  checkpoint.seed = seed;
  return checkpoint;
}

llvm::Error CheckpointTensors::readShards(llvm::StringRef folder) {
  auto root = readJsonObject(indexFile);
  if (!root)
    return root.takeError();
  auto map = root->find("weight_map");
  if (map == root->end() || !map->is_object())
    return makeError(indexFile + ": /weight_map: expects an object of file names");

  llvm::StringMap<llvm::StringMap<StoredTensor>> shards;
  for (const auto &[name, value] : map->items()) {
    std::string pointer = indexFile + ": /weight_map" + pointerStep(name);
    if (!value.is_string() || !isInnerPath(value.get_ref<const std::string &>()))
      return makeError(pointer + ": expects the name of a file in the checkpoint's folder, but got " +
                       describeJson(value));
    const std::string &shard = value.get_ref<const std::string &>();
    auto [it, isNew] = shards.try_emplace(shard);
    if (isNew) {
      auto list = readSafetensorsHeader(join(folder, shard));
      if (!list)
        return list.takeError();
      for (StoredTensor &tensor : *list)
        it->second[tensor.name] = std::move(tensor);
    }
    auto tensor = it->second.find(name);
    if (tensor == it->second.end())
      return makeError(pointer + ": expects the tensor in " + shard + ", but it is not there");
    tensors[name] = std::move(tensor->second);
  }
  return llvm::Error::success();
}

} // namespace thresh
