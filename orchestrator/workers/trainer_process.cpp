#include "orchestrator/workers/trainer_process.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "orchestrator/workers/attempt_files.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

/// Returns an unnamed file that takes the trainer's standard error. A pipe would have to be read
/// all the time, or a talkative trainer would stop when it is full.
UniqueFd MakeLog() {
  UniqueFd log(::memfd_create("beamgrid-trainer-stderr", MFD_CLOEXEC));
  if (log.get() < 0) throw Error(std::string("cannot make a log: ") + std::strerror(errno));
  return log;
}

ChildProcess StartTrainer(const std::filesystem::path& trainer,
                          const std::vector<std::string>& arguments, std::int64_t threads,
                          const UniqueFd& log, bool socket_stdin) {
  ProcessRequest request{
      .arguments = {trainer.string()},
      .environment = WorkerEnvironment(CurrentEnvironment(), threads, ProcessorFlags()),
      .stderr_fd = log.get(),
      .socket_stdin = socket_stdin};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  return StartProcess(request);
}

std::string EndText(int exit_code, const std::string& log) {
  std::string text = exit_code < 0 ? " was killed by signal " + std::to_string(-exit_code)
                                   : " exited with status " + std::to_string(exit_code);
  if (!log.empty()) text += ":\n" + log;
  return text;
}

/// Returns the trainer's words without its name, for they are shown as our own.
std::string Refusal(const std::string& log) {
  constexpr std::string_view kPrefix = "beamgrid-trainer: ";
  return log.starts_with(kPrefix) ? log.substr(kPrefix.size()) : log;
}

}  // namespace

std::string CommandText(const std::filesystem::path& trainer,
                        const std::vector<std::string>& arguments) {
  std::string text = "`" + trainer.string();
  for (const std::string& argument : arguments) text += " " + argument;
  return text + "`";
}

TrainerProcess::TrainerProcess(const std::filesystem::path& trainer,
                               const std::vector<std::string>& arguments, std::int64_t threads,
                               bool socket_stdin)
    : command_(CommandText(trainer, arguments)),
      log_(MakeLog()),
      child_(StartTrainer(trainer, arguments, threads, log_, socket_stdin)) {}

TrainerProcess::~TrainerProcess() {
  if (child_.pid < 0) return;
  // It holds nothing that could be damaged: this is the shortest end.
  Kill();
  (void)WaitFor(child_.pid);
}

void TrainerProcess::Kill() const {
  if (child_.pid > 0) ::kill(-child_.pid, SIGKILL);
}

bool TrainerProcess::Write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written =
        ::send(child_.standard_input.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string TrainerProcess::LastWords() const {
  return LogTail("/proc/self/fd/" + std::to_string(log_.get()));
}

void TrainerProcess::Finish() {
  const int exit_code = WaitFor(child_.pid);
  child_.pid = -1;
  if (exit_code == static_cast<int>(TrainerExit::kBadSpec)) throw UsageError(Refusal(LastWords()));
  if (exit_code == static_cast<int>(TrainerExit::kBadData)) throw InputError(Refusal(LastWords()));
  if (exit_code != 0) throw Error(command_ + EndText(exit_code, LastWords()));
}

}  // namespace beamgrid
