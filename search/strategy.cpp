#include "search/strategy.h"

#include <algorithm>
#include <utility>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "search/seed_race.h"

namespace beamgrid {

bool Beats(const Finding& left, const Finding& right) {
  if (*left.objective != *right.objective) return *left.objective > *right.objective;
  if (left.size_bytes != right.size_bytes) return left.size_bytes < right.size_bytes;
  return left.name < right.name;
}

void Losses::Count(const Finding& finding) {
  if (finding.objective) return;
  ++(finding.is_refused ? refused : failed);
}

std::string Losses::Text() const {
  std::string text;
  if (failed > 0) text = std::to_string(failed) + " failed";
  if (refused > 0) text += (text.empty() ? "" : ", ") + std::to_string(refused) + " refused";
  return text;
}

std::string Losses::After(const std::string& before) const {
  return all() == 0 ? "" : before + Text();
}

std::string Losses::OfAll() const {
  const std::string candidates = "all of " + CountText(all(), "candidate");
  if (refused == 0) return candidates + " failed";
  if (failed == 0) return candidates + (refused == 1 ? " is refused" : " are refused");
  return candidates + " came to nothing (" + Text() + ")";
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

bool DrawsModels(const SearchSettings& search) {
  const auto info = std::ranges::find(Strategies(), search.strategy, &StrategyInfo::name);
  const std::string key = SeedKey().name;
  if (info == Strategies().end() || !search.other.contains(key)) return false;
  const auto needed = info->needs.find(key);
  if (needed == info->needs.end()) return true;
  const auto option = std::ranges::find(info->options, needed->second, &OptionInfo::name);
  return search.other.at(needed->second) != option->default_value;
}

OptionInfo IntegerKey(std::string name, std::int64_t fallback, double minimum, double maximum,
                      std::string help) {
  return {.name = std::move(name),
          .type = OptionType::kInteger,
          .default_value = fallback,
          .minimum = minimum,
          .maximum = maximum,
          .help = std::move(help)};
}

OptionInfo SeedKey() { return IntegerKey("seed", 1, 0, 1e15, "Of what is drawn at random."); }

OptionInfo BudgetKey() {
  return IntegerKey("budget", 0, 0, 1e6, "The most trials, each seed counted; 0: no limit.");
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
