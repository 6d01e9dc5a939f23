#include "orchestrator/study/study_plan.h"

#include <algorithm>

#include "orchestrator/study/trial_history.h"
#include "orchestrator/study/trial_intake.h"

namespace beamgrid {

TrialState PlannedState(const StudyTrial& trial) {
  return trial.known ? trial.known->state : TrialState::kWaiting;
}

PlanTotals PlanStudy(const PlanParts& parts, const PlanSink& sink) {
  TrialIntake intake(*parts.recipe, *parts.catalogue, *parts.data, parts.store, *parts.counter,
                     /*slots=*/1);
  PlanTotals totals;
  if (parts.store != nullptr) {
    const auto study = parts.store->FindStudy(parts.recipe->name);
    if (study) totals.outdated = intake.OutdatedTrials(study->id);
  }
  while (const std::optional<ConsideredCandidate> candidate = intake.Next()) {
    totals.limited = parts.limit && totals.trials >= *parts.limit;
    if (totals.limited) break;
    if (candidate->refusal) {
      ++totals.refused;
      sink.on_refused(candidate->name, *candidate->refusal);
      continue;
    }
    ++totals.candidates;
    for (const StudyTrial& trial : candidate->trials) {
      ++totals.trials;
      if (PlannedState(trial) == TrialState::kComplete) ++totals.complete;
      sink.on_trial(trial);
      if (!trial.known) continue;
      if (intake.IsMeasured(trial)) {
        intake.SettleMeasured(trial);
      } else if (IsOver(*parts.store, *trial.known)) {
        intake.SettleEnded(trial, *trial.known);
      }
    }
    // Waiting trials will never be settled here: kept, a grid of a million would stay in memory.
    intake.Forget(*candidate);
  }
  const Strategy& strategy = intake.strategy();
  if (const auto planned = strategy.planned()) {
    totals.later_candidates =
        std::max<std::int64_t>(0, *planned - totals.candidates - totals.refused);
  }
  // What was planned is an upper bound; a strategy that has finished knows better.
  if (strategy.finished()) totals.later_candidates = 0;
  totals.decisions = strategy.Decisions();
  return totals;
}

}  // namespace beamgrid
