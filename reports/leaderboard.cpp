#include "reports/leaderboard.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "reports/one_per_seed.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

/// Returns nothing where the recorded recipe does not say it.
std::optional<SeedRange> SeedsOf(const StudyRecord& study) {
  try {
    const Recipe recipe = StudyOfRecipe(study.recipe_text, study.name);
    return SeedRange{.least = recipe.least_seeds, .most = recipe.seeds.size()};
  } catch (const RecipeError&) {
    return std::nullopt;
  }
}

}  // namespace

double Standing::mean() const {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(values.size(), 1));
}

Leaderboard MakeLeaderboard(const StudyRecord& study, const std::vector<TrialRecord>& trials) {
  Leaderboard leaderboard{
      .objective = MetricNamed("study '" + study.name + "': objective", study.objective),
      .seeds = SeedsOf(study)};
  RequireOneTrialPerSeed(trials);
  std::vector<std::size_t> by_seed(trials.size());
  std::iota(by_seed.begin(), by_seed.end(), 0U);
  std::ranges::stable_sort(by_seed, {}, [&](std::size_t place) { return trials[place].seed; });
  std::map<std::string, Standing> by_name;
  for (const std::size_t place : by_seed) {
    const TrialRecord& trial = trials[place];
    Standing& standing = by_name[trial.name];
    standing.name = trial.name;
    standing.size_bytes = trial.size_bytes;
    standing.parameters = trial.parameters;
    ++standing.trials;
    if (trial.state != TrialState::kComplete || !trial.result) continue;
    standing.values.push_back(ObjectiveOf(trial.result->metrics, leaderboard.objective));
    standing.seeds.push_back(trial.seed);
    standing.places.push_back(place);
  }
  for (auto& [name, standing] : by_name) {
    if (!standing.values.empty()) leaderboard.standings.push_back(std::move(standing));
  }
  // Stable: equal means stand by name, in the order of the map.
  std::ranges::stable_sort(leaderboard.standings, std::ranges::greater(), &Standing::mean);
  return leaderboard;
}

std::string SeedsNote(const Leaderboard& leaderboard) {
  const std::optional<SeedRange>& seeds = leaderboard.seeds;
  if (!seeds || seeds->least >= seeds->most) return "";
  return "seeds: complete of those begun; the race gives each model " +
         std::to_string(seeds->least) + " to " + std::to_string(seeds->most) +
         ", further ones only while it may be the best";
}

}  // namespace beamgrid
