#include "search/strategy.h"

#include <algorithm>

#include "registry/util/error.h"

namespace beamgrid {

std::vector<StrategyInfo>& Strategies() {
  // Inside the function: the registrations of other files run before main, in no order that we
  // know.
  static std::vector<StrategyInfo> strategies;
  return strategies;
}

std::unique_ptr<Strategy> MakeStrategyFor(const SearchSpace& space, const Recipe& recipe) {
  std::vector<std::string> known;
  for (const StrategyInfo& strategy : Strategies()) {
    if (strategy.name == recipe.search.strategy) return strategy.make(space, recipe);
    known.push_back(strategy.name);
  }
  std::ranges::sort(known);
  std::string message =
      "search.strategy: unknown strategy '" + recipe.search.strategy + "'; known:";
  for (const std::string& name : known) message += " " + name;
  throw UsageError(message);
}

}  // namespace beamgrid
