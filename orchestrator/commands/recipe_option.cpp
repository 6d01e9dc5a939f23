#include "orchestrator/commands/recipe_option.h"

#include "orchestrator/inputs/recipe_files.h"

namespace beamgrid {

void AddSettings(CLI::App& app, std::vector<std::string>* settings) {
  app.add_option("--set", *settings,
                 "Another value for a key of the recipe, as in train.epochs=5 or "
                 "grid.temporal[0].clusters=[64,128]; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void RecipeOption::AddTo(CLI::App& app) {
  app.add_option("RECIPE", path, "Recipe file")->required();
  AddSettings(app, &settings);
}

RecipeSource RecipeOption::Read() const { return ReadRecipe(path, settings); }

}  // namespace beamgrid
