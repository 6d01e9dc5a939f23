#include "trainer/worker/messenger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "registry/util/system_error.h"
#include "trainer/worker/stop_request.h"

namespace beamgrid::trainer {

Messenger::~Messenger() {
  if (fd_ != STDOUT_FILENO) ::close(fd_);
}

void Messenger::TakeStdout() {
  const int copy = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy < 0) throw SystemError("standard output", "cannot be kept for messages", errno);
  fd_ = copy;
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

void Messenger::Send(const Message& message) {
  const std::scoped_lock lock(mutex_);
  const std::string line = ToLine(message) + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t written = ::write(fd_, line.data() + sent, line.size() - sent);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return RequestStop();  // nobody listens: the orchestrator is gone
    sent += static_cast<std::size_t>(written);
  }
}

}  // namespace beamgrid::trainer
