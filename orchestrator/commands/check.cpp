// `beamgrid check`: all mistakes of a recipe, or nothing.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/data_voice.h"
#include "orchestrator/commands/json_report.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/run_study.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
    app.add_flag("--no-data", no_data_, "Do not look for the data");
    AddJsonFlag(app, &json_);
    app.footer(std::string("--json: study, ") + kReportKeys);
  }

  int Run(CommandContext& context) override {
    if (!json_) return Work(context, nullptr);
    return ReportAsJson(context,
                        [&](boost::json::object& report) { return Work(context, &report); });
  }

 private:
  int Work(const CommandContext& context, boost::json::object* report) const {
    const RecipeSource source = recipe_.Read();
    const Recipe recipe = LoadRecipe(source, OpenTrainerFor(context, source).catalogue);
    RequirePaperTables(recipe);
    if (report != nullptr) (*report)["study"] = recipe.name;
    if (!no_data_) static_cast<void>(CheckedData(recipe, VoiceOf(context)));
    context.Remark(recipe_.path + ": no mistakes" +
                   (no_data_ ? "; the data were not looked at" : ""));
    return kExitDone;
  }

  RecipeOption recipe_;
  bool no_data_ = false;
  bool json_ = false;
};

REGISTER_COMMAND("check", kSearch, "All mistakes in a recipe, or nothing", Check);

}  // namespace
}  // namespace beamgrid
