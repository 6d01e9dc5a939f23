#include "reports/raced_seeds.h"

#include <algorithm>

#include "search/recipe.h"

namespace beamgrid {
namespace {

bool Races(const std::string& recipe_text, const std::string& study) {
  try {
    const Recipe recipe = StudyOfRecipe(recipe_text, study);
    return recipe.least_seeds < recipe.seeds.size();
  } catch (const RecipeError&) {
    return false;
  }
}

}  // namespace

bool RacesForSeeds(const Store& store, const StudyRecord& study) {
  if (Races(study.recipe_text, study.name)) return true;
  return std::ranges::any_of(store.RecipeHistory(study.id), [&](const RecipeEntry& entry) {
    return Races(entry.recipe_text, study.name);
  });
}

}  // namespace beamgrid
