#include "trainer/worker/forked_attempt.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "registry/util/system_error.h"
#include "trainer/training/device.h"
#include "trainer/worker/stop_request.h"

namespace beamgrid::trainer {
namespace {

/// Ends this process by a signal whose default that is.
[[noreturn]] void EndBy(int signal) {
  ::prctl(PR_SET_DUMPABLE, 0);  // the copy has left a core, if anybody wants one
  std::signal(signal, SIG_DFL);
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, signal);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  ::kill(::getpid(), signal);
  ::_exit(static_cast<int>(TrainerExit::kBroken));  // no default ends a process by 0
}

}  // namespace

pid_t Fork() {
  // fork waits until OpenBLAS's threads have ended, and these for ever for memory that a limit
  // denies them.
  RequireBlasBuffers();
  // What this process has not written yet would be written by both.
  std::fflush(nullptr);
  // Where it is ignored, as a shell may have left it, nobody can wait for a child's end.
  std::signal(SIGCHLD, SIG_DFL);
  const pid_t parent = ::getpid();
  const std::int64_t resident = ResidentBytes();
  const pid_t copy = ::fork();
  if (copy < 0) throw SystemError("a copy of the worker", "cannot be started", errno);
  if (copy > 0) return copy;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(static_cast<int>(TrainerExit::kInterrupted));  // it is dead
  // The pages of LibTorch's files, which the copy finds in memory and which the kernel does not
  // count for it before it needs them: a process of its own would have read them.
  CountShared(resident - ResidentBytes());
  // The eventfd is the parent's too, which would take a request to this process for its own.
  CatchStopSignals();
  return 0;
}

TrainerExit EndOf(pid_t copy) {
  PassStopOnTo(copy);
  // WNOWAIT: until it is waited for, its id is nobody else's, and a request may be passed on.
  siginfo_t end{};
  while (::waitid(P_PID, static_cast<id_t>(copy), &end, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  PassStopOnTo(0);
  int status = 0;
  while (::waitpid(copy, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) EndBy(WTERMSIG(status));
  return static_cast<TrainerExit>(WEXITSTATUS(status));
}

}  // namespace beamgrid::trainer
