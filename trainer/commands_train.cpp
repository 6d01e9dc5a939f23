#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "registry/error.h"
#include "registry/json.h"
#include "trainer/commands.h"
#include "trainer/data/digest.h"
#include "trainer/device.h"
#include "trainer/execution_log.h"
#include "trainer/log.h"
#include "trainer/plugin.h"
#include "trainer/training_loop.h"

namespace beamgrid::trainer {
namespace {

std::atomic<bool> stop_requested = false;

void OnSignal(int /*signal*/) { stop_requested = true; }

void CatchSignals() {
  struct sigaction action{};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a reader that went away shows as an error of write
}

/// The protocol's end of the pipe. Thread-safe.
class Messenger {
 public:
  /// Takes stdout for itself: what libraries print there goes to stderr from now on.
  Messenger() : fd_(::dup(STDOUT_FILENO)) { ::dup2(STDERR_FILENO, STDOUT_FILENO); }
  ~Messenger() { ::close(fd_); }
  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  void Send(const Message& message) {
    const std::scoped_lock lock(mutex_);
    const std::string line = ToLine(message) + "\n";
    for (std::size_t sent = 0; sent < line.size();) {
      const ssize_t written = ::write(fd_, line.data() + sent, line.size() - sent);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        stop_requested = true;  // nobody listens: the orchestrator is gone
        return;
      }
      sent += static_cast<std::size_t>(written);
    }
  }

 private:
  std::mutex mutex_;
  int fd_;
};

/// Says that the process lives, also while a step or an evaluation takes long.
class HeartbeatThread {
 public:
  HeartbeatThread(Messenger& messenger, double seconds)
      : thread_([this, &messenger, seconds](const std::stop_token& stop) {
          const std::chrono::duration<double> interval(seconds);
          std::unique_lock lock(mutex_);
          while (!wake_.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
            messenger.Send(Heartbeat{});
          }
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it uses the members above
};

TrialFile ReadTrial(const TrainArguments& arguments) {
  const std::filesystem::path path = arguments.directory / kTrialFile;
  if (!std::filesystem::exists(path)) {
    throw UsageError(path.string() + ": not found; name the folder of an attempt");
  }
  TrialFile trial = TrialFileFromJson(ParseJson(ReadFile(path)));
  if (arguments.device) trial.device = *arguments.device;
  if (arguments.threads) trial.threads = *arguments.threads;
  if (trial.threads < 1) throw UsageError("threads must be at least 1");
  return trial;
}

/// A trial's fingerprint covers its data, so a result on other data would be filed under a wrong
/// name.
void CheckDigest(const DataSpec& data) {
  if (data.digest.empty()) return;
  const std::string digest = DataDigest(data);
  if (digest == data.digest) return;
  throw DataFilesError("the data files have changed since the trial was planned (digest " + digest +
                       " instead of " + data.digest + "); plan it again");
}

LoopHooks Hooks(Messenger& messenger) {
  return {.report = [&messenger](const Message& message) { messenger.Send(message); },
          .log = LogInfo,
          .stop_requested = [] { return stop_requested.load(); }};
}

void Train(const TrainArguments& arguments, Messenger& messenger) {
  const TrialFile trial = ReadTrial(arguments);
  const HeartbeatThread heartbeat(messenger, trial.heartbeat_seconds);
  PrepareProcess(trial.threads);
  CheckDigest(trial.spec.data);
  for (const NamedFile& plugin : trial.spec.model.plugins) LoadPlugin(plugin);
  const std::filesystem::path directory = std::filesystem::absolute(arguments.directory);
  LogExecution(ExecutionEvent::kBegin, trial.fingerprint, directory);
  static_cast<void>(TrainingLoop(trial, directory, Hooks(messenger)).Run());
  LogExecution(ExecutionEvent::kEnd, trial.fingerprint, directory);
}

}  // namespace

int TrainCommand(const TrainArguments& arguments) {
  OpenLog();
  CatchSignals();
  Messenger messenger;
  try {
    Train(arguments, messenger);
  } catch (const std::exception&) {
    const Ending ending = EndingOfCurrentException();
    LogError(ending.detail.empty() ? ending.message : ending.detail);
    messenger.Send(Failed{.kind = ending.failure, .message = ending.message});
    return static_cast<int>(ending.exit);
  }
  messenger.Send(Finished{});
  return static_cast<int>(TrainerExit::kDone);
}

}  // namespace beamgrid::trainer
