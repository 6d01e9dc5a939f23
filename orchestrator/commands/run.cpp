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
#include "registry/util/error.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

class RunCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("RECIPE", recipe_, "Recipe file")->required();
    database_.AddTo(app);
    database_.AddRunsTo(app);
    app.add_flag_callback(
        "--no-wait", [this] { options_.share = ShareMode::kStartAtOnce; },
        "Start at once, whatever other studies hold of this machine");
    app.add_option("--retry", options_.retry,
                   "Try again what has failed for good: failed (all of it), a kind of failure "
                   "(diverged), or trials as NAME or NAME#SEED")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("WHAT,...");
  }

  int Run(CommandContext& context) override {
    IgnoreBrokenPipes();  // what has taken days outlives whoever reads along
    const auto [trainer, catalogue] = OpenTrainerFor(context, recipe_);
    options_.trainer = trainer;
    options_.database = database_.path;
    options_.runs = database_.runs;
    context.Detail("database: " + options_.database.string());
    if (context.verbosity == Verbosity::kQuiet) options_.progress = ProgressMode::kQuiet;
    const Recipe recipe = LoadRecipe(recipe_, catalogue);
    const StudyResult result = RunStudy(recipe, catalogue, options_);
    Report(context, result);
    const bool measured = result.complete + result.reused > 0;
    if (!measured && result.exit_code == kExitDone) return kExitBroken;
    // Tables of half a study would look like its result.
    if (result.interrupted || !result.stopped_because.empty() || !measured) return result.exit_code;
    const bool finished = ReportResults(context, catalogue, recipe);
    return result.exit_code == kExitDone && !finished ? kExitUnfinished : result.exit_code;
  }

 private:
  /// Prints what follows from the record. False where a part could not be made: what was trained is
  /// recorded all the same, and no recipe is to blame.
  bool ReportResults(const CommandContext& context, const Catalogue& catalogue,
                     const Recipe& recipe) const {
    // Opened anew: the study's own connection went with its lock, and the ensemble is still to be
    // recorded.
    Store store(options_.database, OpenMode::kReadWrite);  // which knows the runs folder by now
    const std::optional<StudyRecord> found = store.FindStudy(recipe.name);
    if (!found) {
      throw Error(options_.database.string() + ": holds no study '" + recipe.name +
                  "' any more, which has just been run; was the file replaced?");
    }
    const StudyRecord& study = *found;
    bool finished = true;
    const auto part = [&](const std::string& what, const std::string& again, const auto& make) {
      try {
        make();
      } catch (const Error& error) {
        finished = false;
        Unfinished(context, what, again, error.what());
      } catch (const UsageError& error) {
        finished = false;
        Unfinished(context, what, again, error.what());
      }
    };
    part("leaderboard", "trials " + recipe.name,
         [&] { PrintLeaderboard(context.out, store, study); });
    if (const std::string skipped = SkippedRemark(store.Trials(study.id)); !skipped.empty()) {
      context.Remark(skipped);
    }
    for (const TableSettings& table : recipe.tables) {
      part("table '" + table.title + "'", "table " + recipe.name,
           [&] { PrintTable(context.out, store, catalogue, recipe, table); });
    }
    if (recipe.ensemble) {
      part("ensemble", "ensemble " + recipe.name,
           [&] { MakeEnsemble(context, store, study, recipe); });
    }
    return finished;
  }

  static void Unfinished(const CommandContext& context, const std::string& what,
                         const std::string& again, const char* why) {
    context.err << "error: what was trained is recorded, but the " << what
                << " could not be made: " << why << "; `beamgrid " << again
                << "` makes it without a run\n";
  }

  void Report(const CommandContext& context, const StudyResult& result) const {
    for (const std::string& decision : result.decisions) context.Remark("decided: " + decision);
    for (const std::string& failure : result.failures) context.err << "failed: " << failure << "\n";
    if (!result.stopped_because.empty()) {
      context.err << "error: stopped: " << result.stopped_because << "\n";
    }
    if (result.failed > 0) {
      context.Remark(
          "the next `beamgrid run` tries failed trials again, those that diverged only with "
          "--retry diverged (or --retry failed, --retry NAME#SEED)");
    }
    if (result.interrupted) {
      context.err << "interrupted; what is finished is recorded, run the same recipe again to go on"
                  << "\n";
    } else if (result.attempts == 0 && result.failed == 0 && result.stopped_because.empty()) {
      context.Remark("nothing to do: all " + std::to_string(result.reused) +
                     " trials are complete");
    }
  }

  static void PrintTable(std::ostream& out, const Store& store, const Catalogue& catalogue,
                         const Recipe& recipe, const TableSettings& table) {
    const TableQuestion question{.study = recipe.name,
                                 .title = table.title,
                                 .vary = table.vary,
                                 .reference = table.reference,
                                 .metric = recipe.objective->name};
    out << "\n" << Render(MakeTable(store, catalogue, question, PaperRows(table.reference)), "md");
  }

  static void MakeEnsemble(const CommandContext& context, Store& store, const StudyRecord& study,
                           const Recipe& recipe) {
    EnsembleQuestion question = *recipe.ensemble;
    MemberPool pool = StudyPool(store, study, SeedChoice::kAll);
    question.models = std::move(pool.models);
    const EnsembleAnswer answer = FindEnsemble(question);
    StoreEnsemble(store, study.id, AnswerJson(answer, pool.left_out));
    context.out << "\nEnsemble\n\n";
    PrintEnsemble(context.out, answer);
    WarnOfLeftOut(context.err, pool.left_out);
  }

  std::string recipe_;
  DatabaseOption database_;
  RunStudyOptions options_;
};

REGISTER_COMMAND("run", kSearch, "Carry a study out, or go on with it", RunCommand);

}  // namespace
}  // namespace beamgrid
