#pragma once
// What a search will cost, before it is run: trials, hours of devices, time, bytes on disk.
// Reckoned from the forecasts that `run` orders its trials by, on the slots that it would have, by
// the scheduler that it uses. No clock and no process but the model counter's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/machine/forecast.h"
#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/scheduler.h"
#include "orchestrator/study/study_plan.h"
#include "orchestrator/study/study_trial.h"
#include "registry/catalogue.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {

/// CostParts is what a cost is reckoned from; all outlive the reckoning.
struct CostParts {
  const Recipe* recipe;
  const Catalogue* catalogue;
  const DataSpec* data;
  const Forecast* forecast;
  ModelCounter* counter;
  std::vector<Slot> slots;                     ///< as `run` would have them; empty: not known
  std::map<std::string, std::int64_t> memory;  ///< bytes by device; see Scheduler
  /// Of predictions.bin of one trial; nothing: not known.
  std::optional<std::int64_t> predictions_bytes;
};

/// CostRange is an amount that is not known exactly.
struct CostRange {
  double low = 0, about = 0, high = 0;
};

/// TrialRange is how many trials a search has, those included that are complete already.
struct TrialRange {
  std::int64_t least = 0, most = 0;
  bool bounded = true;  ///< else nothing limits it, and `most` is the whole grid
};

/// SearchCost is what the rest of a search will cost. What is complete costs nothing, and of a
/// trial that was stopped or paused only the rest does.
struct SearchCost {
  TrialRange trials;
  std::int64_t complete = 0;  ///< of the trials
  bool nothing_left = false;  ///< to train
  /// Hours of training, all trials together, by kind of device ("cpu", "cuda"). Empty where they
  /// are not known.
  std::map<std::string, CostRange> hours;
  std::optional<CostRange> wall_seconds;  ///< on the slots; nothing where not known
  CostRange disk_end_bytes;               ///< that the rest adds by its end
  std::int64_t disk_most_bytes = 0;       ///< the most that it adds meanwhile, checkpoints included
  bool disk_has_predictions = true;       ///< false: their size is not known, they come on top
};

/// OtherStrategy is what another strategy would cost on the same grid, from the beginning. Models
/// that are refused are left out where they are known: of a small grid, and after the plan of a
/// whole one. Neither end of its hours is above that of the whole grid's.
struct OtherStrategy {
  std::string name;
  std::string problem;  ///< why it cannot search it as the recipe is; empty: it can
  TrialRange trials;
  double whole_trials = 0;  ///< the most, in trainings from the beginning to the end
  std::map<std::string, CostRange> hours;
};

/// CostMeter takes in the trials of a plan and says what they and the ones after them cost. Memory
/// and time are bounded: of a large plan some thousands of trials, chosen by chance but always the
/// same ones, stand for all.
class CostMeter {
 public:
  explicit CostMeter(CostParts parts);

  /// Takes in a trial as the plan names it. `done`: the share of its training that the record has
  /// (DoneShare).
  void Add(const StudyTrial& trial, double done);

  /// Returns the cost of what was taken in and of what the strategy may ask for afterwards.
  [[nodiscard]] SearchCost Total(const PlanTotals& totals);
  /// Returns what each of the other strategies would cost, by name: with the recipe's values for
  /// the options that it shares with the recipe's own strategy, else their defaults.
  [[nodiscard]] std::vector<OtherStrategy> Others();

  /// Returns what the hours are from and what their range is, a sentence each, for people; where
  /// there are none, why.
  [[nodiscard]] std::vector<std::string> Basis() const;

 private:
  /// Length is what a trial needs of each kind of device.
  struct Length {
    std::array<CostRange, 2> seconds;  ///< by kinds_
    std::array<std::int64_t, 2> memory_bytes{};
    std::array<Forecast::Basis, 2> basis{};
  };
  /// Piece is a training, or the rest of one.
  struct Piece {
    std::uint64_t chance = 0;
    double share = 1;
    Length length;
  };
  /// Sample is points of the grid, drawn at random or, in a small one, all of them.
  struct Sample {
    std::vector<Length> lengths;
    std::vector<double> size_bytes, checkpoint_bytes;  ///< the smallest first
    std::int64_t refused = 0;                          ///< points that have no length
    bool whole_grid = false;
  };
  /// Busy is how long something takes.
  struct Busy {
    double seconds = 0;
    std::array<double, 2> trial_seconds{};  ///< by kinds_
  };
  /// Leaving is how many trials will leave something on disk. Nine are paused at rung 1, and three
  /// of them go on to the end: models is 3, and checkpoints is -3, for those of the three go.
  struct Leaving {
    bool of_the_open = true;  ///< the open ones leave models; else which ones do is not known
    CostRange models = {};    ///< with predictions, beside those of the open ones
    /// Of trials that are let go: more than there are now (below 0: fewer), and new ones at once.
    double checkpoints = 0, most_checkpoints = 0;
  };
  /// Work is an effort over all seeds.
  struct Work {
    TrialRange trials;
    double least = 0, most = 0;  ///< in whole trainings
  };
  using Which = double CostRange::*;

  [[nodiscard]] Length LengthOf(const ModelSpec& model, std::int64_t parameters) const;
  [[nodiscard]] std::int64_t CheckpointBytes(const ModelSpec& model, std::int64_t parameters) const;
  /// True if no trial on these data was measured on such a device.
  [[nodiscard]] bool IsOfOtherData(const std::string& kind) const;
  /// Returns the range of forecasts on such a basis and where it is from, for people.
  [[nodiscard]] std::string RangeText(std::size_t kind, Forecast::Basis basis) const;
  /// True if the times of trials can be told.
  [[nodiscard]] bool KnowsTimes() const;
  const Sample& GridSample();
  static Length MeanOf(const std::vector<Length>& lengths);
  /// Returns how the slots are busy with pieces, each the longer the earlier. `scale`: so many
  /// pieces stand for one.
  [[nodiscard]] Busy Simulate(const std::vector<Piece>& pieces, Which which, double scale) const;
  /// Returns how the slots are busy with trainings of the grid's points that come to so many whole
  /// ones. `all_points`: with every point; else with the shortest ones (low), with ones of the mean
  /// length (about) or with the longest ones (high), none with more seeds than there are.
  [[nodiscard]] Busy Trained(double whole_trials, bool all_points, Which which);
  /// Returns the same of every trial of the grid, with the fewest seeds (low) or with all.
  [[nodiscard]] Busy WholeGrid(Which which);
  /// Returns how many trainings are of each of so many points that stand for the grid, where the
  /// shortest (low) or the longest ones (high) come first.
  [[nodiscard]] double OfEach(std::size_t points, Which which);
  /// Returns the sum of so many trials of which each has a point's bytes: the smallest ones (low),
  /// ones of the mean size (about) or the largest ones (high). `bytes`: the smallest first.
  [[nodiscard]] double BytesOf(double trials, const std::vector<double>& bytes, Which which);
  /// Returns what the rest leaves on disk.
  [[nodiscard]] Leaving LeavingOf(const PlanTotals& totals, const TrialRange& trials) const;
  /// Adds the bytes of that.
  void AddDisk(const Leaving& leaving, SearchCost& cost);
  /// `points`: those of the grid that are not refused.
  [[nodiscard]] Work WorkOf(const Effort& effort, std::int64_t points) const;
  /// True if so many models, none of them refused, are all of the grid.
  [[nodiscard]] bool TriesAll(const Effort& effort, std::int64_t models);
  /// Returns how many points of the grid are refused, as far as that is known.
  [[nodiscard]] std::int64_t Refused();
  /// Returns an effort from the beginning without what is refused.
  [[nodiscard]] Effort WithoutRefused(Effort effort);

  CostParts parts_;
  SearchSpace space_;
  std::int64_t points_;  ///< of the grid; those that exclusions match only where it is too large
  std::vector<std::string> kinds_;                          ///< of the slots
  std::array<std::array<Forecast::Spread, 4>, 2> spreads_;  ///< by kind and basis
  std::vector<Piece> pieces_;
  std::uint64_t mask_ = 0;  ///< pieces are kept whose chance has none of these bits
  std::int64_t open_ = 0;   ///< trials with something left to train
  std::int64_t trials_ = 0, complete_ = 0;
  double asked_ = 0;                        ///< in whole trainings, what is done included
  std::map<std::string, double> measured_;  ///< by name and seed: the shares of trials to be paused
  double size_bytes_ = 0, largest_checkpoint_ = 0;  ///< of the open ones
  /// Trials that nobody began, that have a checkpoint, and that were asked for to their end: of
  /// these those that are over and those that are open.
  double fresh_ = 0, begun_ = 0, ended_ = 0, ending_ = 0;
  std::optional<Sample> sample_;
  std::optional<std::int64_t> refused_;  ///< of the grid, where its plan has told
  std::int64_t plan_refused_ = 0;        ///< of the models that the plan names
};

}  // namespace beamgrid
