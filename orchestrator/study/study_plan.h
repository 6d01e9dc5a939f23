#pragma once
// What a study would run, without running it: enumerated by the intake that runs it, with what the
// record says of each trial. Memory does not grow with the number of trials.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/study_change.h"
#include "orchestrator/study/study_trial.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "search/strategy.h"

namespace beamgrid {

/// PlanSink receives the plan as it is made.
struct PlanSink {
  std::function<void(const StudyTrial&)> on_trial;
  /// One that was told before is asked for once more, to be trained on; empty: nobody asks.
  std::function<void(const StudyTrial&)> on_trained_on = {};
  std::function<void(const std::string& model_name, const std::string& why)> on_refused;
};

/// PlanParts is what a plan is made from; all outlive the call.
struct PlanParts {
  const Recipe* recipe;
  const Catalogue* catalogue;
  const DataSpec* data;
  const Store* store = nullptr;  ///< null: nothing is recorded yet
  ModelCounter* counter;
  std::optional<std::int64_t> limit;  ///< stop after so many trials
};

/// PlanTotals is what a plan comes to.
struct PlanTotals {
  /// Models, refused ones not included. One that is asked for again, further trained or with more
  /// seeds, counts once, as do its trials.
  std::int64_t candidates = 0;
  std::int64_t trials = 0;
  std::int64_t complete = 0;  ///< trials that the record holds already
  std::int64_t refused = 0;   ///< models
  /// The number of models that the strategy may ask for once it knows the results of these; nothing
  /// where it cannot say.
  std::optional<std::int64_t> later_candidates;
  Effort effort;                       ///< what the strategy asks for in all, as it sees it now
  bool finished = false;               ///< it will ask for nothing else
  bool limited = false;                ///< there is more, but `limit` was reached
  std::vector<std::string> decisions;  ///< what recorded results have decided already
  /// What has changed since the study was run last, and what a run would make of its trials.
  StudyChange change;
};

/// Returns the state of a planned trial: what the record says, or that it waits.
[[nodiscard]] TrialState PlannedState(const StudyTrial& trial);

/// Enumerates the study's trials into `sink`. Throws RecipeError where trials are to start from
/// trials that the record does not hold (unless the data were not looked at: then there are no
/// fingerprints, and nothing is looked up).
///
/// The strategy hears of every trial that is over, as in a run, so that a study that has begun is
/// planned from where it stands.
PlanTotals PlanStudy(const PlanParts& parts, const PlanSink& sink);

}  // namespace beamgrid
