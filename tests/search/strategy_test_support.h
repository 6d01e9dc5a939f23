#pragma once
// A recipe with its space and strategy, which refer to each other, and a search by it on planted
// scores.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {

/// The score of a candidate with one of the recipe's seeds (an index), after its epochs where it
/// names some; nothing: it fails.
using PlantedScore = std::function<std::optional<double>(const Candidate&, std::size_t seed)>;

class PlantedSearch {
 public:
  /// `seeds` is what study.seeds is set to.
  explicit PlantedSearch(const std::string& added, const std::string& seeds = "[1]")
      : recipe_(ParseRecipe(Text(added, seeds), "r.toml", catalogue_)),
        space_(recipe_, catalogue_),
        strategy_(MakeStrategyFor(space_, recipe_)) {}

  Strategy* operator->() { return strategy_.get(); }
  [[nodiscard]] const SearchSpace& space() const { return space_; }

  /// Returns what is asked for until the strategy waits.
  std::vector<Candidate> AskAll() {
    std::vector<Candidate> asked;
    while (auto candidate = strategy_->Ask()) {
      if (candidate->seeds.empty()) {
        for (std::size_t i = 0; i < recipe_.least_seeds; ++i) candidate->seeds.push_back(i);
      }
      asked.push_back(std::move(*candidate));
    }
    return asked;
  }

  void Tell(const Candidate& candidate, const PlantedScore& score) {
    Finding finding{.name = candidate.name, .model = candidate.model, .size_bytes = 1};
    double sum = 0;
    bool failed = false;
    for (const std::size_t seed : candidate.seeds) {
      const std::optional<double> value = score(candidate, seed);
      failed = failed || !value;
      if (value) finding.scores.push_back(*value);
      sum += value.value_or(0);
      ++trials;
    }
    if (!failed) finding.objective = sum / static_cast<double>(finding.scores.size());
    strategy_->Tell(finding);
  }

  /// Returns the names that were asked for in each batch, until the search is done. Findings are
  /// told in an order that depends on `order`.
  std::vector<std::vector<std::string>> Run(const PlantedScore& score, unsigned order = 1) {
    std::vector<std::vector<std::string>> batches;
    std::mt19937 random(order);
    while (!strategy_->finished()) {
      std::vector<Candidate> asked = AskAll();
      // A round that decides may be followed by an end without a further question.
      if (asked.empty() && strategy_->finished()) break;
      if (asked.empty()) {
        ADD_FAILURE() << "not finished, and nothing to ask";
        break;
      }
      batches.emplace_back();
      for (const Candidate& candidate : asked) batches.back().push_back(candidate.name);
      std::shuffle(asked.begin(), asked.end(), random);
      for (const Candidate& candidate : asked) {
        for (const std::size_t seed : candidate.seeds) ++seeds_of[candidate.name][seed];
        Tell(candidate, score);
      }
      // As the intake: what was told may end the search, which only Ask finds out.
    }
    EXPECT_FALSE(strategy_->Ask().has_value());
    return batches;
  }

  int trials = 0;                                              ///< told, over all seeds
  std::map<std::string, std::map<std::size_t, int>> seeds_of;  ///< how often each seed was asked

 private:
  static std::string Text(const std::string& added, const std::string& seeds) {
    std::string head = RecipeHead();
    const std::string study = "name = \"test\"\n";
    head.insert(head.find(study) + study.size(), "seeds = " + seeds + "\n");
    return head + added;
  }

  Catalogue catalogue_ = TestCatalogue();
  Recipe recipe_;
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
};

}  // namespace beamgrid
