#include "orchestrator/commands/trainer.h"

#include "orchestrator/trainer_client.h"

namespace beamgrid {

Trainer OpenTrainer(const CommandContext& context) {
  Trainer trainer{.path = FindTrainer()};
  trainer.catalogue = LoadCatalogue(trainer.path);
  context.Detail("trainer: " + trainer.path.string() + ", version " +
                 trainer.catalogue.trainer_version + ", LibTorch " +
                 trainer.catalogue.libtorch_version + ", " +
                 std::to_string(trainer.catalogue.components.size()) + " components");
  return trainer;
}

}  // namespace beamgrid
