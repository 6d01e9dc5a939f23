#pragma once
// Which files of a study nobody needs any more. Deciding only: nothing is changed here.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/housekeeping/record_overview.h"
#include "orchestrator/housekeeping/runs_folder.h"

namespace beamgrid {

/// PruneQuestion is what `prune` is asked.
struct PruneQuestion {
  std::vector<StudyId> studies;
  std::size_t keep = 1;             ///< the best models of each study, with all their seeds
  std::set<std::string> artifacts;  ///< that the others give up: "model", "predictions"
};

/// GivenUpFile is an artifact whose file goes.
struct GivenUpFile {
  TrialRecord trial;
  Artifact artifact;
  std::filesystem::path path;
  /// Set where the trial is one of the best of those that do not count now: why it does not.
  std::string best_not_counted;
  bool operator==(const GivenUpFile& other) const { return path == other.path; }
};

/// KeptTrial is a trial that is not among the best and keeps its files all the same.
struct KeptTrial {
  TrialRecord trial;
  std::string why;  ///< "a member of an ensemble of study a", "study b has it too"
  bool operator==(const KeptTrial& other) const {
    return trial.id == other.trial.id && why == other.why;
  }
};

/// PrunePlan is what would be deleted.
struct PrunePlan {
  std::vector<GivenUpFile> files;
  /// Checkpoints of complete trials, the best ones' too: nothing goes on from them.
  std::vector<std::filesystem::path> checkpoints;
  std::vector<KeptTrial> kept;
  bool operator==(const PrunePlan&) const = default;

  [[nodiscard]] std::vector<std::filesystem::path> Paths() const;
};

/// Returns the files of the studies' complete trials that may go: those of trials which are not
/// among the best models of any of these studies, belong to no other study, are no member of a
/// recorded ensemble, and which no other trial starts from, recorded or asked for by a study that
/// is running. The best are of the trials that count; of a study in which none that counts is
/// complete, those of the others.
[[nodiscard]] PrunePlan PlanPrune(const Store& store, const RecordOverview& record,
                                  const RunsFolder& runs, const PruneQuestion& question,
                                  const std::set<std::string>& running);

/// Returns the checkpoints in the folders of those of the trials that are complete, half-written
/// ones too: nothing goes on from them, and the record knows none. They can go first where the disk
/// is too full to write down what else goes.
[[nodiscard]] std::vector<std::filesystem::path> CheckpointsOf(
    const Store& store, const RunsFolder& runs, const std::vector<TrialRecord>& trials);

/// Gives the plan's files up in the record: they become trash. The record knows no checkpoints.
void CarryOut(Store& store, const PrunePlan& plan);

}  // namespace beamgrid
