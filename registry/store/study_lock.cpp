// The exclusive right to run a study.

#include "registry/store/study_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <system_error>

#include "registry/store/database_file.h"
#include "registry/store/place.h"
#include "registry/util/files.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
  return name.data();
}

std::string ReadHolder(const std::filesystem::path& note) {
  const UniqueFd file(::open(note.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text{};
  const ssize_t size = file.get() < 0 ? 0 : ::pread(file.get(), text.data(), text.size(), 0);
  // The holder may not have written its name yet, or may have come by another mount.
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "another process";
}

/// The note is for people who wonder who holds the lock; a full disk, on which somebody may be
/// about to make room, does without.
bool IsFullDisk(int code) { return code == ENOSPC || code == EDQUOT; }

void WriteHolder(const std::filesystem::path& note) {
  const std::string holder = "pid " + std::to_string(::getpid()) + " on " + HostName() + " since " +
                             UtcText(std::chrono::system_clock::now());
  const UniqueFd file(::open(note.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0 && !IsFullDisk(errno)) {
    throw SystemError(note, "cannot open the lock file", errno);
  }
  if (file.get() < 0) return;
  const ssize_t size = ::pwrite(file.get(), holder.data(), holder.size(), 0);
  // A part of it was written: the disk is full, too.
  if (size < 0 && !IsFullDisk(errno)) throw SystemError(note, "cannot write the lock file", errno);
}

/// Returns the one byte that stands for a study: behind all that SQLite locks and any file may
/// hold.
struct flock ByteOf(const std::string& study) {
  constexpr off_t kBehindAllFiles = off_t{1} << 61;
  constexpr int kDigits = 15;  // 60 bits: the sum stays below 2^62
  const std::string hash = HashBytes(study).substr(0, kDigits);
  std::uint64_t number = 0;
  std::from_chars(hash.data(), hash.data() + hash.size(), number, 16);
  struct flock byte{};
  byte.l_type = F_WRLCK;
  byte.l_whence = SEEK_SET;
  byte.l_start = kBehindAllFiles + static_cast<off_t>(number);
  byte.l_len = 1;
  return byte;
}

bool IsHeldByOthers(const UniqueFd& file, const std::filesystem::path& database,
                    const std::string& study) {
  struct flock byte = ByteOf(study);
  if (::fcntl(file.get(), F_OFD_GETLK, &byte) != 0) {
    throw SystemError(database, "cannot ask for the lock of study '" + study + "'", errno);
  }
  return byte.l_type != F_UNLCK;
}

std::filesystem::path NoteOf(const std::filesystem::path& database, const std::string& study) {
  return database.string() + '.' + study + ".lock";
}

std::string CannotOpen(const std::filesystem::path& database, int code) {
  std::error_code error;
  const std::filesystem::path folder = database.parent_path();
  const bool no_folder = code == ENOENT && !std::filesystem::exists(folder, error);
  return "cannot open the database" +
         (no_folder ? ", whose folder is not there (mkdir -p " + folder.string() + ")"
                    : std::string());
}

}  // namespace

StudyLock::StudyLock(const std::filesystem::path& database, const std::string& study)
    : database_(database) {
  CheckDatabaseFile(database);
  const std::filesystem::path path = RealPath(database);
  // Close-on-exec: a worker that outlives a dead orchestrator must not go on holding the study.
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw SystemError(path, CannotOpen(path, errno), errno);
  Take(study);
}

void StudyLock::Take(const std::string& study) {
  const std::filesystem::path path = RealPath(database_);
  const std::filesystem::path note = NoteOf(path, study);
  // Not waiting: who starts a study twice wants to be told so. A lock of the open file and not of
  // the process: the kernel lets go of it when its holder dies, and not when SQLite closes the
  // file.
  struct flock byte = ByteOf(study);
  if (::fcntl(file_.get(), F_OFD_SETLK, &byte) == 0) {
    notes_.push_back(note);
    return WriteHolder(note);
  }
  if (errno != EAGAIN && errno != EACCES)
    throw SystemError(path, "cannot lock the database", errno);
  throw UsageError("study '" + study + "' in " + database_.string() + " is being run by " +
                   ReadHolder(note) + "; wait for it or stop it (" + note.string() + ")");
}

StudyLock::~StudyLock() {
  for (const std::filesystem::path& note : notes_) {
    // Whoever writes a note holds the lock that it is about, which we still do: nobody's is
    // removed.
    std::error_code error;
    std::filesystem::remove(note, error);
    // In a folder that has become read-only it must at least name nobody.
    if (error) [[maybe_unused]]
      const int ignored = ::truncate(note.c_str(), 0);
  }
}

std::vector<std::string> StudyLock::Noted() const {
  const std::filesystem::path path = RealPath(database_);
  const std::string start = path.filename().string() + '.', end = ".lock";
  std::vector<std::string> studies;
  std::error_code error;
  for (std::filesystem::directory_iterator file(path.parent_path(), error), last;
       !error && file != last; file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (name.size() <= start.size() + end.size()) continue;
    if (!name.starts_with(start) || !name.ends_with(end)) continue;
    studies.push_back(name.substr(start.size(), name.size() - start.size() - end.size()));
  }
  std::ranges::sort(studies);
  return studies;
}

bool StudyLock::IsOn(const std::filesystem::path& database) const {
  struct stat locked{}, there{};
  return ::fstat(file_.get(), &locked) == 0 && ::stat(database.c_str(), &there) == 0 &&
         locked.st_dev == there.st_dev && locked.st_ino == there.st_ino;
}

bool StudyLock::IsHeld(const std::string& study) const {
  return IsHeldByOthers(file_, database_, study);
}

RunningStudies::RunningStudies(const std::filesystem::path& database)
    : database_(RealPath(database)),
      // Of a pipe in its place the other end would be waited for.
      file_(::open(database_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (file_.get() < 0) throw SystemError(database_, "cannot open the database", errno);
}

bool RunningStudies::IsRun(const std::string& study) const {
  return IsHeldByOthers(file_, database_, study);
}

std::string RunningStudies::Holder(const std::string& study) const {
  return ReadHolder(NoteOf(database_, study));
}

}  // namespace beamgrid
