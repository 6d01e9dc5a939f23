#pragma once
// Finished trials trained again and compared with the record, which is only read. Each gets a
// folder of its own; it stays where something differs.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "orchestrator/audit/measured.h"
#include "orchestrator/machine/devices.h"
#include "orchestrator/study/executor.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Returns the study's complete trials and their forms in other precisions, results with their
/// epochs, by name, seed and fingerprint.
[[nodiscard]] std::vector<TrialRecord> CompleteTrials(const Store& store, const StudyRecord& study);

/// Returns `count` of the trials, the same ones for the same seed whatever their order; all where
/// there are no more. In the order given.
[[nodiscard]] std::vector<TrialRecord> DrawTrials(std::vector<TrialRecord> trials,
                                                  std::size_t count, std::uint64_t seed);

/// DamagedFile is a file of the record that is not what was recorded.
struct DamagedFile {
  TrialRecord trial;
  Artifact artifact;
  std::filesystem::path path;
  std::string damage;  ///< RecordedDamage
  bool operator==(const DamagedFile& other) const { return path == other.path; }
};
/// Returns every artifact of the trials that is damaged: each is read and hashed. One that was
/// pruned is not.
[[nodiscard]] std::vector<DamagedFile> DamagedFiles(const std::vector<TrialRecord>& trials);
/// Returns every artifact of the trials whose file `prune` gave up and that is not there.
[[nodiscard]] std::vector<DamagedFile> PrunedFiles(const std::vector<TrialRecord>& trials);

/// Verdict is what came of training a trial again.
enum class Verdict { kEqual, kDifferent, kNotTrained };
[[nodiscard]] std::string ToString(Verdict verdict);  ///< "equal", "different", "not trained"

/// VerifiedTrial is a trial that was trained again.
struct VerifiedTrial {
  TrialRecord trial;
  Verdict verdict = Verdict::kNotTrained;
  TrialResult now;                      ///< unless not trained
  std::vector<Difference> differences;  ///< of what was measured
  std::vector<Difference> environment;  ///< what of it differs
  std::string why;                      ///< where not trained
  std::filesystem::path directory;      ///< what was trained; empty where equal: it is removed
};

/// Returns where a recorded trial is trained again: on its device, another of the kind, or what
/// there is; with its threads.
[[nodiscard]] Placement PlacementFor(const TrialResult& recorded, const MachineDevices& machine);

/// Repair says whether a retrained trial brings files back.
enum class Repair {
  kNo,
  kDamaged,
  kPruned,  ///< damaged ones, and those that `prune` gave up
};

/// Returns whether another attempt may start beside those that run in these places. One on a GPU
/// has it alone; those on the CPU share its cores, and one always has room.
[[nodiscard]] bool HasRoomFor(const Placement& placement, const std::vector<Placement>& taken,
                              const MachineDevices& machine);

/// Looks at the machine; the trainer is asked for GPUs only where one of the trials was on one.
[[nodiscard]] MachineDevices LookAtMachineFor(const std::vector<TrialRecord>& trials,
                                              const std::filesystem::path& trainer);

/// VerifySettings is where and on what trials are trained again.
struct VerifySettings {
  std::string study;
  std::filesystem::path folder;  ///< of the trials' folders
  MachineDevices machine;
  /// Returns a trial's data where they are now; empty: where the record says.
  std::function<DataSpec(const TrialRecord&)> data;
  Repair repair = Repair::kNo;
  std::function<void(const std::string&)> remark;  ///< lines for people; may be empty
};

/// StudyVerifier trains finished trials again and judges what comes out. Not thread-safe but for
/// Interrupt.
class StudyVerifier {
 public:
  /// Expects that both outlive the verifier.
  StudyVerifier(const Store& store, Executor& executor, VerifySettings settings);

  /// Trains as many at once as there are cores and GPUs; calls `on_verified` for each as it ends.
  /// Returns false after an interrupt, when the workers are gone. Error where the environment
  /// broke.
  [[nodiscard]] bool Run(const std::vector<TrialRecord>& trials,
                         const std::function<void(const VerifiedTrial&)>& on_verified);

  /// Makes Run kill the workers and return. Safe in a signal handler and from any thread.
  void Interrupt();

 private:
  /// Work is a trial that is being trained again.
  struct Work {
    TrialRecord trial;
    Placement placement;
    std::filesystem::path directory;
  };

  [[nodiscard]] bool HasRoom(const Placement& placement) const;
  void Start(const TrialRecord& trial, const Placement& placement);
  [[nodiscard]] VerifiedTrial Judge(const Work& work, const AttemptOutcome& outcome) const;
  void PutBack(const Work& work) const;
  void StopAll();
  void Remove(const std::filesystem::path& directory) const;
  void Remark(const std::string& line) const;

  const Store& store_;
  Executor& executor_;
  VerifySettings settings_;
  std::map<AttemptKey, Work> running_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace beamgrid
