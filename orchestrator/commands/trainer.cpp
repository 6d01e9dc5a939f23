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

std::vector<NamedFile> PluginsOf(const Store& store, const std::vector<StudyRecord>& studies) {
  std::vector<std::string> models;
  for (const StudyRecord& study : studies) {
    const Store::Table table = store.Query(
        "SELECT json_extract(trial.spec, '$.model') FROM study_trial"
        " JOIN trial ON trial.id = study_trial.trial"
        " WHERE study_trial.study = CAST(:study AS INTEGER) AND not_counted IS NULL"
        " AND instr(trial.spec, '\"plugins\"') > 0",
        {{"study", std::to_string(static_cast<std::int64_t>(study.id))}});
    for (const auto& row : table.rows) models.emplace_back(row[0].as_string());
  }
  return PluginsAtHand(models);
}

Trainer OpenTrainerFor(const CommandContext& context, const RecipeSource& recipe) {
  Trainer trainer{.path = FindTrainer()};
  trainer.catalogue = CatalogueFor(trainer.path, recipe);
  Describe(context, trainer);
  return trainer;
}

}  // namespace beamgrid
