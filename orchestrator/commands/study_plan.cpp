#include "orchestrator/commands/study_plan.h"

#include <algorithm>

#include "orchestrator/study/refusal.h"
#include "orchestrator/study/warm_start.h"
#include "registry/scoring/metrics.h"

namespace beamgrid {
namespace {

class Planner {
 public:
  Planner(const PlanParts& parts, const PlanSink& sink)
      : parts_(parts),
        sink_(sink),
        space_(*parts.recipe, *parts.catalogue),
        strategy_(MakeStrategyFor(space_, *parts.recipe)) {
    if (!parts.data->digest.empty()) starts_.emplace(*parts.recipe, parts.store);
  }

  PlanTotals Plan() {
    while (auto candidate = strategy_->Ask()) {
      if (parts_.limit > 0 && totals_.trials >= parts_.limit) {
        totals_.limited = true;
        break;
      }
      PlanCandidate(*candidate);
    }
    if (const auto planned = strategy_->planned()) {
      totals_.later_candidates =
          std::max<std::int64_t>(0, *planned - totals_.candidates - totals_.refused);
    }
    if (strategy_->finished()) totals_.later_candidates = 0;
    totals_.decisions = strategy_->Decisions();
    return totals_;
  }

 private:
  void PlanCandidate(const Candidate& candidate) {
    const CountAnswer answer = Count(candidate.model);
    if (const auto why = WhyRefused(*parts_.recipe, answer)) {
      ++totals_.refused;
      sink_.on_refused(candidate, *why);
      strategy_->Tell({.name = candidate.name, .model = candidate.model});
      return;
    }
    ++totals_.candidates;
    const ModelSize& size = std::get<ModelSize>(answer);
    double sum = 0;
    bool all_complete = true;
    for (const std::int64_t seed : parts_.recipe->seeds) {
      const std::optional<double> objective = PlanTrial(candidate, seed, size);
      all_complete = all_complete && objective.has_value();
      sum += objective.value_or(0);
    }
    if (!all_complete) return;
    strategy_->Tell({.name = candidate.name,
                     .model = candidate.model,
                     .objective = sum / static_cast<double>(parts_.recipe->seeds.size()),
                     .size_bytes = size.size_bytes});
  }

  /// Parameters and size, or why the model cannot be trained.
  CountAnswer Count(const ModelSpec& model) const {
    for (const std::int64_t seed : parts_.recipe->seeds) {
      if (!starts_) break;
      const Start start = starts_->For(model, seed);
      if (!start.problem.empty()) return start.problem;
    }
    return parts_.counter->Count(model, *parts_.data);
  }

  /// The recorded objective, if the trial is complete.
  std::optional<double> PlanTrial(const Candidate& candidate, std::int64_t seed,
                                  const ModelSize& size) {
    PlannedTrial planned{.candidate = &candidate, .seed = seed, .size = size};
    std::optional<double> objective;
    if (starts_) {
      planned.start = starts_->For(candidate.model, seed).fingerprint;
      planned.fingerprint = Fingerprint({.model = candidate.model,
                                         .data = *parts_.data,
                                         .objective = parts_.recipe->objective,
                                         .seed = seed,
                                         .start = planned.start});
      objective = LookUp(planned);
    }
    ++totals_.trials;
    if (objective) ++totals_.complete;
    sink_.on_trial(planned);
    return objective;
  }

  std::optional<double> LookUp(PlannedTrial& planned) const {
    if (parts_.store == nullptr) return {};
    const auto known = parts_.store->FindByFingerprint(planned.fingerprint);
    if (!known) return {};
    planned.state = known->state;
    if (known->state != TrialState::kComplete || !known->result) return {};
    return ObjectiveOf(known->result->metrics, parts_.recipe->objective);
  }

  const PlanParts& parts_;
  const PlanSink& sink_;
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
  std::optional<StartTrials> starts_;  ///< nothing: the data were not looked at
  PlanTotals totals_;
};

}  // namespace

PlanTotals PlanStudy(const PlanParts& parts, const PlanSink& sink) {
  return Planner(parts, sink).Plan();
}

}  // namespace beamgrid
