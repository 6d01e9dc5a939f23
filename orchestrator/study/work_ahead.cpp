#include "orchestrator/study/work_ahead.h"

#include <algorithm>

namespace beamgrid {
namespace {

void AddWaiting(const StudyTrial& trial, const Pace& pace, WorkAhead* ahead) {
  const double rest = pace.SecondsOf(trial.needs) * std::max(0.0, trial.until_share() - trial.done);
  ahead->waiting_seconds += rest;
  ahead->longest_seconds = std::max(ahead->longest_seconds, rest);
}

}  // namespace

std::optional<WorkAhead> FindWorkAhead(const std::vector<StudyTrial>& asked,
                                       const std::map<TrialId, StudyTrial>& trials,
                                       KnownLengths lengths, std::optional<double> later,
                                       const Pace& pace, std::int64_t slots) {
  if (!later) return std::nullopt;
  WorkAhead ahead{.slots = slots};
  for (const StudyTrial& trial : asked) {
    if (!trial.needs.measured) return std::nullopt;
    lengths.Add(trial.needs);
    AddWaiting(trial, pace, &ahead);
  }
  // Where all were asked for before the first was measured.
  const bool none_measured = lengths.trials == 0;
  for (const auto& [id, trial] : trials) {
    if (!trial.needs.measured) return std::nullopt;
    if (none_measured) lengths.Add(trial.needs);
    if (trial.running && !trial.queued) {
      ahead.running[id] = {.seconds = pace.SecondsOf(trial.needs), .until = trial.until_share()};
    } else {
      AddWaiting(trial, pace, &ahead);
    }
  }
  if (*later == 0) return ahead;
  if (lengths.trials == 0) return std::nullopt;
  const double all = pace.SecondsOf(lengths.before) + pace.SecondsOf(lengths.learnt);
  ahead.later_seconds = *later * all / static_cast<double>(lengths.trials);
  return ahead;
}

}  // namespace beamgrid
