// `beamgrid run`: carries a study out, then prints its leaderboard, tables and ensemble. Running a
// finished study again trains nothing and prints the same.

#include "orchestrator/run_study.h"

#include "orchestrator/commands/captured_output.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/effects_text.h"
#include "orchestrator/commands/ensemble_text.h"
#include "orchestrator/commands/json_report.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/search_watch.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/table_resampling.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/trial_listing.h"
#include "orchestrator/commands/whole_recipe.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/kept_answer.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/threads.h"
#include "reports/table.h"
#include "reports/table_command.h"

namespace beamgrid {
namespace {

class RunCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
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
    app.add_flag("--accept-changes", options_.accept_changes,
                 "Go on where finished trials no longer count, as the recipe or its data are now");
    app.add_flag("--json", json_, "Print one JSON object at the end instead of text");
    app.footer(
        std::string("--json: study, objective, trained, reused, failed, refused, attempts,\n"
                    "interrupted, stopped_because, failures, decisions, leaderboard, tables,\n"
                    "effects, ensemble, unfinished,\n") +
        kStudyChangeKeys + ",\n" + kReportKeys);
  }

  int Run(CommandContext& context) override {
    IgnoreBrokenPipes();  // what has taken days outlives whoever reads along
    if (!json_) return CarryOut(context, nullptr);
    return ReportAsJson(context,
                        [&](boost::json::object& report) { return CarryOut(context, &report); });
  }

 private:
  /// `report`: null where the results are printed as text.
  int CarryOut(const CommandContext& context, boost::json::object* report) {
    const RecipeSource source = recipe_.Read();
    const auto [trainer, recipe] = LoadWholeRecipe(context, source, DataFiles::kHere);
    const Catalogue& catalogue = trainer.catalogue;
    options_.trainer = trainer.path;
    options_.database = database_.path;
    options_.runs = database_.runs;
    context.Detail("database: " + options_.database.string());
    if (context.verbosity == Verbosity::kQuiet) options_.progress = ProgressMode::kQuiet;
    if (report != nullptr) {
      (*report)["study_changes"] = nullptr;
      options_.on_change = [report](const StudyChange& change) {
        (*report)["study_changes"] = ToJson(change);
      };
    }
    KeptAnswer answer(FormOf(context.out, report != nullptr ? Form::kJson : Form::kText));
    options_.answer = &answer;
    const StudyResult result = RunStudy(recipe, catalogue, options_);
    Report(context, result);
    if (report != nullptr) AddResult(recipe, result, *report);
    const bool measured = result.complete + result.reused > 0;
    if (!measured && result.exit_code == kExitDone) return kExitBroken;
    // Tables of half a study would look like its result.
    if (result.interrupted || !result.stopped_because.empty() || !measured) return result.exit_code;
    if (answer.found()) {
      RepeatResults(context, answer.printed(), report);
      return result.exit_code;
    }
    const bool finished = ReportResults(context, catalogue, recipe, answer, report);
    return result.exit_code == kExitDone && !finished ? kExitUnfinished : result.exit_code;
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
    report["effects"] = nullptr;
    report["ensemble"] = nullptr;
    report["unfinished"] = boost::json::array();
  }

  enum class Form { kText, kJson };
  /// Returns what the look of the results depends on (KeptAnswer).
  static std::string FormOf(std::ostream& out, Form form) {
    if (form == Form::kJson) return "json";
    const std::optional<std::size_t> width = TerminalWidth(out);
    if (!width) return "text";
    return "terminal " + std::to_string(*width) + (MayColour(out) ? " with colours" : "");
  }

  /// The keys of a report that hold the results.
  static constexpr const char* kResults[] = {"leaderboard", "tables", "effects", "ensemble"};

  /// Prints the results as they were printed before.
  static void RepeatResults(const CommandContext& context, const KeptAnswer::Printed& printed,
                            boost::json::object* report) {
    const auto middle = static_cast<std::size_t>(printed.remark_at);
    if (report == nullptr) CapturedOutput::Print(context.out, printed.data.substr(0, middle));
    if (!printed.remark.empty()) context.Remark(printed.remark);
    if (report == nullptr) return CapturedOutput::Print(context.out, printed.data.substr(middle));
    boost::json::value results = ParseJson(printed.data);
    for (const char* key : kResults) (*report)[key] = std::move(results.as_object()[key]);
  }

  /// Prints what follows from the record. False where a part could not be made: what was trained is
  /// recorded all the same, and no recipe is to blame.
  bool ReportResults(const CommandContext& whole_context, const Catalogue& catalogue,
                     const Recipe& recipe, const KeptAnswer& answer,
                     boost::json::object* report) const {
    // Opened anew: the study's own connection went with its lock, and the ensemble is still to be
    // recorded.
    Store store(options_.database, OpenMode::kReadWrite);  // which knows the runs folder by now
    const std::optional<StudyRecord> found = store.FindStudy(recipe.name);
    if (!found) {
      throw Error(options_.database.string() + ": holds no study '" + recipe.name +
                  "' any more, which has just been run; was the file replaced?");
    }
    const StudyRecord& study = *found;
    const std::optional<std::string> key = answer.Key(store);
    CapturedOutput captured(whole_context.out);
    CommandContext context{.out = captured.stream(),
                           .err = whole_context.err,
                           .verbosity = whole_context.verbosity,
                           .show_list = whole_context.show_list};
    bool finished = true, remarked = false;
    const auto part = [&](const std::string& what, const std::string& again, const auto& make) {
      const auto tell = [&](const char* why) {
        finished = false;
        Unfinished(context, what, again, why);
        if (report != nullptr) (*report)["unfinished"].as_array().emplace_back(what + ": " + why);
      };
      try {
        make();
      } catch (const Error& error) {
        captured.PassOn();
        tell(error.what());
      } catch (const UsageError& error) {
        captured.PassOn();
        tell(error.what());
      }
      captured.PassOn();
    };
    part("leaderboard", "beamgrid trials " + recipe.name, [&] {
      if (report == nullptr) return PrintLeaderboard(context.out, store, study);
      (*report)["leaderboard"] = LeaderboardJson(store, study);
    });
    KeptAnswer::Printed printed{.remark = SkippedRemark(store.Trials(study.id)),
                                .remark_at = static_cast<std::int64_t>(captured.text().size())};
    if (!printed.remark.empty()) context.Remark(printed.remark);
    for (const TableSettings& table : recipe.tables) {
      const TableQuestion question = QuestionOfRun(recipe, table);
      part("table '" + table.title + "'", TableCommandText(question, /*seeds_alone=*/false),
           [&] { ReportTable(context.out, store, catalogue, question, report); });
    }
    part("effects", "beamgrid effects " + recipe.name,
         [&] { ReportEffects(context.out, store, catalogue, study, report); });
    if (recipe.ensemble) {
      part("ensemble", "beamgrid ensemble " + recipe.name, [&] {
        // What is told beside the answer is told anew by every run.
        remarked |= MakeEnsemble(context, store, study, recipe, report) == Remarks::kSome;
      });
    }
    if (finished && !remarked) {
      printed.data = report == nullptr ? captured.text() : ResultsText(*report);
      answer.Keep(store, key, printed);
    }
    return finished;
  }

  static std::string ResultsText(const boost::json::object& report) {
    boost::json::object results;
    for (const char* key : kResults) results[key] = report.at(key);
    return CanonicalJson(results);
  }

  static void Unfinished(const CommandContext& context, const std::string& what,
                         const std::string& again, const char* why) {
    context.err << "error: what was trained is recorded, but the " << what
                << " could not be made: " << why << "; `" << again << "` makes it without a run\n";
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
    } else if (result.refused > 0 && result.complete + result.reused + result.failed == 0) {
      context.err << "error: no trial was made: all models are refused\n";
    } else if (result.attempts + result.complete + result.failed == 0 &&
               result.stopped_because.empty()) {
      context.Remark(result.reused == 1 ? std::string("nothing to do: the one trial is complete")
                                        : "nothing to do: all " + std::to_string(result.reused) +
                                              " trials are complete");
    }
  }

  static TableQuestion QuestionOfRun(const Recipe& recipe, const TableSettings& table) {
    TableQuestion question = QuestionOf(recipe.name, recipe.objective->name, table);
    question.columns.clear();
    if (table.layout == TableLayout::kOurs) question.columns.push_back(TableColumn::kSize);
    return question;
  }

  static void ReportTable(std::ostream& out, const Store& store, const Catalogue& catalogue,
                          const TableQuestion& question, boost::json::object* report) {
    const TableResampling resampling = ResamplingOf(store, {*store.FindStudy(question.study)});
    AblationTable made =
        MakeTable(store, catalogue, question, FindPaperTable(question.reference), &resampling);
    // What a run prints is the same for any number of workers and any history of crashes.
    made.tells_compute = false;
    if (report == nullptr) {
      out << "\n" << Render(made, "md");
    } else {
      (*report)["tables"].as_array().push_back(ParseJson(Render(made, "json")));
    }
  }

  /// Where at least two parts vary and enough combinations are complete.
  static void ReportEffects(std::ostream& out, const Store& store, const Catalogue& catalogue,
                            const StudyRecord& study, boost::json::object* report) {
    const std::optional<StudyEffects> made = EffectsWorthTelling(store, catalogue, study);
    if (!made) return;
    if (report != nullptr) {
      (*report)["effects"] = ToJson(*made);
    } else {
      out << "\nWhat the search learnt\n\n";
      PrintEffectsBriefly(out, *made);
    }
  }

  static EnsembleAnswer FindRecipesEnsemble(const CommandContext& context,
                                            const EnsembleQuestion& question,
                                            const EnsembleModels& models,
                                            const gpu::DeviceOffer& gpu) {
    try {
      SearchWatch watch(context);
      return FindEnsemble(question, models, watch.OnThreads(UsableThreads()), gpu, watch.told());
    } catch (const SearchWatch::SearchInterrupted&) {
      throw Error("interrupted; the trials are recorded, and `run` or `ensemble` makes it");
    }
  }

  enum class Remarks { kNone, kSome };
  /// Says whether anything was told beside the answer.
  static Remarks MakeEnsemble(const CommandContext& context, Store& store, const StudyRecord& study,
                              const Recipe& recipe, boost::json::object* report) {
    const StudyModels pool = StudyPool(store, study, SeedChoice::kAll);
    bool warned = !pool.left_out.empty();
    gpu::DeviceOffer gpu = OnGpu(context.err);
    gpu.warn = [&warned, warn = gpu.warn](const std::string& why) {
      warned = true;
      warn(why);
    };
    const EnsembleAnswer answer = FindRecipesEnsemble(context, *recipe.ensemble, pool.models, gpu);
    const boost::json::object json = AnswerJson(answer, pool.left_out);
    StoreEnsemble(store, study.id, json, pool.fingerprints);
    if (report != nullptr) {
      (*report)["ensemble"] = json;
    } else {
      context.out << "\nEnsemble\n\n";
      PrintEnsemble(context.out, answer);
    }
    WarnOfLeftOut(context.err, pool.left_out);
    return warned ? Remarks::kSome : Remarks::kNone;
  }

  RecipeOption recipe_;
  DatabaseOption database_;
  RunStudyOptions options_;
  bool json_ = false;
};

REGISTER_COMMAND("run", kSearch, "Carry a study out, or go on with it", RunCommand);

}  // namespace
}  // namespace beamgrid
