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
  // With the process id: two writers of one file must not write into each other's.
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
  // After the walk: what is removed meanwhile may or may not be skipped by it.
  for (const fs::path& file : found) fs::remove(file, ignored);
}

}  // namespace beamgrid
