#include "trainer/worker/messenger.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "registry/util/process_start.h"
#include "trainer/worker/stop_request.h"

namespace beamgrid::trainer {

void Messenger::TakeStdout() { kept_ = TakeStandard(STDOUT_FILENO, STDERR_FILENO); }

void Messenger::Send(const Message& message) {
  // Held over all writes of a line: the heartbeat's thread must not write into its middle.
  const std::scoped_lock lock(mutex_);
  const std::string line = ToLine(message) + "\n";
  const int fd = kept_.get() < 0 ? STDOUT_FILENO : kept_.get();
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t written = ::write(fd, line.data() + sent, line.size() - sent);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return RequestStop();  // nobody listens: the orchestrator is gone
    sent += static_cast<std::size_t>(written);
  }
}

}  // namespace beamgrid::trainer
