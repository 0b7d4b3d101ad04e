//===- Cache.h - Compiled kernels on disk ------------------------------------===//
//
// One file per entry, written atomically. An entry holds the text it was compiled from and a
// checksum; one that does not match is treated as absent, so a damaged cache costs time, not
// correctness. Nothing is ever removed: the folder may be deleted at any time.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_CACHE_H
#define THRESH_CODEGEN_CACHE_H

#include <string>

namespace thresh::codegen {

class Cache {
public:
  /// `folder` is created when first written to; empty: no cache.
  explicit Cache(std::string folder) : folder(std::move(folder)) {}

  /// Copies the object compiled from `source` to the file `object`. False if there is none.
  bool fetch(const std::string &source, const std::string &object) const;
  /// Remembers the file `object` as compiled from `source`. A cache that cannot be written is ignored.
  void store(const std::string &source, const std::string &object) const;

private:
  std::string entryPath(const std::string &source) const;
  std::string folder;
};

/// The whole file; false if it cannot be read.
bool readFile(const std::string &path, std::string &bytes);
/// Writes beside `path` and renames, so that the file is either whole or absent. False on failure.
bool writeFileAtomically(const std::string &path, const std::string &bytes);
/// A name beside `path` that no other writer uses.
std::string temporaryName(const std::string &path);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_CACHE_H
