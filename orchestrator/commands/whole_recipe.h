#pragma once
// A recipe with all that it names, as `check` and `run` take it.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/trainer.h"
#include "search/recipe.h"

namespace beamgrid {

/// DataFiles says whether a recipe's data have to be on this machine.
enum class DataFiles { kHere, kAnywhere };

/// WholeRecipe is a recipe and the trainer that it was checked against.
struct WholeRecipe {
  Trainer trainer;
  Recipe recipe;
};

/// Says what the recipe has that is no mistake, but hardly meant.
void TellRemarks(const CommandContext& context, const Recipe& recipe);

/// Returns the recipe, and tells its remarks. Throws RecipeError with every mistake that can be
/// told without reading its data, by line: of the recipe, its plugins, the papers' tables that it
/// names and the data files that it asks for.
[[nodiscard]] WholeRecipe LoadWholeRecipe(const CommandContext& context, const RecipeSource& source,
                                          DataFiles files);

}  // namespace beamgrid
