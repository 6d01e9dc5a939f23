// `beamgrid check`: all mistakes of a recipe, or nothing.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/json_report.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/run_study.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
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
    if (report != nullptr) (*report)["study"] = recipe.name;
    static_cast<void>(CheckedData(recipe));
    context.Remark(recipe_.path + ": no mistakes");
    return kExitDone;
  }

  RecipeOption recipe_;
  bool json_ = false;
};

REGISTER_COMMAND("check", kSearch, "All mistakes in a recipe, or nothing", Check);

}  // namespace
}  // namespace beamgrid
