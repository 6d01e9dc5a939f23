#pragma once
// What goes with a study or a trial that is removed from the record. Deciding only.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/housekeeping/record_overview.h"

namespace beamgrid {

/// RemovalQuestion is what is to be removed.
struct RemovalQuestion {
  std::vector<StudyId> studies;
  std::vector<std::pair<StudyId, TrialId>> references;  ///< trials as trials of one study
  std::vector<TrialId> trials;                          ///< of whatever study
};

/// RemovalPlan is all that goes with it.
struct RemovalPlan {
  std::vector<StudyRecord> studies;
  /// Trials that studies which stay lose.
  struct Reference {
    StudyRecord study;
    TrialRecord trial;
  };
  std::vector<Reference> references;
  std::vector<TrialRecord> trials;   ///< that no study refers to then: they go with their files
  std::vector<TrialRecord> staying;  ///< that other studies refer to
  /// Ensembles of studies that stay which would have a member that is gone.
  struct Ensemble {
    StudyRecord study;
    std::int64_t id = 0;
    std::string created_at;
  };
  std::vector<Ensemble> ensembles;
  /// Trials that stay and start from one that goes: without its weights they cannot be trained
  /// again.
  struct Start {
    TrialRecord from, trial;
  };
  std::vector<Start> starts;
  /// Names by which recipes of studies that stay start trials from others (`from`) and that mean
  /// nothing afterwards: such a recipe cannot be run as it is.
  struct LostName {
    StudyRecord by;
    std::string name;   ///< as the recipe has it: "first/MC-MoE2/1"
    std::string still;  ///< what means the same trials afterwards; empty: nothing does
  };
  std::vector<LostName> lost_names;
  std::vector<std::filesystem::path> directories;  ///< of the attempts of the trials that go

  /// Returns whether two plans remove the same.
  [[nodiscard]] bool SameAs(const RemovalPlan& other) const;
  /// Returns the names of the studies that must not be run meanwhile.
  [[nodiscard]] std::vector<std::string> StudiesConcerned() const;
};

/// Returns what removing them means.
[[nodiscard]] RemovalPlan PlanRemoval(const Store& store, const RecordOverview& record,
                                      const RemovalQuestion& question);

/// Removes it from the record; the attempts' folders become trash.
void CarryOut(Store& store, const RemovalPlan& plan);

}  // namespace beamgrid
