#pragma once
// A strategy of ours at work on a table: the classes that a study runs, with a recipe whose grid is
// the table's factors, and a worker that looks the score up instead of training.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "tests/bench/strategies/table.h"

namespace beamgrid {

/// Replayed is how one repetition went.
struct Replayed {
  double regret = 0;        ///< mean of the table's best model minus the mean of the chosen one
  std::int64_t trials = 0;  ///< that were trained
  std::vector<std::string> decisions;
};

/// Replay is a table as a search space. The factors with the most levels are the single criteria,
/// one component each, with the factor as its option; the next one is an extra's option, and what
/// is left are training settings. The baseline of a repetition, where greedy and beam start, is a
/// combination drawn at random. One observation is the score of one seed drawn at random. A
/// combination that the table does not have is refused and is no trial.
class Replay {
 public:
  /// `settings` are KEY=VALUE for the recipe, as in search.passes=2. Throws RecipeError for what
  /// the strategy does not take.
  Replay(ModelTable table, const std::string& strategy, std::int64_t budget,
         const std::vector<std::string>& settings);
  // The space refers to the recipe.
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Searches until the strategy has finished or `budget` trials were trained. `repetition` is the
  /// seed of the strategy and of the draws.
  [[nodiscard]] Replayed Run(std::int64_t repetition) const;

  [[nodiscard]] const SearchSpace& space() const { return *space_; }
  [[nodiscard]] const ModelTable& table() const { return table_; }
  /// Returns the model's row.
  [[nodiscard]] std::vector<std::size_t> RowOf(const ModelSpec& model) const;

 private:
  ModelTable table_;
  std::int64_t budget_;
  Catalogue catalogue_;
  Recipe recipe_;
  std::unique_ptr<SearchSpace> space_;
  std::vector<std::size_t> factor_of_axis_;  ///< per axis of the space; beyond the factors: none
  double best_, worst_;
};

/// Returns the value that `share` of the values are below, between two of them in proportion.
[[nodiscard]] double QuantileOf(std::vector<double> values, double share);

}  // namespace beamgrid
