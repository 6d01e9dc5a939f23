#include "registry/util/process_start.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "registry/util/system_error.h"

namespace beamgrid {

void PrepareStart() {
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(standard, F_GETFD) >= 0) continue;
    // The lowest free number is this one: those below it are open by now. It stays open in child
    // processes, as the one in whose place it stands would have.
    const int opened = ::open("/dev/null", O_RDWR);
    if (opened < 0 || opened == standard) continue;
    ::dup2(opened, standard);
    ::close(opened);
  }
  for (const int signal : {SIGXFSZ, SIGTTOU}) std::signal(signal, SIG_IGN);
}

UniqueFd CopyAboveStandard(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (copy.get() < 0) throw SystemError("a descriptor", "cannot be copied", errno);
  return copy;
}

UniqueFd TakeStandard(int standard, int replacement) {
  UniqueFd taken = CopyAboveStandard(standard);
  if (::dup2(replacement, standard) < 0) {
    throw SystemError("a standard descriptor", "cannot be replaced", errno);
  }
  return taken;
}

UniqueFd TakeStandardInput() {
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.get() < 0) throw SystemError("/dev/null", "cannot be opened", errno);
  return TakeStandard(STDIN_FILENO, nothing.get());
}

}  // namespace beamgrid
