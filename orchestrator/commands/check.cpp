// `beamgrid check`: all mistakes of a recipe, or nothing.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/run_study.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("RECIPE", recipe_, "Recipe file")->required();
  }

  int Run(CommandContext& context) override {
    static_cast<void>(CheckedData(LoadRecipe(recipe_, OpenTrainerFor(context, recipe_).catalogue)));
    context.Remark(recipe_ + ": no mistakes");
    return kExitDone;
  }

 private:
  std::string recipe_;
};

REGISTER_COMMAND("check", kSearch, "All mistakes in a recipe, or nothing", Check);

}  // namespace
}  // namespace beamgrid
