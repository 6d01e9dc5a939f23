#include "orchestrator/workers/trainer_process.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "orchestrator/workers/attempt_files.h"
#include "orchestrator/workers/patience.h"
#include "orchestrator/workers/processor_use.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

/// Returns an unnamed file that takes the trainer's standard error. A pipe would have to be read
/// all the time, or a talkative trainer would stop when it is full.
UniqueFd MakeLog() {
  UniqueFd log(::memfd_create("beamgrid-trainer-stderr", MFD_CLOEXEC));
  if (log.get() < 0) throw SystemError("the trainer's log", "cannot be made", errno);
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

/// Returns the trainer's own last message without its name, for it is shown as ours; nothing where
/// it had none. Libraries may have said something before.
std::optional<std::string> OwnWords(const std::string& log) {
  constexpr std::string_view kName = "beamgrid-trainer: ";
  const std::size_t begin = ("\n" + log).rfind("\n" + std::string(kName));
  if (begin == std::string::npos) return std::nullopt;
  return log.substr(begin + kName.size());
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

bool TrainerProcess::HasWords(std::chrono::milliseconds patience) const {
  using Clock = std::chrono::steady_clock;
  if (patience.count() == 0) return true;
  Patience silence(patience, Patience::Late::kStartsAnew, Clock::now());
  std::optional<ProcessorUse> use;  // a step ago, where it is silent for too long
  pollfd readable{.fd = child_.standard_output.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    if (::poll(&readable, 1, static_cast<int>(silence.Step().count())) > 0) return true;
    if (!silence.Look(Clock::now())) continue;
    // As of a worker: one that is kept from running is not silent of its own.
    const auto before = std::exchange(use, ProcessorUseOf(child_.pid));
    if (!before && use && use->waits_for_more) continue;
    if (!WasStarved(before, use, silence.Step())) return false;
    use.reset();
    silence.StartAnew(Clock::now());
  }
}

std::size_t TrainerProcess::Read(char* bytes, std::size_t size) const {
  ssize_t got = 0;
  do {
    got = ::read(child_.standard_output.get(), bytes, size);
  } while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void TrainerProcess::Finish() {
  const int exit_code = WaitFor(child_.pid);
  child_.pid = -1;
  if (exit_code == 0) return;
  const std::string log = LastWords();
  const std::string words = OwnWords(log).value_or(log);
  if (exit_code == static_cast<int>(TrainerExit::kBadSpec)) throw UsageError(words);
  if (exit_code == static_cast<int>(TrainerExit::kBadData)) throw InputError(words);
  const bool has_said_why = exit_code > 0 && OwnWords(log).has_value();
  if (has_said_why) throw Error(words);
  throw Error(command_ + " " + HowItEnded(exit_code, log) + (log.empty() ? "" : ":\n" + log));
}

void TrainerProcess::GiveUp(std::chrono::milliseconds patience) {
  const std::string log = LastWords();
  Kill();
  (void)WaitFor(child_.pid);
  child_.pid = -1;
  throw Error(command_ + " said nothing for " + SecondsText(patience) +
              " and was ended: the device, a file system or a library does not answer; look at "
              "`beamgrid doctor` and at the limits of this shell (ulimit -a), then run again" +
              (log.empty() ? "" : ":\n" + log));
}

}  // namespace beamgrid
