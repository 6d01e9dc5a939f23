#include "trainer/worker/attempt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "registry/added_options.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"
#include "trainer/data/digest.h"
#include "trainer/plugin.h"
#include "trainer/training/device.h"
#include "trainer/training/failures.h"
#include "trainer/training/training_loop.h"
#include "trainer/worker/execution_log.h"
#include "trainer/worker/heartbeat.h"
#include "trainer/worker/log.h"
#include "trainer/worker/stop_request.h"

namespace beamgrid::trainer {
namespace {

/// AttemptLock keeps two workers out of one directory, and shows an orchestrator who works there:
/// it holds the lock (fcntl's F_SETLK) on a directory's worker.lock. The kernel takes it back
/// however the process ends.
class AttemptLock {
 public:
  /// Takes the lock. Throws Error, naming the process, where another one holds it. On a file system
  /// that knows no locks the work goes on without.
  explicit AttemptLock(const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / kWorkerLock;
    file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (file_.get() < 0) throw SystemError(path, "cannot write", errno);
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    // Only "somebody holds it" is a refusal. An error of the file system (NFS without lockd) is
    // none: the lock guards against a rare mistake, and is not worth a study that cannot run.
    if (::fcntl(file_.get(), F_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES)) return;
    // fcntl's locks, unlike flock's, say which process holds them.
    ::fcntl(file_.get(), F_GETLK, &whole);
    throw Error(directory.string() + ": process " + std::to_string(whole.l_pid) +
                " works on this attempt");
  }

 private:
  /// The only descriptor of this process on that file: closing any of them gives the lock up.
  UniqueFd file_;
};

void LogTo(const std::filesystem::path& path) {
  std::fflush(stdout);  // what was said before belongs to where it was said
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file.get() < 0) throw SystemError(path, "cannot write", errno);
  // Both: libraries print to either, and a crash's last words belong to the attempt that crashed.
  ::dup2(file.get(), STDOUT_FILENO);
  ::dup2(file.get(), STDERR_FILENO);
}

TrialFile ReadTrial(const TrainArguments& arguments) {
  const std::filesystem::path path = arguments.directory / kTrialFile;
  if (!std::filesystem::exists(path)) {
    throw UsageError(path.string() + ": not found; name the folder of an attempt");
  }
  TrialFile trial = TrialFileFromJson(ParseJson(ReadFile(path)));
  FillInAsBefore(trial.spec.model);
  // A trial.json can be replayed by hand on another device than the study's.
  if (arguments.device) trial.device = *arguments.device;
  if (arguments.threads) trial.threads = *arguments.threads;
  if (trial.threads < 1) throw UsageError("threads must be at least 1");
  return trial;
}

std::string DigestNow(const DataSpec& data, HashCache& hashes) {
  try {
    // The orchestrator has read the files: where the cache knows them, they are only looked at.
    return DataDigest(data, hashes);
  } catch (const Error& error) {
    // A file that is gone is a mistake in the data; a broken disk is none.
    if (IsMachineFault(SystemCode(error))) throw;
    throw DataFilesError(error.what());
  }
}

/// A trial's fingerprint covers its data, so a result on other data would be filed under a wrong
/// name.
void CheckDigest(const DataSpec& data, HashCache& hashes) {
  if (data.digest.empty()) return;
  const std::string digest = DigestNow(data, hashes);
  if (digest == data.digest) return;
  throw DataFilesError("the data files have changed since the trial was planned (digest " + digest +
                       " instead of " + data.digest + "); plan it again");
}

/// Plugins and scripts are the files that a model names. A teacher's file, which training settings
/// name, is only read.
Traces TracesOfModel(ModelSpec model) {
  model.train.clear();
  // WithHashesForFiles rewrites every named file, so a model without one stays as it is.
  const boost::json::value json = ToJson(model);
  return WithHashesForFiles(json) == json ? Traces::kNone : Traces::kUnknown;
}

LoopHooks Hooks(Messenger& messenger, HeartbeatThread& heartbeat) {
  return {.report =
              [&](const Message& message) {
                // Started is the first tick: opening and counting the data may take any time.
                heartbeat.Tick();
                if (const auto* progress = std::get_if<Progress>(&message)) {
                  heartbeat.AtEpoch(progress->epoch);
                }
                messenger.Send(message);
              },
          .log = LogInfo,
          .stop_requested =
              [&] {
                // The loop asks after each batch, in training and in evaluation.
                heartbeat.Tick();
                return StopRequested();
              }};
}

void Train(const TrialFile& trial, const std::filesystem::path& directory, HashCache& hashes,
           Messenger& messenger) {
  // First: reading the digest and the plugins may take long, and silence would count as hung.
  HeartbeatThread heartbeat(messenger, trial);
  PrepareProcess(trial.threads);
  // A kept worker's earlier trials must not count for this one.
  ForgetPeakMemory(ParseDevice(trial.device));
  CheckDigest(trial.spec.data, hashes);
  for (const NamedFile& plugin : trial.spec.model.plugins) LoadPlugin(plugin);
  // After the checks of data and plugins: an attempt that they refuse has executed nothing.
  LogExecution(ExecutionEvent::kBegin, trial.fingerprint, directory);
  static_cast<void>(TrainingLoop(trial, directory, Hooks(messenger, heartbeat)).Run());
  LogExecution(ExecutionEvent::kEnd, trial.fingerprint, directory);
}

/// Logs what is being thrown and tells the orchestrator.
TrainerExit Fail(Messenger& messenger) {
  const Ending ending = EndingOfCurrentException();
  LogError(Printable(ending.detail.empty() ? ending.message : ending.detail));
  messenger.Send(Failed{.kind = ending.failure, .message = ending.message});
  return ending.exit;
}

}  // namespace

Traces TracesOf(const std::filesystem::path& directory) {
  try {
    return TracesOfModel(ReadTrial({.directory = directory}).spec.model);
  } catch (const std::exception&) {
    return Traces::kNone;
  }
}

int RunAsWorker(const std::function<TrainerExit(Messenger&)>& work) {
  OpenLog();
  Messenger messenger;
  try {
    messenger.TakeStdout();
    CatchStopSignals();
    return static_cast<int>(work(messenger));
  } catch (const std::exception&) {
    return static_cast<int>(Fail(messenger));
  }
}

AttemptEnd CarryOut(const TrainArguments& arguments, LogTarget log, HashCache& hashes,
                    Messenger& messenger) {
  AttemptEnd end{.exit = TrainerExit::kDone};
  try {
    const std::filesystem::path directory = std::filesystem::absolute(arguments.directory);
    if (log == LogTarget::kWorkerLog) LogTo(directory / kWorkerLog);
    const TrialFile trial = ReadTrial(arguments);
    // Before anything is written but the log, which is appended to.
    const AttemptLock lock(directory);
    end.traces = TracesOfModel(trial.spec.model);
    Train(trial, directory, hashes, messenger);
    // Before Finished, at which the orchestrator may fill the room with another trial.
    ReleaseMemory(ParseDevice(trial.device));
  } catch (const Paused& paused) {
    LogInfo(paused.what());
    messenger.Send(Failed{.kind = FailureKind::kInterrupted, .message = paused.what()});
    return end;
  } catch (const std::exception&) {
    return {Fail(messenger)};
  }
  messenger.Send(Finished{});
  return end;
}

}  // namespace beamgrid::trainer
