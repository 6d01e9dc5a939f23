// `beamgrid check`: all mistakes of a recipe, or nothing.

#include "orchestrator/commands/command.h"
#include "orchestrator/data_files.h"
#include "orchestrator/run_study.h"
#include "orchestrator/trainer_client.h"
#include "trainer/data/preflight.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("RECIPE", recipe_, "Recipe file")->required();
  }

  int Run(CommandContext& context) override {
    const Recipe recipe = LoadRecipe(recipe_, LoadCatalogue(FindTrainer()));
    std::vector<Diagnostic> diagnostics;
    for (std::string& problem : CheckData(FindDataFiles(recipe))) {
      diagnostics.push_back({recipe.data.train_place, "data", std::move(problem)});
    }
    if (!diagnostics.empty()) throw RecipeError(std::move(diagnostics));
    context.Remark(recipe_ + ": no mistakes");
    return kExitDone;
  }

 private:
  std::string recipe_;
};

REGISTER_COMMAND("check", kSearch, "All mistakes in a recipe, or nothing", Check);

}  // namespace
}  // namespace beamgrid
