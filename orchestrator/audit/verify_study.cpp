#include "orchestrator/audit/verify_study.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "orchestrator/audit/precision_forms.h"
#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/study/attempt_starter.h"
#include "orchestrator/study/warm_start.h"
#include "orchestrator/workers/attempt_files.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kCpu[] = "cpu";
constexpr std::chrono::milliseconds kPoll{200};

/// Makes a directory that no other verification has or left: one that stayed is evidence.
fs::path MakeUnusedDirectory(const fs::path& wanted) {
  fs::path directory = wanted;
  for (int copy = 2;;) {
    std::error_code error;
    fs::create_directories(directory.parent_path(), error);
    if (!error && fs::create_directory(directory, error)) return directory;
    if (!error) {
      directory = wanted.string() + "." + std::to_string(copy++);
    } else if (error != std::errc::no_such_file_or_directory) {
      throw SystemError(directory, "cannot create the folder", error.value());
    }  // else another verification has just ended and taken the folder above away
  }
}

/// Returns "cuda:0" of "cuda:0 NVIDIA H200".
std::string FirstWord(const std::string& text) { return text.substr(0, text.find_first_of(" ,")); }

bool WasGivenUp(const DamagedFile& file) { return IsGivenUp(file.trial, file.artifact); }

/// Returns the artifacts whose files are not what was recorded, where `wanted` says so.
template <typename Wanted>
std::vector<DamagedFile> FilesThat(const std::vector<TrialRecord>& trials, const Wanted& wanted) {
  std::vector<DamagedFile> files;
  for (const TrialRecord& trial : trials) {
    for (const Artifact& artifact : trial.result->artifacts) {
      const fs::path path = ArtifactPath(trial, artifact);
      DamagedFile file{trial, artifact, path, RecordedDamage(path, artifact)};
      if (!file.damage.empty() && wanted(file)) files.push_back(std::move(file));
    }
  }
  return files;
}

/// Notes a fingerprint that its spec does not have: one of the two was changed.
void CompareIdentity(const Store& store, const TrialRecord& trial,
                     std::vector<Difference>* differences) {
  const std::string now = Fingerprint(store.Spec(trial.id));
  if (now != trial.fingerprint) differences->push_back({"fingerprint", trial.fingerprint, now});
}

}  // namespace

std::vector<TrialRecord> CompleteTrials(const Store& store, const StudyRecord& study) {
  std::vector<TrialRecord> trials = store.Trials(study.id);
  std::erase_if(trials, [](const TrialRecord& trial) {
    return trial.state != TrialState::kComplete || !trial.result;
  });
  std::ranges::move(FormsThatCount(store, study), std::back_inserter(trials));
  for (TrialRecord& trial : trials) trial.result->epochs = store.Epochs(trial.id);
  std::ranges::sort(trials, {}, [](const TrialRecord& trial) {
    return std::tie(trial.name, trial.seed, trial.fingerprint);
  });
  return trials;
}

std::vector<TrialRecord> DrawTrials(std::vector<TrialRecord> trials, std::size_t count,
                                    std::uint64_t seed) {
  if (count >= trials.size()) return trials;
  // By a hash and not by a shuffle: a trial that is added changes little of who is drawn.
  const auto ticket = [seed](const TrialRecord& trial) {
    return HashBytes(std::to_string(seed) + " " + trial.fingerprint);
  };
  std::vector<std::string> tickets;
  for (const TrialRecord& trial : trials) tickets.push_back(ticket(trial));
  std::ranges::sort(tickets);
  const std::set<std::string> drawn(tickets.begin(),
                                    tickets.begin() + static_cast<std::ptrdiff_t>(count));
  std::erase_if(trials, [&](const TrialRecord& trial) { return !drawn.contains(ticket(trial)); });
  return trials;
}

std::vector<DamagedFile> DamagedFiles(const std::vector<TrialRecord>& trials) {
  return FilesThat(trials, [](const DamagedFile& file) { return !WasGivenUp(file); });
}

std::vector<DamagedFile> PrunedFiles(const std::vector<TrialRecord>& trials) {
  return FilesThat(trials, WasGivenUp);
}

std::string ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEqual:
      return "equal";
    case Verdict::kDifferent:
      return "different";
    case Verdict::kNotTrained:
      break;
  }
  return "not trained";
}

Placement PlacementFor(const TrialResult& recorded, const MachineDevices& machine) {
  const std::string device = FirstWord(recorded.device);
  if (device == kCpu || machine.cuda_devices == 0) return {kCpu, recorded.threads};
  for (std::int64_t index = 0; index < machine.cuda_devices; ++index) {
    if (device == "cuda:" + std::to_string(index)) return {device, recorded.threads};
  }
  return {"cuda:0", recorded.threads};
}

bool HasRoomFor(const Placement& placement, const std::vector<Placement>& taken,
                const MachineDevices& machine) {
  std::int64_t threads = 0;
  for (const Placement& other : taken) {
    if (other.device != placement.device) continue;
    if (placement.device != kCpu) return false;
    threads += other.threads;
  }
  return threads == 0 || threads + placement.threads <= machine.cores;
}

MachineDevices LookAtMachineFor(const std::vector<TrialRecord>& trials, const fs::path& trainer) {
  const bool cpu_only = std::ranges::all_of(
      trials, [](const TrialRecord& trial) { return trial.result->device.starts_with(kCpu); });
  ResourceSettings resources;
  if (cpu_only) resources.devices = {kCpu};
  return LookAtMachine(resources, trainer);
}

StudyVerifier::StudyVerifier(const Store& store, Executor& executor, VerifySettings settings)
    : store_(store), executor_(executor), settings_(std::move(settings)) {
  settings_.folder = fs::absolute(settings_.folder).lexically_normal();
}

bool StudyVerifier::Run(const std::vector<TrialRecord>& trials,
                        const std::function<void(const VerifiedTrial&)>& on_verified) {
  std::deque<TrialRecord> waiting(trials.begin(), trials.end());
  while (!interrupted_ && (!waiting.empty() || !running_.empty())) {
    // In the order of the trials: the next one waits for its device rather than being overtaken, so
    // verdicts come as they are listed.
    while (!waiting.empty()) {
      const Placement placement = PlacementFor(*waiting.front().result, settings_.machine);
      if (!HasRoom(placement)) break;
      Start(waiting.front(), placement);
      waiting.pop_front();
    }
    for (const ExecutorEvent& event : executor_.Poll(kPoll)) {
      const auto* outcome = std::get_if<AttemptOutcome>(&event.what);
      if (outcome == nullptr) continue;
      const Work work = running_.extract(event.key).mapped();
      on_verified(Judge(work, *outcome));
    }
  }
  StopAll();
  return !interrupted_;
}

void StudyVerifier::Interrupt() {
  interrupted_ = true;
  executor_.Wake();
}

bool StudyVerifier::HasRoom(const Placement& placement) const {
  std::vector<Placement> taken;
  for (const auto& [key, work] : running_) taken.push_back(work.placement);
  return HasRoomFor(placement, taken, settings_.machine);
}

void StudyVerifier::Start(const TrialRecord& trial, const Placement& placement) {
  TrialFile file{.study = settings_.study,
                 .name = trial.name,
                 .fingerprint = trial.fingerprint,
                 .spec = store_.Spec(trial.id),
                 .device = placement.device,
                 .threads = placement.threads};
  if (settings_.data) file.spec.data = settings_.data(trial);
  if (!file.spec.warm_start.empty()) {
    const WarmStartModel start = FindWarmStartModel(store_, file.spec.warm_start);
    file.warm_start_model = start.path;
    file.warm_start_hash = start.hash;
  }
  const fs::path directory = MakeUnusedDirectory(
      settings_.folder / TrialFolderName(trial.name, trial.seed, trial.fingerprint));
  WriteFileAtomically(directory / kTrialFile, CanonicalJson(ToJson(file)) + "\n");
  const AttemptKey key{trial.id, file.attempt};
  running_[key] = {trial, placement, directory};
  const std::string recorded = FirstWord(trial.result->device);
  Remark(LabelOf(trial) + ": trains again on " + placement.device + ", " +
         CountText(static_cast<std::size_t>(placement.threads), "thread") +
         (placement.device == recorded ? "" : "; it was on " + trial.result->device));
  // Without a timeout: it may be slower here than where it was recorded.
  executor_.Submit(key, directory, placement, /*timeout=*/std::chrono::milliseconds(0));
}

VerifiedTrial StudyVerifier::Judge(const Work& work, const AttemptOutcome& outcome) const {
  VerifiedTrial verified{.trial = work.trial, .directory = work.directory};
  if (!outcome.complete()) {
    verified.why = ToString(outcome.failure().kind) + ": " + outcome.failure().message;
    return verified;
  }
  verified.now = outcome.result();
  CompareIdentity(store_, work.trial, &verified.differences);
  for (Difference& difference :
       Differences(Measured(*work.trial.result), Measured(outcome.result()))) {
    verified.differences.push_back(std::move(difference));
  }
  verified.environment = EnvironmentDifferences(*work.trial.result, outcome.result());
  verified.verdict = verified.differences.empty() ? Verdict::kEqual : Verdict::kDifferent;
  if (verified.verdict != Verdict::kEqual) return verified;
  // Before the folder goes, for the files come from there.
  if (settings_.repair != Repair::kNo) PutBack(work);
  Remove(work.directory);
  verified.directory.clear();
  return verified;
}

/// Puts files in the places of those that are not sound; only what has the recorded hash.
void StudyVerifier::PutBack(const Work& work) const {
  std::vector<DamagedFile> files = DamagedFiles({work.trial});
  if (settings_.repair == Repair::kPruned) {
    std::ranges::move(PrunedFiles({work.trial}), std::back_inserter(files));
  }
  for (const DamagedFile& file : files) {
    const fs::path again = work.directory / file.artifact.path;
    if (!RecordedDamage(again, file.artifact).empty()) continue;
    WriteFileAtomically(file.path, ReadFile(again));
    Remark(file.path.string() + ": put back");
  }
}

void StudyVerifier::StopAll() {
  for (const auto& [key, work] : running_) executor_.Cancel(key, std::chrono::milliseconds(0));
  while (!running_.empty()) {
    for (const ExecutorEvent& event : executor_.Poll(kPoll)) {
      if (!std::holds_alternative<AttemptOutcome>(event.what)) continue;
      Remove(running_.extract(event.key).mapped().directory);
    }
  }
}

/// Removes the directory, with the folders above it that are empty then.
void StudyVerifier::Remove(const fs::path& directory) const {
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  // Refuses a folder that holds something, which is what we want.
  fs::remove(settings_.folder, ignored);
  fs::remove(settings_.folder.parent_path(), ignored);
}

void StudyVerifier::Remark(const std::string& line) const {
  if (settings_.remark) settings_.remark(line);
}

}  // namespace beamgrid
