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
#include "orchestrator/study/study_change.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

class Check : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
    database_.AddTo(app);
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
    const Catalogue catalogue = OpenTrainerFor(context, source).catalogue;
    const Recipe recipe = LoadRecipe(source, catalogue);
    RequirePaperTables(recipe);
    if (report != nullptr) (*report)["study"] = recipe.name;
    DataSpec data;
    if (!no_data_) data = CheckedData(recipe, VoiceOf(context));
    const StudyChange change = ChangeOf(context, recipe, catalogue, data);
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

  /// Returns what a run would find changed. A record that cannot be read is no mistake of the
  /// recipe.
  [[nodiscard]] StudyChange ChangeOf(const CommandContext& context, const Recipe& recipe,
                                     const Catalogue& catalogue, const DataSpec& data) const try {
    if (!std::filesystem::exists(database_.path)) return {};
    return FindStudyChange(*database_.OpenForReading(), recipe, catalogue, data);
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
