// `beamgrid run`: carries a study out, then prints its leaderboard, tables and ensemble. Running a
// finished study again trains nothing and prints the same.

#include "orchestrator/run_study.h"

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/json_report.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/commands/trial_listing.h"
#include "orchestrator/interrupts.h"
#include "registry/util/json.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

class RunCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
    app.add_option("--db", options_.database, "Database file")
        ->capture_default_str()
        ->type_name("FILE");
    app.add_option("--runs", options_.runs, "Folder of the attempts")
        ->capture_default_str()
        ->type_name("DIR");
    app.add_flag_callback(
        "--no-wait", [this] { options_.share = ShareMode::kStartAtOnce; },
        "Start at once, whatever other studies hold of this machine");
    app.add_flag("--json", json_, "Print one JSON object at the end instead of text");
    app.footer(
        std::string("--json: study, objective, trained, reused, failed, refused, attempts,\n"
                    "interrupted, stopped_because, failures, decisions, leaderboard, tables,\n"
                    "ensemble, ") +
        kReportKeys);
  }

  int Run(CommandContext& context) override {
    IgnoreBrokenPipes();  // what has taken days outlives whoever reads along
    if (!json_) return CarryOut(context, nullptr);
    return ReportAsJson(context,
                        [&](boost::json::object& report) { return CarryOut(context, &report); });
  }

 private:
  /// `report`: null where the results are printed as text.
  int CarryOut(CommandContext& context, boost::json::object* report) {
    const RecipeSource source = recipe_.Read();
    const auto [trainer, catalogue] = OpenTrainerFor(context, source);
    options_.trainer = trainer;
    context.Detail("database: " + options_.database.string() + ", runs: " + options_.runs.string());
    if (context.verbosity == Verbosity::kQuiet) options_.progress = ProgressMode::kQuiet;
    const Recipe recipe = LoadRecipe(source, catalogue);
    const StudyResult result = RunStudy(recipe, catalogue, options_);
    Report(context, result);
    if (report != nullptr) AddResult(recipe, result, *report);
    const bool measured = result.complete + result.reused > 0;
    // Tables of half a study would look like its result.
    if (result.interrupted || !result.stopped_because.empty() || !measured) return result.exit_code;

    // Opened anew: the study's own connection went with its lock, and the ensemble is still to be
    // recorded.
    Store store(options_.database, OpenMode::kReadWrite);
    const StudyRecord study = store.FindStudy(recipe.name).value();
    if (report != nullptr) (*report)["leaderboard"] = LeaderboardJson(store, study);
    if (report == nullptr) PrintLeaderboard(context.out, store, study);
    for (const TableSettings& table : recipe.tables) {
      const AblationTable made =
          MakeTable(store, catalogue, QuestionOf(table, recipe), PaperRows(table.reference));
      if (report == nullptr) {
        context.out << "\n" << Render(made, "md");
      } else {
        (*report)["tables"].as_array().push_back(ParseJson(Render(made, "json")));
      }
    }
    if (recipe.ensemble) {
      const EnsembleAnswer answer = MakeEnsemble(store, study, recipe);
      if (report != nullptr) {
        (*report)["ensemble"] = ToJson(answer);
      } else {
        context.out << "\nEnsemble\n\n";
        PrintEnsemble(context.out, answer);
      }
    }
    return result.exit_code;
  }

  static void AddResult(const Recipe& recipe, const StudyResult& result,
                        boost::json::object& report) {
    report["study"] = recipe.name;
    report["objective"] = recipe.objective->name;
    report["trained"] = result.complete;
    report["reused"] = result.reused;
    report["failed"] = result.failed;
    report["refused"] = result.refused;
    report["attempts"] = result.attempts;
    report["interrupted"] = result.interrupted;
    report["stopped_because"] = nullptr;
    if (!result.stopped_because.empty()) report["stopped_because"] = result.stopped_because;
    report["failures"] = boost::json::value_from(result.failures);
    report["decisions"] = boost::json::value_from(result.decisions);
    report["leaderboard"] = boost::json::array();
    report["tables"] = boost::json::array();
    report["ensemble"] = nullptr;
  }

  void Report(const CommandContext& context, const StudyResult& result) const {
    for (const std::string& decision : result.decisions) context.Remark("decided: " + decision);
    for (const std::string& failure : result.failures) context.err << "failed: " << failure << "\n";
    if (!result.stopped_because.empty()) {
      context.err << "error: stopped: " << result.stopped_because << "\n";
    }
    if (result.interrupted) {
      context.err << "interrupted; what is finished is recorded, run the same recipe again to go on"
                  << "\n";
    } else if (result.attempts == 0 && result.failed == 0 && result.stopped_because.empty()) {
      context.Remark("nothing to do: all " + std::to_string(result.reused) +
                     " trials are complete");
    }
  }

  static TableQuestion QuestionOf(const TableSettings& table, const Recipe& recipe) {
    return {.study = recipe.name,
            .title = table.title,
            .vary = table.vary,
            .reference = table.reference,
            .metric = recipe.objective->name};
  }

  static EnsembleAnswer MakeEnsemble(Store& store, const StudyRecord& study, const Recipe& recipe) {
    EnsembleQuestion question = *recipe.ensemble;
    question.models = StudyPool(store, study, SeedChoice::kAll);
    EnsembleAnswer answer = FindEnsemble(question);
    StoreEnsemble(store, study.id, answer);
    return answer;
  }

  RecipeOption recipe_;
  RunStudyOptions options_;
  bool json_ = false;
};

REGISTER_COMMAND("run", kSearch, "Carry a study out, or go on with it", RunCommand);

}  // namespace
}  // namespace beamgrid
