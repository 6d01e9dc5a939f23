// `beamgrid run`: carries a study out, then prints its leaderboard, tables and ensemble. Running a
// finished study again trains nothing and prints the same.

#include "orchestrator/run_study.h"

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/commands/trial_listing.h"
#include "orchestrator/interrupts.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

class RunCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("RECIPE", recipe_, "Recipe file")->required();
    app.add_option("--db", options_.database, "Database file")
        ->capture_default_str()
        ->type_name("FILE");
    app.add_option("--runs", options_.runs, "Folder of the attempts")
        ->capture_default_str()
        ->type_name("DIR");
    app.add_flag_callback(
        "--no-wait", [this] { options_.share = ShareMode::kStartAtOnce; },
        "Start at once, whatever other studies hold of this machine");
  }

  int Run(CommandContext& context) override {
    IgnoreBrokenPipes();  // what has taken days outlives whoever reads along
    const auto [trainer, catalogue] = OpenTrainerFor(context, recipe_);
    options_.trainer = trainer;
    context.Detail("database: " + options_.database.string() + ", runs: " + options_.runs.string());
    if (context.verbosity == Verbosity::kQuiet) options_.progress = ProgressMode::kQuiet;
    const Recipe recipe = LoadRecipe(recipe_, catalogue);
    const StudyResult result = RunStudy(recipe, catalogue, options_);
    Report(context, result);
    const bool measured = result.complete + result.reused > 0;
    // Tables of half a study would look like its result.
    if (result.interrupted || !result.stopped_because.empty() || !measured) return result.exit_code;

    // Opened anew: the study's own connection went with its lock, and the ensemble is still to be
    // recorded.
    Store store(options_.database, OpenMode::kReadWrite);
    const StudyRecord study = store.FindStudy(recipe.name).value();
    PrintLeaderboard(context.out, store, study);
    PrintTables(context.out, store, catalogue, recipe);
    if (recipe.ensemble) MakeEnsemble(context.out, store, study, recipe);
    return result.exit_code;
  }

 private:
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

  static void PrintTables(std::ostream& out, const Store& store, const Catalogue& catalogue,
                          const Recipe& recipe) {
    for (const TableSettings& table : recipe.tables) {
      const TableQuestion question{.study = recipe.name,
                                   .title = table.title,
                                   .vary = table.vary,
                                   .reference = table.reference,
                                   .metric = recipe.objective->name};
      out << "\n"
          << Render(MakeTable(store, catalogue, question, PaperRows(table.reference)), "md");
    }
  }

  static void MakeEnsemble(std::ostream& out, Store& store, const StudyRecord& study,
                           const Recipe& recipe) {
    EnsembleQuestion question = *recipe.ensemble;
    question.models = StudyPool(store, study, SeedChoice::kAll);
    const EnsembleAnswer answer = FindEnsemble(question);
    StoreEnsemble(store, study.id, answer);
    out << "\nEnsemble\n\n";
    PrintEnsemble(out, answer);
  }

  std::string recipe_;
  RunStudyOptions options_;
};

REGISTER_COMMAND("run", kSearch, "Carry a study out, or go on with it", RunCommand);

}  // namespace
}  // namespace beamgrid
