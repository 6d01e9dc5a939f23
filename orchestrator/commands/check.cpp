// `beamgrid check`: all mistakes of a recipe, or nothing.

#include "orchestrator/audit/warm_start_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/data_voice.h"
#include "orchestrator/commands/json_report.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/whole_recipe.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/run_study.h"
#include "orchestrator/study/study_change.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
    database_.AddTo(app);
    database_.AddRunsTo(app);
    app.add_flag("--no-data", no_data_, "Do not look for the data");
    AddJsonFlag(app, &json_);
    app.footer(std::string("--json: study, ") + kStudyChangeKeys + ",\n" + kReportKeys);
  }

  int Run(CommandContext& context) override {
    if (!json_) return Work(context, nullptr);
    return ReportAsJson(context,
                        [&](boost::json::object& report) { return Work(context, &report); });
  }

 private:
  int Work(const CommandContext& context, boost::json::object* report) const {
    const RecipeSource source = recipe_.Read();
    const DataFiles files = no_data_ ? DataFiles::kAnywhere : DataFiles::kHere;
    const auto [trainer, recipe] = LoadWholeRecipe(context, source, files);
    if (report != nullptr) (*report)["study"] = recipe.name;
    DataSpec data;
    if (!no_data_) {
      data = CheckedData(recipe, VoiceOf(context));
      static_cast<void>(GroupsOfVideos(recipe, data, [&](const std::string& warning) {
        context.Remark("warning: " + warning);
      }));
      if (!recipe.warm_starts.empty()) CheckWarmStarts(context, trainer, recipe, data);
    }
    const StudyChange change = ChangeOf(context, trainer, recipe, data);
    if (report != nullptr) (*report)["study_changes"] = ToJson(change);
    for (const std::string& line : LinesOf(change)) context.Remark(line);
    if (change.needs_consent()) {
      context.Remark(WhatLeaves(change, recipe.name) +
                     ": `beamgrid run` asks for --accept-changes");
    }
    context.Remark(recipe_.path + ": no mistakes" +
                   (no_data_ ? "; the data were not looked at" : ""));
    return kExitDone;
  }

  /// The trials that others start from are those of the record at hand, if there is one.
  void CheckWarmStarts(const CommandContext& context, const Trainer& trainer, const Recipe& recipe,
                       const DataSpec& data) const {
    if (!database_.IsThere()) {
      context.Remark("there is no " + database_.path.string() +
                     ": the trials that others start from (train.from) were not looked at; --db "
                     "names another record");
      return;
    }
    const auto store = database_.OpenForReading();
    TrainerCounter counter(trainer.path);
    RequireWarmStartFiles({.recipe = &recipe,
                           .catalogue = &trainer.catalogue,
                           .data = &data,
                           .store = store.get(),
                           .counter = &counter});
  }

  /// Returns what a run would find changed. A record that cannot be read is no mistake of the
  /// recipe.
  [[nodiscard]] StudyChange ChangeOf(const CommandContext& context, const Trainer& trainer,
                                     const Recipe& recipe, const DataSpec& data) const try {
    if (!database_.IsThere()) return {};
    TrainerCounter counter(trainer.path);  // starts when it is asked
    return FindStudyChange(*database_.OpenForReading(), recipe, trainer.catalogue, data, counter);
  } catch (const Error& error) {
    context.Remark(std::string("warning: not compared with the record: ") + error.what());
    return {};
  }

  RecipeOption recipe_;
  DatabaseOption database_;
  bool no_data_ = false;
  bool json_ = false;
};

REGISTER_COMMAND("check", kSearch, "All mistakes in a recipe, or nothing", Check);

}  // namespace
}  // namespace beamgrid
