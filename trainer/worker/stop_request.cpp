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

std::atomic<bool> requested = false;
std::atomic<int> descriptor = -1;

/// Only what is safe in a signal handler.
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
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void RequestStop() {
  requested = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);
}

bool StopRequested() { return requested; }

int StopDescriptor() { return descriptor; }

}  // namespace beamgrid::trainer
