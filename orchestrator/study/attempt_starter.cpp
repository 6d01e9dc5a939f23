#include "orchestrator/study/attempt_starter.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>
#include <utility>

#include "orchestrator/study/warm_start.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

// File systems take names of 255 bytes: seed, fingerprint and separators need up to 31 of the rest.
constexpr std::size_t kLongestName = 160;
/// What a result is called that does not count.
constexpr char kDisownedResult[] = "disowned_result.json";

/// Returns a directory that nobody has: another database may leave its attempts under the same
/// folder. Nor one that is still to be deleted.
fs::path UnusedDirectory(const Store& store, const fs::path& trial_folder, std::int64_t attempt) {
  fs::path directory = trial_folder / std::to_string(attempt);
  for (int copy = 2; fs::exists(directory) || store.IsTrash(directory); ++copy) {
    directory = trial_folder / (std::to_string(attempt) + "." + std::to_string(copy));
  }
  return directory;
}

/// Makes the directory; false where somebody else has made it.
bool MakeDirectory(const fs::path& directory) {
  std::error_code error;
  // The trial's folder first: it is all that is lacking, but for the first trial of a study.
  fs::create_directory(directory.parent_path(), error);
  if (error == std::errc::no_such_file_or_directory) {
    fs::create_directories(directory.parent_path(), error);
  }
  const bool made = !error && fs::create_directory(directory, error);
  if (!error) return made;
  throw SystemError(directory, "cannot create the folder (--runs names another place)",
                    error.value());
}

/// Writes trial.json without syncing it: the worker that reads it does not survive a power cut
/// either, and the record already says that an attempt was begun.
void WriteTrialFile(const fs::path& directory, const TrialFile& trial) {
  const fs::path path = directory / kTrialFile;
  std::ofstream file(path, std::ios::binary);
  file << CanonicalJson(ToJson(trial)) << '\n';
  // Closed before the check: what is still buffered can fail only now.
  file.close();
  if (!file) throw SystemError(path, "cannot write", errno);
}

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(seconds));
}

Placement PlacementOf(const StudyTrial& trial, const Slot& slot) {
  const auto memory = trial.needs.memory_bytes.find(slot.device);
  return {.device = slot.device,
          .threads = slot.threads,
          .alone = trial.needs.alone,
          .memory_bytes = memory == trial.needs.memory_bytes.end() ? 0 : memory->second,
          // Else they only tell the longer trial from the shorter one.
          .seconds = trial.needs.measured ? trial.needs.seconds : 0};
}

}  // namespace

double HeartbeatSeconds(const ResourceSettings& resources) {
  constexpr double kBeatsPerTimeout = 4;
  double seconds = TrialFile().heartbeat_seconds;
  for (const double timeout :
       {resources.heartbeat_timeout_seconds, resources.stall_timeout_seconds}) {
    if (timeout > 0) seconds = std::min(seconds, timeout / kBeatsPerTimeout);
  }
  return seconds;
}

AttemptStarter::AttemptStarter(const Recipe& recipe, Store& store, Executor& executor)
    : recipe_(recipe), store_(store), executor_(executor) {}

BegunAttempt AttemptStarter::Begin(const StudyTrial& trial, const Slot& slot,
                                   const std::string& data_stamp) {
  const fs::path folder = store_.runs() / recipe_.name /
                          TrialFolderName(trial.name, trial.spec.seed, trial.fingerprint);
  // The directory is only chosen here. It is made after the commit: a rollback leaves no folder.
  const fs::path directory = UnusedDirectory(store_, folder, trial.attempts + 1);
  WarmStartModel start;
  if (!trial.spec.warm_start.empty()) start = FindWarmStartModel(store_, trial.spec.warm_start);
  const std::int64_t attempt =
      store_.BeginAttempt(trial.id, directory.string(), slot.device, slot.threads, data_stamp);
  if (executor_.Queues()) store_.NoteQueued(trial.id, attempt);
  return {.key = {trial.id, attempt},
          .directory = directory,
          .file = {.study = recipe_.name,
                   .name = trial.name,
                   .fingerprint = trial.fingerprint,
                   .spec = trial.spec,
                   .attempt = attempt,
                   .device = slot.device,
                   .threads = slot.threads,
                   // Any earlier attempt may have left one: the last may have died before its first
                   // checkpoint.
                   .resume_from = trial.attempts > 0 ? NewestCheckpoint(store_, trial.id) : "",
                   .until_epoch = trial.until_epoch,
                   .warm_start_model = start.path,
                   .warm_start_hash = start.hash,
                   .heartbeat_seconds = HeartbeatSeconds(recipe_.resources),
                   .stall_seconds = recipe_.resources.stall_timeout_seconds},
          .placement = PlacementOf(trial, slot)};
}

void AttemptStarter::Launch(BegunAttempt attempt) {
  while (!MakeDirectory(attempt.directory)) {
    attempt.directory =
        UnusedDirectory(store_, attempt.directory.parent_path(), attempt.file.attempt);
    store_.SetAttemptDirectory(attempt.key.trial, attempt.key.attempt, attempt.directory.string());
  }
  if (!std::exchange(study_folder_is_safe_, true)) {
    // Its name in the runs folder, and that one's.
    SyncFoldersAbove(attempt.directory.parent_path().parent_path(), 2);
  }
  WriteTrialFile(attempt.directory, attempt.file);
  executor_.Submit(attempt.key, attempt.directory, attempt.placement,
                   Milliseconds(recipe_.resources.timeout_seconds));
}

std::string TrialFolderName(const std::string& trial_name, std::int64_t seed,
                            const std::string& fingerprint) {
  std::string name = trial_name.substr(0, kLongestName) + "-s" + std::to_string(seed) + "-" +
                     fingerprint.substr(0, 8);
  for (char& letter : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    if (!plain && std::string_view("-_.+=,").find(letter) == std::string_view::npos) letter = '_';
  }
  // A leading dot hides the folder, a leading dash makes it an option of shell commands.
  if (trial_name.empty() || name.front() == '.' || name.front() == '-') name.insert(0, "_");
  return name;
}

void Disown(const fs::path& attempt_directory) {
  std::error_code error;
  const fs::path result = attempt_directory / kResultFile;
  if (fs::exists(result, error)) fs::rename(result, attempt_directory / kDisownedResult, error);
  if (error) throw SystemError(result, "cannot rename", error.value());
  const fs::path checkpoint = attempt_directory / kLastCheckpoint;
  fs::remove(checkpoint, error);
  if (error) throw SystemError(checkpoint, "cannot remove", error.value());
}

AttemptOutcome Disown(Store& store, TrialId trial, const AttemptOutcome& reported,
                      const std::string& why) {
  Disown(store.Trial(trial).directory);  // of its last attempt
  store.ForgetEpochs(trial);
  const bool interrupted =
      !reported.complete() && reported.failure().kind == FailureKind::kInterrupted;
  return {
      AttemptFailure{.kind = interrupted ? FailureKind::kInterrupted : FailureKind::kEnvironment,
                     .message = why,
                     .log_tail = reported.complete() ? "" : reported.failure().log_tail},
      reported.exit_code};
}

std::vector<fs::path> CheckpointsOf(const Store& store, TrialId trial) {
  std::vector<fs::path> checkpoints;
  for (const Store::AttemptRecord& attempt : store.Attempts(trial)) {
    for (const char* checkpoint : {kLastCheckpoint, kBestCheckpoint}) {
      checkpoints.push_back(fs::path(attempt.directory) / checkpoint);
    }
  }
  return checkpoints;
}

void RemoveFiles(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    std::error_code ignored;
    fs::remove(file, ignored);
  }
}

std::string NewestCheckpoint(const Store& store, TrialId trial) {
  const std::vector<Store::AttemptRecord> attempts = store.Attempts(trial);
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    const fs::path checkpoint = fs::path(attempt->directory) / kLastCheckpoint;
    std::error_code ignored;
    // A folder that cannot be looked at costs the progress in it, not the trial.
    if (fs::exists(checkpoint, ignored)) return checkpoint.string();
  }
  return {};
}

}  // namespace beamgrid
