#include "registry/util/file_stamp.h"

#include <sys/stat.h>

#include <cerrno>

#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

std::int64_t Nanoseconds(const timespec& time) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  return static_cast<std::int64_t>(time.tv_sec) * kPerSecond + time.tv_nsec;
}

}  // namespace

std::optional<FileStamp> StampOf(const std::filesystem::path& path) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw SystemError(path, "cannot be looked at", errno);
  }
  return FileStamp{.device = file.st_dev,
                   .inode = file.st_ino,
                   .size = static_cast<std::uint64_t>(file.st_size),
                   .modified_ns = Nanoseconds(file.st_mtim),
                   .changed_ns = Nanoseconds(file.st_ctim)};
}

FileStamp RequireStamp(const std::filesystem::path& path) {
  if (const std::optional<FileStamp> stamp = StampOf(path)) return *stamp;
  throw SystemError(path, "cannot open", ENOENT);
}

}  // namespace beamgrid
