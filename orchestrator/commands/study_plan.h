#pragma once
// What a study would run, without running it: the strategy is asked, every model is counted, every
// trial is looked up in the record. Streams: memory does not grow with the number of trials.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "orchestrator/workers/trainer_client.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "search/strategy.h"

namespace beamgrid {

struct PlannedTrial {
  const Candidate* candidate = nullptr;  ///< valid during the call
  std::string fingerprint;               ///< empty where the data were not looked at
  std::string start;  ///< fingerprint of the trial that it starts from; empty: from none
  std::int64_t seed = 0;
  ModelSize size;
  TrialState state = TrialState::kWaiting;
};

/// Receives the plan as it is made.
struct PlanSink {
  std::function<void(const PlannedTrial&)> on_trial;
  std::function<void(const Candidate&, const std::string& why)> on_refused;
};

/// What a plan is made from; all outlive the call.
struct PlanParts {
  const Recipe* recipe;
  const Catalogue* catalogue;
  const DataSpec* data;
  const Store* store = nullptr;  ///< null: nothing is recorded yet, or the data were not looked at
  ModelCounter* counter;
  std::int64_t limit = 0;  ///< stop after so many trials; 0: never
};

struct PlanTotals {
  std::int64_t candidates = 0;  ///< models, refused ones not included
  std::int64_t trials = 0;
  std::int64_t complete = 0;  ///< trials that the record holds already
  std::int64_t refused = 0;   ///< models
  /// Models that the strategy may ask for once it knows the results of these; nothing where it
  /// cannot say.
  std::optional<std::int64_t> later_candidates;
  bool limited = false;                ///< there is more, but `limit` was reached
  std::vector<std::string> decisions;  ///< what recorded results have decided already
};

/// RecipeError where trials are to start from trials that the record does not hold (unless the data
/// were not looked at: then there are no fingerprints, and nothing is looked up).
///
/// A candidate whose trials are all complete is told to the strategy, so that a study that has
/// begun is planned from where it stands.
PlanTotals PlanStudy(const PlanParts& parts, const PlanSink& sink);

}  // namespace beamgrid
