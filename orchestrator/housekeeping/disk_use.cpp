#include "orchestrator/housekeeping/disk_use.h"

#include <sys/stat.h>

#include <system_error>

namespace beamgrid {

namespace fs = std::filesystem;

std::int64_t DiskUse::Add(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(path, error))) return AddFile(path);
  std::int64_t added = 0;
  fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied,
                                         error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    added += AddFile(entry->path());
  }
  return added;
}

std::int64_t DiskUse::AddFile(const fs::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  const std::uint64_t names = ++seen_[{status.st_dev, status.st_ino}];
  if (names == status.st_nlink) freed_ += status.st_size;
  if (names > 1) return 0;
  bytes_ += status.st_size;
  return status.st_size;
}

std::int64_t BytesFreedBy(const std::vector<fs::path>& paths) {
  DiskUse use;
  for (const fs::path& path : paths) use.Add(path);
  return use.freed();
}

}  // namespace beamgrid
