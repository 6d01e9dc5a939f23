#include "orchestrator/study/attempt_starter.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>
#include <utility>

#include "orchestrator/study/warm_start.h"
#include "orchestrator/workers/attempt_files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// A directory that nobody used: another database may have left its attempts under the same folder.
fs::path UnusedDirectory(const fs::path& trial_folder, std::int64_t attempt) {
  fs::path directory = trial_folder / std::to_string(attempt);
  for (int copy = 2; fs::exists(directory); ++copy) {
    directory = trial_folder / (std::to_string(attempt) + "." + std::to_string(copy));
  }
  return directory;
}

/// Not synced: the worker that reads it does not survive a power cut either, and the record already
/// says that an attempt was begun.
void WriteTrialFile(const fs::path& directory, const TrialFile& trial) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    throw SystemError(directory, "cannot create the folder (--runs names another place)",
                      error.value());
  }
  const fs::path path = directory / kTrialFile;
  std::ofstream file(path, std::ios::binary);
  file << CanonicalJson(ToJson(trial)) << '\n';
  file.close();
  if (!file) throw SystemError(path, "cannot write", errno);
}

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(seconds));
}

/// Often enough that a few may be late, for the timeouts that are told by beats.
double HeartbeatSeconds(const ResourceSettings& resources) {
  constexpr double kBeatsPerTimeout = 4;
  double seconds = TrialFile().heartbeat_seconds;
  for (const double timeout :
       {resources.heartbeat_timeout_seconds, resources.stall_timeout_seconds}) {
    if (timeout > 0) seconds = std::min(seconds, timeout / kBeatsPerTimeout);
  }
  return seconds;
}

}  // namespace

AttemptStarter::AttemptStarter(const Recipe& recipe, const DataSpec& data, fs::path runs,
                               Store& store, Executor& executor)
    : recipe_(recipe),
      data_(data),
      runs_(fs::absolute(runs).lexically_normal()),
      store_(store),
      executor_(executor) {}

BegunAttempt AttemptStarter::Begin(const AttemptSubject& subject, const Slot& slot) {
  const fs::path folder =
      runs_ / recipe_.name / TrialFolderName(subject.name, subject.seed, subject.fingerprint);
  const fs::path directory = UnusedDirectory(folder, subject.earlier_attempts + 1);
  StartModel start;
  if (!subject.start.empty()) start = FindStartModel(store_, subject.start);
  const std::int64_t attempt =
      store_.BeginAttempt(subject.trial, directory.string(), slot.device, slot.threads);
  return {.key = {subject.trial, attempt},
          .directory = directory,
          .file = {.study = recipe_.name,
                   .name = subject.name,
                   .fingerprint = subject.fingerprint,
                   .spec = {*subject.model, data_, recipe_.objective, subject.seed, subject.start},
                   .attempt = attempt,
                   .device = slot.device,
                   .threads = slot.threads,
                   .resume_from =
                       subject.earlier_attempts > 0 ? NewestCheckpoint(store_, subject.trial) : "",
                   .start_model = start.path,
                   .start_hash = start.hash,
                   .heartbeat_seconds = HeartbeatSeconds(recipe_.resources),
                   .stall_seconds = recipe_.resources.stall_timeout_seconds},
          .alone = subject.alone};
}

void AttemptStarter::Launch(const BegunAttempt& attempt) {
  WriteTrialFile(attempt.directory, attempt.file);
  executor_.Submit(attempt.key, attempt.directory,
                   {attempt.file.device, attempt.file.threads, attempt.alone},
                   Milliseconds(recipe_.resources.timeout_seconds));
}

std::string NewestCheckpoint(const Store& store, TrialId trial) {
  const std::vector<Store::AttemptRecord> attempts = store.Attempts(trial);
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    const fs::path checkpoint = fs::path(attempt->directory) / kLastCheckpoint;
    std::error_code ignored;
    if (fs::exists(checkpoint, ignored)) return checkpoint.string();
  }
  return {};
}

}  // namespace beamgrid
