#pragma once
// From a strategy's wishes to trials, and from the ends of trials back to the strategy. `run` and
// `plan` enumerate a study by this one path. Starts and records nothing.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/outdated_trials.h"
#include "orchestrator/study/seed_results.h"
#include "orchestrator/study/study_trial.h"
#include "orchestrator/study/warm_start.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {

/// ConsideredCandidate is a candidate as the intake has looked at it.
struct ConsideredCandidate {
  std::string name;
  std::vector<StudyTrial> trials;      ///< one for each seed, in the recipe's order
  std::optional<std::string> refusal;  ///< why none of them is to be trained
};

/// Returns why a model of this size is not worth starting, if it is not.
[[nodiscard]] std::optional<std::string> WhyRefused(const Recipe& recipe,
                                                    const CountAnswer& answer);

/// TrialIntake asks the strategy for candidates a bounded way ahead, makes their trials, refuses
/// what is too large, and tells the strategy what became of each. Not thread-safe.
class TrialIntake {
 public:
  /// Makes an intake; all arguments by reference must outlive it. `store`: null where nothing is
  /// recorded yet. Data without a digest were not looked at: trials have no fingerprints then, and
  /// nothing is looked up. `slots`: how many trials may run at once. Throws RecipeError where
  /// trials are to start from trials that the record does not hold.
  TrialIntake(const Recipe& recipe, const Catalogue& catalogue, DataSpec data, const Store* store,
              ModelCounter& counter, std::size_t slots);

  /// Returns the model of the study that a recorded trial's is by now; nothing where it has none.
  [[nodiscard]] std::optional<ModelSpec> ModelNow(const TrialRecord& recorded) const;
  /// Returns the fingerprint that the study's trial of a recorded model and seed has by now;
  /// nothing where the recipe means none such, and where there are no fingerprints.
  [[nodiscard]] std::optional<std::string> FingerprintNow(const TrialRecord& recorded) const;
  /// True if the model of a recorded trial is refused for its size by now.
  [[nodiscard]] bool IsTooLarge(const TrialRecord& recorded) const;
  /// Returns those of the trials that are of other content than the recipe means now
  /// (FindOutdated); none where there are no fingerprints.
  [[nodiscard]] std::vector<Outdated> OutdatedOf(const std::vector<TrialRecord>& trials) const;

  /// Takes over complete trials that were read already, so that none of them is looked up when it
  /// is asked for: nothing that happens meanwhile changes how they ended.
  void Know(std::vector<TrialRecord> trials);

  /// Returns the next candidate, or nothing where the strategy has no more for the moment. The
  /// strategy has heard of a refusal already; all else that is returned must be settled.
  [[nodiscard]] std::optional<ConsideredCandidate> Next();

  /// Settles a trial that was trained; tells the strategy about every candidate that has all its
  /// seeds with it.
  void Settle(const StudyTrial& trial, const TrialResult& result);
  /// Settles a trial that has failed for good.
  void SettleFailed(const StudyTrial& trial);
  /// Settles a trial that is over in the record (IsOver), with what the record says of it.
  void SettleEnded(const StudyTrial& trial, const TrialRecord& record);

  /// Settles a trial that is paused after the epoch that its candidate asked for (IsMeasured).
  void SettleMeasured(const StudyTrial& trial);
  /// True if the trial is to be measured before the end of its training and the record has that
  /// epoch.
  [[nodiscard]] bool IsMeasured(const StudyTrial& trial) const;
  /// Takes out the candidates that the strategy has let go since the last call.
  [[nodiscard]] std::vector<LetGo> TakeLetGo() { return strategy_->TakeLetGo(); }

  /// Drops a candidate of which some trial will not be settled (a plan trains none).
  void Forget(const ConsideredCandidate& candidate);

  /// Returns the number of candidates that may be open at once.
  [[nodiscard]] std::size_t window() const { return window_; }
  /// True if as many candidates as the window allows are open.
  [[nodiscard]] bool full() const { return seeds_.size() >= window_; }
  /// True if it is time to ask: there is room, and slots are free or half of the window is empty.
  [[nodiscard]] bool CanAsk(std::int64_t free_slots) const;
  /// True if the last Next answered nothing and the strategy was told nothing since.
  [[nodiscard]] bool exhausted() const { return exhausted_; }
  /// Returns the number of trials that the strategy plans in all, where it knows.
  [[nodiscard]] std::optional<std::int64_t> planned() const;

  /// Returns what the strategy may still ask for, in whole trainings; nothing where it cannot say.
  [[nodiscard]] std::optional<double> LaterTrainings() const;

  [[nodiscard]] const Strategy& strategy() const { return *strategy_; }
  [[nodiscard]] const DataSpec& data() const { return spec_.data; }

 private:
  void NoteAsked(const ConsideredCandidate& candidate);
  [[nodiscard]] std::optional<TrialRecord> KnownTrial(const std::string& fingerprint);
  [[nodiscard]] CountAnswer SizeOf(const std::vector<StudyTrial>& seeds);
  /// Settles each candidate that wants the trial: by `at_end`, or by the epochs that it asked for.
  void SettleAll(const StudyTrial& trial, const SeedResult& at_end);
  void Tell(const Finding& finding);

  const Recipe& recipe_;
  const Store* store_;
  ModelCounter& counter_;
  TrialSpec spec_;  ///< the data and objective of all trials; the rest is of the one at hand
  std::optional<WarmStarts> starts_;
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
  SeedResults seeds_;
  std::size_t window_;
  std::int64_t further_seeds_ = 0;  ///< asked for beyond those that every model begins with
  double asked_trainings_ = 0;      ///< asked for, in whole trainings
  double refused_trials_ = 0;       ///< asked for and refused
  std::unordered_map<std::string, TrialRecord> complete_;  ///< by fingerprint, until asked for
  std::map<std::string, double> paused_;  ///< by name: the share after which it was to pause
  bool exhausted_ = false;
};

}  // namespace beamgrid
