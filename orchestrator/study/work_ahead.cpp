#include "orchestrator/study/work_ahead.h"

#include <algorithm>

namespace beamgrid {
namespace {

void AddWaiting(const StudyTrial& trial, double pace, WorkAhead* ahead) {
  const double rest = pace * trial.needs.seconds * std::max(0.0, trial.until_share() - trial.done);
  ahead->waiting_seconds += rest;
  ahead->longest_seconds = std::max(ahead->longest_seconds, rest);
}

}  // namespace

std::optional<WorkAhead> FindWorkAhead(const std::vector<StudyTrial>& asked,
                                       const std::map<TrialId, StudyTrial>& trials,
                                       KnownLengths lengths, std::optional<double> later,
                                       double pace, std::int64_t slots) {
  if (!later) return std::nullopt;
  WorkAhead ahead{.slots = slots};
  for (const StudyTrial& trial : asked) {
    if (!trial.needs.measured) return std::nullopt;
    lengths.Add(trial.needs.seconds);
    AddWaiting(trial, pace, &ahead);
  }
  // Where all were asked for before the first was measured.
  const bool none_measured = lengths.trials == 0;
  for (const auto& [id, trial] : trials) {
    if (!trial.needs.measured) return std::nullopt;
    if (none_measured) lengths.Add(trial.needs.seconds);
    if (trial.running && !trial.queued) {
      ahead.running[id] = {.seconds = pace * trial.needs.seconds, .until = trial.until_share()};
    } else {
      AddWaiting(trial, pace, &ahead);
    }
  }
  if (*later == 0) return ahead;
  if (lengths.trials == 0) return std::nullopt;
  ahead.later_seconds = pace * *later * lengths.seconds / static_cast<double>(lengths.trials);
  return ahead;
}

}  // namespace beamgrid
