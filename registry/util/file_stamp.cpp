#include "registry/util/file_stamp.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "registry/util/input_error.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

std::int64_t Nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStamp StampFrom(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = Nanoseconds(status.st_mtim),
          .changed_ns = Nanoseconds(status.st_ctim)};
}

}  // namespace

FileStamp StampOf(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) throw SystemError(path, "cannot look at it", errno);
  return StampFrom(status);
}

FileStamp StampOf(int descriptor, const std::filesystem::path& path) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) throw SystemError(path, "cannot look at it", errno);
  if (!S_ISREG(status.st_mode)) throw InputError(path.string() + ": is no regular file");
  return StampFrom(status);
}

std::optional<FileStamp> StampIn(int folder, const std::string& name) {
  struct stat status{};
  if (::fstatat(folder, name.c_str(), &status, 0) != 0) return std::nullopt;
  return StampFrom(status);
}

}  // namespace beamgrid
