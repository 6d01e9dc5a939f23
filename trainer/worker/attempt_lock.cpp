#include "trainer/worker/attempt_lock.h"

#include <fcntl.h>

#include <cerrno>

#include "registry/util/system_error.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

AttemptLock::AttemptLock(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kWorkerLock;
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw SystemError(path, "cannot write", errno);
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  // Only "somebody holds it" is a refusal. An error of the file system (NFS without lockd) is none:
  // the lock guards against a rare mistake, and is not worth a study that cannot run.
  if (::fcntl(file_.get(), F_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES)) return;
  // fcntl's locks, unlike flock's, say which process holds them.
  ::fcntl(file_.get(), F_GETLK, &whole);
  throw Error(directory.string() + ": process " + std::to_string(whole.l_pid) +
              " works on this attempt");
}

}  // namespace beamgrid::trainer
