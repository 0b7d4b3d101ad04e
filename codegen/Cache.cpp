//===- Cache.cpp - Compiled kernels on disk ----------------------------------===//

#include "codegen/Cache.h"
#include "codegen/SourceHash.h"

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace fs = std::filesystem;

namespace thresh::codegen {
namespace {

uint64_t checksum(const std::string &bytes, uint64_t hash = 0xcbf29ce484222325ULL) {
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3ULL;
  return hash;
}

/// What an entry begins with; the source's and the object's bytes follow.
std::string entryHeader(const std::string &source, const std::string &object) {
  char line[128];
  std::snprintf(line, sizeof line, "thresh-kernel %zu %zu %016" PRIx64 "\n", source.size(), object.size(),
                checksum(object));
  return line;
}

/// The source as the cache sees it: what this code generator would make of it.
std::string versioned(const std::string &source) { return std::string(THRESH_CODEGEN_SOURCE_HASH "\n") + source; }

} // namespace

bool readFile(const std::string &path, std::string &bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return false;
  std::ostringstream text;
  text << file.rdbuf();
  bytes = text.str();
  return !file.bad();
}

std::string temporaryName(const std::string &path) {
  static std::atomic<unsigned> counter{0};
  return path + ".tmp" + std::to_string(getpid()) + "-" + std::to_string(counter++);
}

bool writeFileAtomically(const std::string &path, const std::string &bytes) {
  std::string temporary = temporaryName(path);
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(bytes.data(), std::streamsize(bytes.size()));
    file.close();
    if (!file) {
      std::remove(temporary.c_str());
      return false;
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) == 0)
    return true;
  std::remove(temporary.c_str());
  return false;
}

std::string Cache::entryPath(const std::string &source) const {
  char name[48];
  std::snprintf(name, sizeof name, "%016" PRIx64 "%016" PRIx64 ".kernel", checksum(source),
                checksum(source, 0x9e3779b97f4a7c15ULL));
  return (fs::path(folder) / name).string();
}

bool Cache::fetch(const std::string &source, const std::string &object) const {
  std::string text = versioned(source), entry;
  if (folder.empty() || !readFile(entryPath(text), entry))
    return false;
  size_t line = entry.find('\n');
  if (line == std::string::npos || entry.size() < line + 1 + text.size())
    return false;
  std::string bytes = entry.substr(line + 1 + text.size());
  bool whole =
      entry.compare(0, line + 1, entryHeader(text, bytes)) == 0 && entry.compare(line + 1, text.size(), text) == 0;
  return whole && writeFileAtomically(object, bytes);
}

void Cache::store(const std::string &source, const std::string &object) const {
  std::string text = versioned(source), bytes;
  std::error_code error;
  if (folder.empty() || !readFile(object, bytes))
    return;
  fs::create_directories(folder, error);
  if (!error)
    writeFileAtomically(entryPath(text), entryHeader(text, bytes) + text + bytes);
}

} // namespace thresh::codegen
