#include "registry/util/half_written.h"

#include <unistd.h>

#include <string>
#include <system_error>
#include <vector>

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = ".part.";

}  // namespace

fs::path HalfWrittenName(const fs::path& path) {
  return path.string() + kMark + std::to_string(::getpid());
}

void RemoveHalfWritten(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (fs::directory_iterator file(folder, ignored), end; file != end; file.increment(ignored)) {
    if (file->path().filename().string().find(kMark) != std::string::npos) {
      found.push_back(file->path());
    }
  }
  for (const fs::path& file : found) fs::remove(file, ignored);
}

}  // namespace beamgrid
