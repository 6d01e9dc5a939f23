#include "trainer/worker/stop_request.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "registry/util/system_error.h"

namespace beamgrid::trainer {
namespace {

// Atomics without a lock, so that a signal handler may touch them.
std::atomic<bool> requested = false;
std::atomic<int> descriptor = -1;
std::atomic<pid_t> other = 0;  ///< 0: none

/// Does only what is safe in a signal handler, and leaves errno to the call that it interrupted.
void OnSignal(int /*signal*/) {
  const int error = errno;
  RequestStop();
  errno = error;
}

}  // namespace

void CatchStopSignals() {
  descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) throw SystemError("an eventfd", "cannot be made", errno);
  struct sigaction action{};
  action.sa_handler = OnSignal;
  // Libraries are not written for system calls that fail with EINTR.
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
  // The default would end the process without a checkpoint when the orchestrator dies.
  std::signal(SIGPIPE, SIG_IGN);
}

// Never read from: once the eventfd is readable it stays so. The flag alone would not wake a poll.
void RequestStop() {
  requested = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);
  if (const pid_t process = other; process > 0) ::kill(process, SIGTERM);
}

bool StopRequested() { return requested; }

// In this order: a request that comes between the two lines is passed on twice, and never lost.
void PassStopOnTo(pid_t process) {
  other = process;
  if (process > 0 && requested) ::kill(process, SIGTERM);
}

int StopDescriptor() { return descriptor; }

}  // namespace beamgrid::trainer
