#pragma once
// What is left to train of a study, by what was measured.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "orchestrator/study/progress.h"
#include "orchestrator/study/study_trial.h"

namespace beamgrid {

/// KnownLengths is the sum over trainings whose time is known.
struct KnownLengths {
  double seconds = 0;
  std::int64_t trials = 0;
  void Add(double one) {
    seconds += one;
    ++trials;
  }
};

/// Returns what is left: of the trials that are not recorded yet (`asked`), of those at hand, and
/// of the `later` trainings that the strategy may still ask for (nothing: it cannot say), each as
/// long as the mean of those asked for so far. `pace`: what forecasts are multiplied with (Pace).
/// Nothing where the time of some trial is not known.
[[nodiscard]] std::optional<WorkAhead> FindWorkAhead(const std::vector<StudyTrial>& asked,
                                                     const std::map<TrialId, StudyTrial>& trials,
                                                     KnownLengths lengths,
                                                     std::optional<double> later, double pace,
                                                     std::int64_t slots);

}  // namespace beamgrid
