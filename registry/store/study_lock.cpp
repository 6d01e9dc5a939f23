// The exclusive right to run a study.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "registry/store/study_lock.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
  return name.data();
}

std::string ReadHolder(int fd) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  // The holder may not have written its name yet.
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "another process";
}

void WriteHolder(int fd, const std::string& path) {
  const std::string holder = "pid " + std::to_string(::getpid()) + " on " + HostName() + " since " +
                             UtcText(std::chrono::system_clock::now());
  // Cut first: the name of a former holder may be longer.
  const bool written = ::ftruncate(fd, 0) == 0 && ::pwrite(fd, holder.data(), holder.size(), 0) ==
                                                      static_cast<ssize_t>(holder.size());
  if (!written) throw SystemError(path, "cannot write the lock file", errno);
}

}  // namespace

StudyLock::StudyLock(const std::filesystem::path& database, const std::string& study) {
  const std::string path = database.string() + '.' + study + ".lock";
  // Close-on-exec: a worker that outlives a dead orchestrator must not go on holding the study.
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw SystemError(path, "cannot open the lock file", errno);
  // Not waiting: who starts a study twice wants to be told so. The kernel lets go of the lock when
  // its holder dies, so none is ever stale.
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) {
    WriteHolder(file_.get(), path);
    return;
  }
  if (errno != EWOULDBLOCK) throw SystemError(path, "cannot lock", errno);
  throw UsageError("study '" + study + "' in " + database.string() + " is being run by " +
                   ReadHolder(file_.get()) + "; wait for it or stop it (" + path + ")");
}

StudyLock::~StudyLock() {
  // The file stays: removing it would let two processes lock two files of one name.
  [[maybe_unused]] const int ignored = ::ftruncate(file_.get(), 0);
}

}  // namespace beamgrid
