#include "orchestrator/workers/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <utility>

#include "registry/util/process_start.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

struct Pipe {
  UniqueFd read, write;
};

/// Returns the descriptor, or a copy of it where it is one of the three that the child's own are
/// to become: there dup2 in a row would overwrite what it is still to copy.
UniqueFd AboveStandard(UniqueFd fd) {
  return fd.get() > STDERR_FILENO ? std::move(fd) : CopyAboveStandard(fd.get());
}

Pipe MakePipe() {
  std::array<int, 2> ends{};
  // Close-on-exec from the start: a sibling that is started in between would hold the pipe open,
  // and its end would never be seen.
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw SystemError("a worker's pipe", "cannot be made", errno);
  }
  return {AboveStandard(UniqueFd(ends[0])), AboveStandard(UniqueFd(ends[1]))};
}

Pipe MakeSocketPair() {
  std::array<int, 2> ends{};
  // A socket and not a pipe: send() can say MSG_NOSIGNAL, where a write to a dead worker's pipe
  // would raise SIGPIPE.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw SystemError("a worker's socket", "cannot be made", errno);
  }
  return {AboveStandard(UniqueFd(ends[0])), AboveStandard(UniqueFd(ends[1]))};
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// ChildPlan is what the child needs between fork and exec, made before: there only calls that are
/// safe in a signal handler are allowed, and allocating is none.
struct ChildPlan {
  std::vector<char*> arguments, environment;
  int stdin_fd, stdout_fd, stderr_fd, report_fd;
  pid_t parent;
  std::string oom_score;  ///< empty: as ours
};

constexpr char kOomScoreFile[] = "/proc/self/oom_score_adj";

/// Returns what the child writes there, from -1000 (never) to 1000 (first).
std::string OomScore(MemoryPressure pressure) {
  if (pressure == MemoryPressure::kAsWeAre) return {};
  // 500 counts like half of the memory: a worker goes before any process that does not hold so
  // much more.
  constexpr int kIncrease = 500, kMost = 1000;
  int own = 0;
  std::ifstream(kOomScoreFile) >> own;
  return std::to_string(std::min(own + kIncrease, kMost));
}

/// Writes the child's score. Failure is harmless: the kernel then takes the largest process.
void WriteOomScore(const std::string& score) {
  const UniqueFd file(score.empty() ? -1 : ::open(kOomScoreFile, O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] const ssize_t written = ::write(file.get(), score.data(), score.size());
}

[[noreturn]] void ReportAndExit(int report_fd) {
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report_fd, &code, sizeof code);
  ::_exit(127);
}

[[noreturn]] void RunChild(const ChildPlan& plan) {
  // A group of its own: Ctrl-C in the terminal reaches only us, and a kill of the group reaches
  // what the worker started.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // it died before the line above
  WriteOomScore(plan.oom_score);
  // What we block or ignore would be inherited through exec: a worker could not be stopped then.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
  if (::dup2(plan.stdin_fd, STDIN_FILENO) < 0 || ::dup2(plan.stdout_fd, STDOUT_FILENO) < 0 ||
      ::dup2(plan.stderr_fd, STDERR_FILENO) < 0) {
    ReportAndExit(plan.report_fd);
  }
  // Descriptors of libraries that forgot O_CLOEXEC; kernels before 5.11 refuse, which is harmless.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  ReportAndExit(plan.report_fd);
}

/// Returns 0 where exec succeeded (the pipe closes with it), else its errno.
int ReadReport(int fd) {
  int code = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &code, sizeof code);
  } while (got < 0 && errno == EINTR);
  return got == sizeof code ? code : 0;
}

}  // namespace

ChildProcess StartProcess(const ProcessRequest& request) {
  Pipe input;
  if (request.socket_stdin) {
    input = MakeSocketPair();
  } else {
    input.read = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (input.read.get() < 0) throw SystemError("/dev/null", "cannot open", errno);
    input.read = AboveStandard(std::move(input.read));
  }
  const UniqueFd error = CopyAboveStandard(request.stderr_fd);
  Pipe output = MakePipe();
  Pipe report = MakePipe();
  const ChildPlan plan{.arguments = Pointers(request.arguments),
                       .environment = Pointers(request.environment),
                       .stdin_fd = input.read.get(),
                       .stdout_fd = output.write.get(),
                       .stderr_fd = error.get(),
                       .report_fd = report.write.get(),
                       .parent = ::getpid(),
                       .oom_score = OomScore(request.memory_pressure)};
  const pid_t pid = ::fork();
  if (pid == 0) RunChild(plan);
  // Kept at once: closing a descriptor may change errno.
  const int fork_error = errno;
  // Ours must be closed, or the read below would wait for ever after a good exec.
  report.write.Reset();
  const int code = pid < 0 ? fork_error : ReadReport(report.read.get());
  if (code != 0) {
    // The child is gone after its report; unreaped it would stay a zombie.
    if (pid > 0) (void)WaitFor(pid);
    throw SystemError(request.arguments.front(), "cannot start", code);
  }
  return {pid, std::move(output.read), std::move(input.write)};
}

void AllowManyOpenFiles() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

std::vector<std::string> CurrentEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

int ExitCodeOf(int wait_status) {
  return WIFSIGNALED(wait_status) ? -WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return ExitCodeOf(status);
}

}  // namespace beamgrid
