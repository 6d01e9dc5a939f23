#include "search/strategy.h"

#include <algorithm>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "search/seed_race.h"

namespace beamgrid {

bool Beats(const Finding& left, const Finding& right) {
  if (*left.objective != *right.objective) return *left.objective > *right.objective;
  if (left.size_bytes != right.size_bytes) return left.size_bytes < right.size_bytes;
  return left.name < right.name;
}

std::vector<std::string> VaryingCriteria(const SearchSpace& space) {
  std::vector<std::string> varying;
  for (const std::string& criterion : AllCriteria()) {
    if (space.CandidateCount(criterion) > 1) varying.push_back(criterion);
  }
  return varying;
}

std::vector<StrategyInfo>& Strategies() {
  // Inside the function: the registrations of other files run before main, in no order that we
  // know.
  static std::vector<StrategyInfo> strategies;
  return strategies;
}

std::unique_ptr<Strategy> MakeStrategyFor(const SearchSpace& space, const Recipe& recipe) {
  std::vector<std::string> known;
  for (const StrategyInfo& strategy : Strategies()) {
    known.push_back(strategy.name);
    if (strategy.name != recipe.search.strategy) continue;
    std::unique_ptr<Strategy> made = strategy.make(space, recipe);
    if (recipe.least_seeds == recipe.seeds.size()) return made;
    return std::make_unique<SeedRace>(std::move(made), recipe.least_seeds, recipe.seeds.size());
  }
  std::ranges::sort(known);
  std::string message =
      "search.strategy: unknown strategy '" + recipe.search.strategy + "'; known:";
  for (const std::string& name : known) message += " " + name;
  throw UsageError(message);
}

}  // namespace beamgrid
