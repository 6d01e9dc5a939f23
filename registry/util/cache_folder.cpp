#include "registry/util/cache_folder.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/half_written.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSumDigits = 32;

/// Returns the variable's folder; nothing where it is no absolute path.
std::optional<fs::path> FolderIn(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value != '/') return std::nullopt;
  return fs::path(value);
}

}  // namespace

std::optional<fs::path> CacheFolder() {
  if (const char* own = std::getenv("BEAMGRID_CACHE_DIR")) {
    if (*own == 0) return std::nullopt;
    return fs::absolute(own);
  }
  if (const auto cache = FolderIn("XDG_CACHE_HOME")) return *cache / "beamgrid";
  if (const auto home = FolderIn("HOME")) return *home / ".cache" / "beamgrid";
  return std::nullopt;
}

std::optional<std::string> ReadCached(const fs::path& path) {
  std::error_code missing;
  if (!fs::is_regular_file(path, missing)) return std::nullopt;
  try {
    std::string content = ReadFile(path);
    // The hash stands at the end, so a file that was cut off has none.
    if (content.size() < kSumDigits) return std::nullopt;
    const std::string hash = content.substr(content.size() - kSumDigits);
    content.resize(content.size() - kSumDigits);
    if (HashBytes(content) != hash) return std::nullopt;
    return content;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void WriteCached(const fs::path& path, std::string_view content) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  RemoveHalfWrittenOf(path);
  const fs::path temporary = HalfWrittenName(path);
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file << content << HashBytes(content);
  file.close();
  if (file) fs::rename(temporary, path, failure);
  if (!file || failure) fs::remove(temporary, failure);
}

}  // namespace beamgrid
