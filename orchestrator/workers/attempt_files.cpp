#include "orchestrator/workers/attempt_files.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

// A log may be gigabytes: only its end is read, and it goes into the record with the failure.
constexpr std::streamoff kTailBytes = 64 << 10;
constexpr std::size_t kLongestLine = 500;

/// Returns the line without terminal codes, broken characters and endless length: a log is a
/// stranger's bytes, and the record holds them.
std::string Readable(const std::string& line) {
  return std::string(FirstColumns(Printable(line.substr(0, kLongestLine)), kLongestLine));
}

/// Throws where a file cannot be looked at because of the machine: that says nothing about what is
/// in the file.
void ThrowIfMachineFault(const std::filesystem::path& path, const std::error_code& error) {
  if (IsMachineFault(error.value())) throw SystemError(path, "cannot read", error.value());
}

bool IsThere(const std::filesystem::path& path) {
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  ThrowIfMachineFault(path, error);
  return there;
}

/// Reads the result. Throws std::invalid_argument where the file is no result.
std::optional<TrialResult> ReadChecked(const std::filesystem::path& directory, ArtifactCheck check,
                                       std::string* why) {
  TrialResult result = TrialResultFromJson(ParseJson(ReadFile(directory / kResultFile)));
  // Older workers listed their best checkpoint too. A complete trial gives its checkpoints up.
  std::erase_if(result.artifacts,
                [](const Artifact& file) { return file.path == kBestCheckpoint; });
  for (const Artifact& artifact : result.artifacts) {
    const std::string damage = DamageOf(directory / artifact.path, artifact, check);
    if (damage.empty()) continue;
    *why = artifact.path + " is damaged: it " + damage;
    return std::nullopt;
  }
  return result;
}

/// Returns the result where it is there and whole, else nothing; `why` says what is wrong with a
/// damaged one.
std::optional<TrialResult> ReadResult(const std::filesystem::path& directory, ArtifactCheck check,
                                      std::string* why) {
  if (!IsThere(directory / kResultFile)) return std::nullopt;
  try {
    return ReadChecked(directory, check, why);
  } catch (const std::invalid_argument& error) {
    *why = std::string("result.json is damaged: ") + error.what();
  } catch (const Error& error) {
    // Taken for damage, a passing fault of the disk would throw a finished trial away.
    if (IsMachineFault(SystemCode(error))) throw;
    *why = error.what();
  }
  return std::nullopt;
}

/// SignalMeaning says whose fault the death of a worker by a signal is. A signal that is on no list
/// comes from outside, for no fault of a program raises it.
struct SignalMeaning {
  int signal;
  FailureKind kind;
  const char* words;
};
constexpr SignalMeaning kSignals[] = {
    {SIGSEGV, FailureKind::kCrashed, ""},
    {SIGABRT, FailureKind::kCrashed, ""},
    {SIGFPE, FailureKind::kCrashed, ""},
    {SIGTRAP, FailureKind::kCrashed, ""},
    {SIGBUS, FailureKind::kEnvironment,
     ": a file that it had mapped became shorter or cannot be read; check the data files and the "
     "disk, then run again"},
    {SIGILL, FailureKind::kEnvironment,
     ": this processor lacks an instruction that LibTorch or a plugin was compiled for; compile it "
     "for this machine, then run again"},
    {SIGSYS, FailureKind::kEnvironment,
     ": a call of the system is forbidden here (seccomp); allow it, then run again"},
    {SIGXCPU, FailureKind::kEnvironment,
     ": allow more processor time (ulimit -t), then run again; what was finished is kept"},
    {SIGXFSZ, FailureKind::kEnvironment,
     ": allow larger files (ulimit -f), then run again; what was finished is kept"},
    // Only a guess: where the kernel counts its kills, WorkerProcess knows better.
    {SIGKILL, FailureKind::kCrashed,
     ", which we did not send: possibly out of memory (the kernel kills the largest process)"}};

std::string SignalText(int signal) {
  const char* name = ::sigabbrev_np(signal);
  std::string text = "was killed by signal " + std::to_string(signal);
  if (name != nullptr) text += std::string(" (SIG") + name + ")";
  return text;
}

FailureKind KindOf(TrainerExit exit) {
  switch (exit) {
    case TrainerExit::kBadSpec:
      return FailureKind::kBadSpec;
    case TrainerExit::kOutOfMemory:
      return FailureKind::kOutOfMemory;
    case TrainerExit::kDiverged:
      return FailureKind::kDiverged;
    case TrainerExit::kBadData:
      return FailureKind::kBadData;
    case TrainerExit::kInterrupted:
      return FailureKind::kInterrupted;
    case TrainerExit::kDone:
    case TrainerExit::kBroken:
      return FailureKind::kCrashed;
  }
  return FailureKind::kCrashed;
}

struct Cause {
  FailureKind kind;
  std::string message;
};

Cause StopCause(const WorkerEnd& end) {
  const FailureKind kind = end.stopped == StopReason::kTimedOut ? FailureKind::kTimedOut
                           : end.stopped == StopReason::kHung   ? FailureKind::kHung
                                                                : FailureKind::kInterrupted;
  return {kind, end.stop_detail.empty() ? "stopped with the study" : end.stop_detail};
}

/// What the dynamic linker and shells exit with where a program cannot be run.
bool CannotBeRun(int exit_code) { return exit_code == 126 || exit_code == 127; }

/// LimitWords is what a program says that ran into a limit before it could say so in our words.
struct LimitWords {
  const char* words;
  int code;  ///< errno
};
constexpr LimitWords kLimitWords[] = {{"failed to map segment", ENOMEM},
                                      {"cannot allocate ", ENOMEM},
                                      {"Cannot allocate memory", ENOMEM},
                                      {"cannot create shared object descriptor", ENOMEM},
                                      {"std::bad_alloc", ENOMEM},
                                      {"Too many open files", EMFILE},
                                      {"shared object file: Error 24", EMFILE},
                                      {"Resource temporarily unavailable", EAGAIN}};

/// Returns ": the reason; the way out" where the log tells of a limit of the machine.
std::string LimitText(const std::string& log) {
  for (const LimitWords& limit : kLimitWords) {
    if (log.find(limit.words) == std::string::npos) continue;
    return std::string(": ") + std::strerror(limit.code) + "; " + FixForSystemError(limit.code);
  }
  return {};
}

FailureKind KindOfSignal(int signal, const std::string& log) {
  // What abort() says where an allocation fails before our code or beside it.
  if (signal == SIGABRT && log.find("std::bad_alloc") != std::string::npos) {
    return FailureKind::kOutOfMemory;
  }
  const auto* known = std::ranges::find(kSignals, signal, &SignalMeaning::signal);
  return known != std::end(kSignals) ? known->kind : FailureKind::kInterrupted;
}

Cause ExitCause(const WorkerEnd& end, const std::string& log) {
  if (!end.exit_code) return {FailureKind::kInterrupted, "its orchestrator died"};
  const int code = *end.exit_code;
  const std::string text = "the worker " + HowItEnded(code, log);
  if (code < 0) return {KindOfSignal(-code, log), text};
  if (CannotBeRun(code)) return {FailureKind::kEnvironment, text};
  Cause cause{KindOf(static_cast<TrainerExit>(code)),
              code == 0 ? "the worker left no result.json though it exited with 0" : text};
  if (end.failed_message) {
    // The other exit codes say the kind themselves. kBroken stands for all that has no code, and
    // with kDone ends an attempt that was paused.
    const auto exit = static_cast<TrainerExit>(code);
    if (exit == TrainerExit::kBroken || exit == TrainerExit::kDone) {
      cause.kind = end.failed_message->kind;
    }
    cause.message = end.failed_message->message;
  }
  return cause;
}

}  // namespace

std::string HowItEnded(int exit_code, const std::string& log) {
  const std::string limit = LimitText(log);
  if (exit_code < 0) {
    const auto* known = std::ranges::find(kSignals, -exit_code, &SignalMeaning::signal);
    if (known == std::end(kSignals)) {
      return SignalText(-exit_code) + ", which somebody sent from outside";
    }
    // What has words of its own has nothing to do with what the program said before.
    return SignalText(-exit_code) + (*known->words == 0 ? limit : known->words);
  }
  const std::string status = std::to_string(exit_code);
  if (!CannotBeRun(exit_code)) return "exited with status " + status + limit;
  return "cannot be run (status " + status + ")" +
         (limit.empty() ? ": a library of it is missing or does not fit; see its last words and "
                          "`beamgrid doctor`"
                        : limit);
}

AttemptOutcome OutcomeOf(const std::filesystem::path& directory, const WorkerEnd& end) {
  const int exit_code = end.exit_code.value_or(0);
  std::string damage;
  const ArtifactCheck check = end.exit_code ? ArtifactCheck::kSizes : ArtifactCheck::kHashes;
  // Before the exit code: a worker that is killed after its last rename has done all its work.
  if (auto result = ReadResult(directory, check, &damage)) {
    return {*std::move(result), exit_code};
  }
  const std::string log = LogTail(directory / kWorkerLog);
  Cause cause = end.stopped != StopReason::kNone ? StopCause(end) : ExitCause(end, log);
  // Whatever ended it: that its files are broken is what the user must know.
  if (!damage.empty()) cause = {FailureKind::kCrashed, damage};
  return {AttemptFailure{.kind = cause.kind, .message = Readable(cause.message), .log_tail = log},
          exit_code};
}

std::string DamageOf(const std::filesystem::path& path, const Artifact& artifact,
                     ArtifactCheck check) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  ThrowIfMachineFault(path, error);
  if (!std::filesystem::exists(status)) return "is gone";
  if (!std::filesystem::is_regular_file(status)) return "is no file";
  // Before the hash: a cut-off file of gigabytes is found out without reading it.
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
  if (error) throw SystemError(path, "cannot read", error.value());
  if (bytes != artifact.bytes) {
    return "has " + std::to_string(bytes) + " bytes, the record says " +
           std::to_string(artifact.bytes);
  }
  if (check == ArtifactCheck::kSizes) return {};
  const std::string hash = HashFile(path);
  if (hash == artifact.hash) return {};
  return "has the hash " + hash + ", the record says " + artifact.hash;
}

std::string LogTail(const std::filesystem::path& log, int lines) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kTailBytes));
  std::deque<std::string> last;
  for (std::string line; std::getline(file, line);) {
    last.push_back(Readable(line));
    // Only the last lines are kept while reading, so the first, possibly cut, one goes too.
    if (static_cast<int>(last.size()) > lines) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace beamgrid
