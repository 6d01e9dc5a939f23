#include "trainer/worker/attempt_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "registry/util/system_error.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

AttemptLock::AttemptLock(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kWorkerLock;
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) throw SystemError(path, "cannot write", errno);
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd_, F_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES)) return;
  ::fcntl(fd_, F_GETLK, &whole);
  ::close(fd_);
  throw Error(directory.string() + ": process " + std::to_string(whole.l_pid) +
              " works on this attempt");
}

AttemptLock::~AttemptLock() { ::close(fd_); }

}  // namespace beamgrid::trainer
