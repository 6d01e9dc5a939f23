#pragma once
// Which trial counts under each name and seed of a study, and which of them were asked for.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/study_trial.h"
#include "registry/store/store.h"
#include "search/strategy.h"

namespace beamgrid {

/// CountedTrials knows the trials that count in a study, those of earlier runs and those that this
/// run has asked for. Not thread-safe.
class CountedTrials {
 public:
  /// Notes a trial that counts since an earlier run.
  void Add(const TrialRecord& trial);
  /// Notes which trial counts under a name and seed from now on. Throws std::logic_error where two
  /// were asked for under one: they would hide each other from every table.
  void NoteAsked(const StudyTrial& trial);
  /// Returns the trial that this run has asked for under the label.
  [[nodiscard]] std::optional<TrialId> Asked(const TrialLabel& label) const;
  /// Returns the trials that this run has not asked for, under no name.
  [[nodiscard]] std::vector<TrialId> Unasked() const;

 private:
  struct Counted {
    TrialId trial{};
    bool asked = false;  ///< in this run
  };
  std::map<std::pair<std::string, std::int64_t>, Counted> counted_;  ///< by name and seed
};

/// Gives up the trials of candidates that the strategy let go before the end of their training:
/// they are pruned from now on, and a note says why. Inside a transaction. Returns what was done,
/// as a line for people. `seeds` are the recipe's.
[[nodiscard]] std::string GiveUp(Store& store, StudyId study,
                                 const std::vector<std::int64_t>& seeds,
                                 const CountedTrials& counted, const std::vector<LetGo>& let_go);

}  // namespace beamgrid
