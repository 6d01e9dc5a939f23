#include "orchestrator/study/study_plan.h"

#include <algorithm>
#include <map>
#include <set>

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
  std::map<std::string, std::set<std::int64_t>> again;  // seeds by name
  if (parts.store != nullptr) {
    totals.change =
        FindStudyChange(*parts.store, *parts.recipe, *parts.catalogue, *parts.data, *parts.counter);
  }
  while (const std::optional<ConsideredCandidate> candidate = intake.Next()) {
    totals.limited = parts.limit && totals.trials >= *parts.limit;
    if (totals.limited) break;
    if (candidate->refusal) {
      ++totals.refused;
      sink.on_refused(candidate->name, *candidate->refusal);
      continue;
    }
    // Only of these may a model come again: the names of a large grid would take memory.
    const bool may_come_again = candidate->trials.front().until_epoch > 0 ||
                                again.contains(candidate->name) ||
                                parts.recipe->least_seeds < parts.recipe->seeds.size();
    std::set<std::int64_t>* seeds = may_come_again ? &again[candidate->name] : nullptr;
    if (seeds == nullptr || seeds->empty()) ++totals.candidates;
    for (const StudyTrial& trial : candidate->trials) {
      if (seeds == nullptr || seeds->insert(trial.spec.seed).second) {
        ++totals.trials;
        if (PlannedState(trial) == TrialState::kComplete) ++totals.complete;
        sink.on_trial(trial);
      } else if (sink.on_trained_on) {
        sink.on_trained_on(trial);
      }
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
  totals.effort = strategy.effort();
  totals.finished = strategy.finished() && !totals.limited;
  if (strategy.finished()) totals.later_candidates = 0;
  totals.decisions = strategy.Decisions();
  return totals;
}

}  // namespace beamgrid
