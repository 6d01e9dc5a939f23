#pragma once
// Who needs whom in a record: studies and their trials, ensembles and their members, trials and
// those that start from them.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// EnsembleOverview is a recorded ensemble.
struct EnsembleOverview {
  std::int64_t id = 0;
  std::string created_at;
  std::set<TrialId> members;
};

/// StudyOverview is a study with all that it refers to.
struct StudyOverview {
  StudyRecord study;
  std::vector<TrialRecord>
      trials;  ///< with the study's names, in its order; also what counts no more
  std::map<TrialId, std::size_t> places;  ///< in `trials`
  std::vector<EnsembleOverview> ensembles;
};

/// RecordOverview is a whole record as it was at one moment.
struct RecordOverview {
  std::vector<StudyOverview> studies;
  std::map<TrialId, std::set<StudyId>> studies_of;
  /// The trials that begin with a trial's weights, by that trial.
  std::map<TrialId, std::set<TrialId>> starting_from;
  std::map<TrialId, TrialRecord> trials;  ///< as the first study that has it names it

  [[nodiscard]] const StudyOverview& Of(StudyId study) const;
  /// Returns the study that a list names a trial of: the first of the `preferred` ones that has it,
  /// else the first at all.
  [[nodiscard]] const StudyOverview& StudyOf(TrialId trial,
                                             const std::vector<StudyId>& preferred = {}) const;
  /// Returns how a list names a trial: "MC-MoE2 seed 1", or "a/MC-MoE2#1" where there are several
  /// studies; as StudyOf names it.
  [[nodiscard]] std::string Label(TrialId trial, const std::vector<StudyId>& preferred = {}) const;
};

/// Returns the names of the studies whose recipes start trials from those of a study, by its name.
[[nodiscard]] std::vector<std::string> StudiesNaming(const Store& store, const std::string& study);

/// Reads the overview.
[[nodiscard]] RecordOverview LookAtRecord(const Store& store);

}  // namespace beamgrid
