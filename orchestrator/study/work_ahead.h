#pragma once
// What is left to train of a study, by what was measured.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "orchestrator/study/pace.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/study_trial.h"

namespace beamgrid {

/// KnownLengths is the sum over trainings whose time is known.
struct KnownLengths {
  TrialNeeds before;  ///< of those that were forecast before the run
  TrialNeeds learnt;  ///< of the others
  std::int64_t trials = 0;
  void Add(const TrialNeeds& one) {
    TrialNeeds& sum = one.seconds_before > 0 ? before : learnt;
    sum.seconds += one.seconds;
    sum.seconds_before += one.seconds_before;
    ++trials;
  }
};

/// Returns what is left: of the trials that are not recorded yet (`asked`), of those at hand, and
/// of the `later` trainings that the strategy may still ask for (nothing: it cannot say), each as
/// long as the mean of those asked for so far, all by the pace of this run. Nothing where the time
/// of some trial is not known.
[[nodiscard]] std::optional<WorkAhead> FindWorkAhead(const std::vector<StudyTrial>& asked,
                                                     const std::map<TrialId, StudyTrial>& trials,
                                                     KnownLengths lengths,
                                                     std::optional<double> later, const Pace& pace,
                                                     std::int64_t slots);

}  // namespace beamgrid
