// `beamgrid check`: all mistakes of a recipe, or nothing.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/data_voice.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/run_study.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("RECIPE", recipe_, "Recipe file")->required();
    app.add_flag("--no-data", no_data_, "Do not look for the data");
  }

  int Run(CommandContext& context) override {
    const Recipe recipe = LoadRecipe(recipe_, OpenTrainerFor(context, recipe_).catalogue);
    if (!no_data_) static_cast<void>(CheckedData(recipe, VoiceOf(context)));
    context.Remark(recipe_ + ": no mistakes" + (no_data_ ? "; the data were not looked at" : ""));
    return kExitDone;
  }

 private:
  std::string recipe_;
  bool no_data_ = false;
};

REGISTER_COMMAND("check", kSearch, "All mistakes in a recipe, or nothing", Check);

}  // namespace
}  // namespace beamgrid
