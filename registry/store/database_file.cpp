#include "registry/store/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "registry/store/place.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

std::uintmax_t SizeOf(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

/// True if the file is mounted without its folder, as containers do with single files.
bool IsMountedAlone(const fs::path& file) {
#ifdef STATX_MNT_ID
  struct statx of_file{}, of_folder{};
  const auto look = [](const fs::path& path, struct statx* status) {
    return ::statx(AT_FDCWD, path.c_str(), 0, STATX_MNT_ID, status) == 0 &&
           (status->stx_mask & STATX_MNT_ID) != 0;
  };
  return look(file, &of_file) && look(file.parent_path(), &of_folder) &&
         of_file.stx_mnt_id != of_folder.stx_mnt_id;
#else
  return false;
#endif
}

}  // namespace

fs::path LogOf(const fs::path& database) { return database.string() + "-wal"; }

void CheckDatabaseFile(const fs::path& path) {
  const fs::path file = RealPath(path);
  const std::string name = path.string();
  // The log first: who makes a database gives it a log once it is no longer empty, so that the
  // other order would see an empty file with a log while that happens.
  const std::uintmax_t log = SizeOf(LogOf(file));
  struct stat status{};
  const bool there = ::stat(file.c_str(), &status) == 0;
  if (!there && errno != ENOENT && errno != ENOTDIR) {
    throw UsageError(name + ": cannot be looked at: " + std::generic_category().message(errno) +
                     "; name another --db");
  }
  if (there && S_ISDIR(status.st_mode)) {
    throw UsageError(name + ": is a folder, the database is a file in it (--db)");
  }
  if (there && !S_ISREG(status.st_mode)) {
    throw UsageError(name + ": is no file that a database could be kept in; name another --db");
  }
  if (there && status.st_nlink > 1) {
    throw UsageError(name + ": has " + std::to_string(status.st_nlink) +
                     " names (hard links), and SQLite's log lies beside only one of them: to use "
                     "the other would damage the record. Give it one name again (cp FILE NEW && "
                     "mv NEW FILE), or use a symbolic link");
  }
  if (there && IsMountedAlone(file)) {
    throw UsageError(name +
                     ": is mounted without its folder, where SQLite's log has to be; mount the "
                     "folder instead");
  }
  if (log > 0 && (!there || status.st_size == 0)) {
    throw UsageError(name + (there ? ": is empty" : ": is not there") + ", but its log " +
                     LogOf(file).string() + " is, with " + std::to_string(log) +
                     " bytes of a record: put the database file back beside it, or move the log "
                     "away to begin anew");
  }
}

OpenDatabaseFiles::OpenDatabaseFiles(const fs::path& database)
    : database_(RealPath(database)),
      file_(IdentityOf(database_, std::nullopt)),
      log_(IdentityOf(LogOf(database_), std::nullopt)) {}

std::optional<OpenDatabaseFiles::Identity> OpenDatabaseFiles::IdentityOf(
    const fs::path& path, const std::optional<Identity>& unknown) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return Identity{status.st_dev, status.st_ino};
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  return unknown;
}

bool OpenDatabaseFiles::HasItsLog() const { return IdentityOf(LogOf(database_), log_) == log_; }

std::string OpenDatabaseFiles::Fate() const {
  for (const auto& [path, then] :
       {std::pair(database_, file_), std::pair(LogOf(database_), log_)}) {
    const std::optional<Identity> now = IdentityOf(path, then);
    if (now == then) continue;
    return path.string() + (now ? ": was replaced by another file" : ": was deleted");
  }
  return {};
}

}  // namespace beamgrid
