// `beamgrid table`: an ablation table of a study, like the papers'.

#include "reports/table.h"

#include <optional>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/table_resampling.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/recipe_files.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

constexpr int kLeastResamples = 200, kMostResamples = 100'000;

/// Reads "temporal=blstm" as {"temporal", "blstm"}.
std::pair<std::string, std::string> ParseFix(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError("--fix: '" + text + "' must be CRITERION=COMPONENT, as in temporal=blstm");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

class TableCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", question_.study, "Study")->required();
    app.add_option("--vary", question_.vary,
                   "Criterion of the rows, or one extra or training setting, as in extras.dropout; "
                   "none: whole models")
        ->type_name("CRITERION");
    app.add_option("--by", question_.by, "Criterion of the columns, beside that of the rows")
        ->type_name("CRITERION");
    app.add_option("--fix", fix_, "Only trials with this component, as in temporal=blstm")
        ->type_name("CRITERION=COMPONENT");
    app.add_option("--metric", question_.metric)
        ->check(OneOf(MetricNames()))
        ->capture_default_str();
    app.add_flag("--effects", question_.effects,
                 "A column with the main effect of each row over the whole study");
    app.add_option("--baseline", question_.baseline,
                   "The row that the others are compared with, by its conditions or label; none: "
                   "the first")
        ->type_name("CONDITIONS");
    app.add_option("--test", test_,
                   "What p is of: the exact sign-flip test of 6 seeds and more, "
                   "Student's t-test of the seeds, or seeds and videos together")
        ->check(OneOf(WordsOf(kTableTests)))
        ->capture_default_str();
    app.add_option("--columns", columns_, "Further columns: size, parameters, speed, time, epochs")
        ->type_name("COLUMN,...")
        ->capture_default_str();
    app.add_option("--resamples", resamples_,
                   "Resamples of the videos for the intervals; 0: intervals of the seeds alone")
        ->check(CLI::Range(0, kMostResamples))
        ->capture_default_str();
    app.add_option("--title", question_.title, "Heading of the table");
    app.add_option("--reference", question_.reference, "A paper's table, as in kim18/2");
    app.add_option("--format", format_, "md, latex, csv, html, json or macros")
        ->capture_default_str();
    app.add_flag("--macros", macros_, "The numbers as LaTeX macros, for prose")
        ->excludes("--format");
    app.add_flag("--json", json_, "The same as --format json")
        ->excludes("--format")
        ->excludes("--macros");
    database_.AddTo(app);
    database_.AddRunsTo(app);
  }

  int Run(CommandContext& context) override {
    for (const std::string& text : ListItems(fix_)) question_.fix.push_back(ParseFix(text));
    question_.test = ValueOf(kTableTests, "--test", test_);
    question_.columns.clear();
    for (const std::string& column : ListItems(columns_)) {
      question_.columns.push_back(ValueOf(kOptionalColumns, "--columns", column));
    }
    if (resamples_ != 0 && resamples_ < kLeastResamples) {
      throw UsageError("--resamples: " + std::to_string(resamples_) + " are fewer than the " +
                       std::to_string(kLeastResamples) + " that a 95 % interval needs");
    }
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, question_.study);
    const std::vector<NamedFile> plugins = PluginsAtHand(Models(*store, study.id));
    const TableResampling resampling =
        ResamplingOf(study.name, static_cast<std::size_t>(resamples_));
    const AblationTable table = MakeTable(*store, OpenTrainer(context, plugins).catalogue,
                                          question_, PaperRows(question_.reference), &resampling);
    Print(context.out, table);
    if (table.groups > 1) {
      context.Remark("this table is one of " + CountText(table.groups, "group") +
                     " of trials; --fix CRITERION=COMPONENT chooses another");
    }
    return kExitDone;
  }

 private:
  void Print(std::ostream& out, const AblationTable& table) const {
    const std::string format = json_ ? "json" : macros_ ? "macros" : format_;
    // Of Markdown only the rows are for programs, and they stay as they are.
    std::optional<Verbatim> as_it_is;
    if (format != "md") as_it_is.emplace(out);
    out << Render(table, format);
  }

  [[nodiscard]] static std::vector<std::string> Models(const Store& store, StudyId study) {
    std::vector<std::string> models;
    for (const TrialRecord& trial : store.Trials(study)) {
      models.push_back(trial.model_json);
    }
    return models;
  }

  TableQuestion question_;
  std::vector<std::string> fix_;
  std::string test_ = WordFor(kTableTests, TableTest::kSignFlip);
  std::vector<std::string> columns_ = {"size"};
  int resamples_ = static_cast<int>(TableResampling().resamples);
  std::string format_ = "md";
  DatabaseOption database_;
  bool json_ = false, macros_ = false;
};

REGISTER_COMMAND("table", kResults, "Ablation table of a study", TableCommand);

}  // namespace

TableResampling ResamplingOf(const std::string& study, std::size_t resamples) {
  const auto read = [study](const TrialRecord& trial) {
    return ReadPredictions(CheckedArtifact(trial, "predictions", study));
  };
  return {.resamples = resamples, .read = read, .for_each = OnThreads(UsableThreads())};
}

}  // namespace beamgrid
