//===- StorageFormats.cpp - How weights and caches are stored -----------------===//
#include "compiler/Transforms/StorageFormats.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace thresh {

template <typename Format> struct Named {
  llvm::StringLiteral name;
  Format format;
};

static constexpr Named<WeightFormat> kWeightFormats[] = {{"none", WeightFormat::None},
                                                         {"f16", WeightFormat::F16},
                                                         {"bf16", WeightFormat::BF16},
                                                         {"q8", WeightFormat::Q8},
                                                         {"q4", WeightFormat::Q4}};
static constexpr Named<CacheFormat> kCacheFormats[] = {
    {"f32", CacheFormat::F32}, {"f16", CacheFormat::F16}, {"bf16", CacheFormat::BF16}, {"q8", CacheFormat::Q8}};

template <typename Format>
static std::optional<Format> parse(llvm::ArrayRef<Named<Format>> table, llvm::StringRef name) {
  const auto *row = llvm::find_if(table, [&](const Named<Format> &each) { return each.name == name; });
  return row == table.end() ? std::nullopt : std::optional<Format>(row->format);
}

template <typename Format> static std::string names(llvm::ArrayRef<Named<Format>> table) {
  return llvm::join(llvm::map_range(table, [](const Named<Format> &each) { return each.name; }), ", ");
}

std::optional<WeightFormat> parseWeightFormat(llvm::StringRef name) {
  return parse<WeightFormat>(kWeightFormats, name);
}
std::optional<CacheFormat> parseCacheFormat(llvm::StringRef name) { return parse<CacheFormat>(kCacheFormats, name); }
std::string weightFormatNames() { return names<WeightFormat>(kWeightFormats); }
std::string cacheFormatNames() { return names<CacheFormat>(kCacheFormats); }

} // namespace thresh
