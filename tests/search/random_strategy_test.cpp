#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

constexpr const char* kRandomGrid =
    "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3, 4]\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5]\n";

/// The names that a random search asks for. `trained` says which of the answers cost a trial.
std::vector<std::string> DrawnNames(const std::string& added, bool trained = true) {
  const Catalogue catalogue = TestCatalogue();
  const Recipe recipe = ParseRecipe(RecipeHead() + added, "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  const auto strategy = MakeStrategyFor(space, recipe);
  std::vector<std::string> names;
  while (const auto candidate = strategy->Ask()) {
    EXPECT_FALSE(space.Excluded(candidate->model));
    names.push_back(candidate->name);
    Finding finding{.name = candidate->name, .model = candidate->model};
    if (trained) finding.objective = 0.5;
    finding.is_refused = !trained;
    strategy->Tell(finding);
  }
  EXPECT_TRUE(strategy->finished());
  return names;
}

TEST(RandomStrategy, DrawsDistinctPointsUpToTheBudget) {
  const auto names =
      DrawnNames(std::string(kRandomGrid) + "[search]\nstrategy = \"random\"\nbudget = 7\n");
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), 7);
  EXPECT_EQ(names.size(), 7);
}

TEST(RandomStrategy, TheSeedDecides) {
  const std::string text =
      std::string(kRandomGrid) + "[search]\nstrategy = \"random\"\nbudget = 7\n";
  EXPECT_EQ(DrawnNames(text), DrawnNames(text));
  EXPECT_NE(DrawnNames(text), DrawnNames(text + "seed = 2\n"));
}

TEST(RandomStrategy, WithoutABudgetTriesAllThatNothingExcludes) {
  const auto names = DrawnNames(std::string(kRandomGrid) +
                                "[[exclude]]\ntemporal = { use = \"gru\", hidden = 2 }\n"
                                "[search]\nstrategy = \"random\"\n");
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), 15);
  EXPECT_EQ(names.size(), 15);
}

TEST(RandomStrategy, WhatIsRefusedIsNoTrial) {
  const auto names =
      DrawnNames(std::string(kRandomGrid) + "[search]\nstrategy = \"random\"\nbudget = 7\n", false);
  EXPECT_EQ(names.size(), 20);
}

}  // namespace
}  // namespace beamgrid
