#include "orchestrator/commands/trainer.h"

#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/workers/trainer_client.h"

namespace beamgrid {
namespace {

void Describe(const CommandContext& context, const Trainer& trainer) {
  context.Detail("trainer: " + trainer.path.string() + ", version " +
                 trainer.catalogue.trainer_version + ", LibTorch " +
                 trainer.catalogue.libtorch_version + ", " +
                 std::to_string(trainer.catalogue.components.size()) + " components");
}

}  // namespace

Trainer OpenTrainer(const CommandContext& context, const std::vector<NamedFile>& plugins) {
  Trainer trainer{.path = FindTrainer()};
  trainer.catalogue = LoadCatalogue(trainer.path, plugins);
  Describe(context, trainer);
  return trainer;
}

Trainer OpenTrainerFor(const CommandContext& context, const RecipeSource& recipe) {
  Trainer trainer{.path = FindTrainer()};
  trainer.catalogue = CatalogueFor(trainer.path, recipe);
  Describe(context, trainer);
  return trainer;
}

}  // namespace beamgrid
