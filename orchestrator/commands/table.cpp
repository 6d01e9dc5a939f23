// `beamgrid table`: an ablation table of a study, like the papers'.

#include "reports/table.h"

#include <algorithm>
#include <optional>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/recorded_ensemble_table.h"
#include "orchestrator/commands/sheet_text.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/table_resampling.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/recipe_files.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"
#include "reports/raced_seeds.h"
#include "reports/study_effects.h"
#include "reports/table_cells.h"

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

/// Refuses a name that is left empty by mistake, as a shell's variable is.
CLI::Validator NotEmpty() {
  return {[](const std::string& text) { return text.empty() ? "must not be empty" : ""; }, ""};
}

class TableCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", studies_, "Study; of several a column each, with the same rows")
        ->required();
    app.add_option("--vary", question_.vary,
                   "What the rows differ in: a criterion, or options, extras or training settings, "
                   "as in temporal.hidden, extras.dropout, extras.dropout.rate, train.batch; none: "
                   "whole models")
        ->check(NotEmpty())
        ->type_name("CRITERION");
    app.add_option("--by", question_.by, "What the columns differ in, beside the rows")
        ->check(NotEmpty())
        ->type_name("CRITERION");
    app.add_option("--fix", fix_, "Only trials with this component, as in temporal=blstm")
        ->check(NotEmpty())
        ->type_name("CRITERION=COMPONENT");
    app.add_option("--metric", metric_, "The metric; none: the first study's objective")
        ->check(OneOf(MetricNames()));
    app.add_flag("--effects", question_.effects,
                 "A column with the main effect of each row over the whole study");
    app.add_option("--baseline", question_.baseline,
                   "The row that the others are compared with, by its conditions or label; none: "
                   "the first, with --leave-one-out and --swap-one the best model")
        ->check(NotEmpty())
        ->type_name("CONDITIONS");
    app.add_option("--test", test_,
                   "What p is of: the exact sign-flip test of 6 seeds and more, "
                   "Student's t-test of the seeds, or seeds and videos together")
        ->check(OneOf(WordsOf(kTableTests)))
        ->capture_default_str();
    app.add_option(
           "--columns", columns_,
           "Further columns: size, parameters, speed, time, epochs, probability (that the row is "
           "above the baseline); none in a paper's layout")
        ->type_name("COLUMN,...")
        ->default_str("size");
    app.add_option("--resamples", resamples_,
                   "Resamples of the videos for the intervals; 0: intervals of the seeds alone")
        ->check(CLI::Range(0, kMostResamples))
        ->capture_default_str();
    app.add_option("--title", question_.title, "Heading of the table");
    app.add_option("--reference", question_.reference, "A paper's table, as in kim18/2")
        ->check(NotEmpty());
    app.add_option("--layout", layout_,
                   "Whose rows and columns: ours, or those of the reference in its order and words")
        ->check(OneOf(WordsOf(kTableLayouts)))
        ->capture_default_str();
    AddRows(app);
    app.add_option("--format", format_,
                   "md (also markdown), latex, csv, html, json or macros; none: on a terminal "
                   "columns that fit it, elsewhere md");
    app.add_flag("--macros", macros_, "The numbers as LaTeX macros, for prose")
        ->excludes("--format");
    app.add_flag("--json", json_, "The same as --format json")
        ->excludes("--format")
        ->excludes("--macros");
    database_.AddTo(app);
    database_.AddRunsTo(app);
  }

  int Run(CommandContext& context) override {
    ReadQuestion();
    const auto store = database_.OpenForReading();
    std::vector<StudyRecord> studies;
    for (const std::string& name : studies_) {
      studies.push_back(FindStudy(*store, database_, name));
      if (std::ranges::count(studies_, name) > 1) {
        throw UsageError("study '" + name + "' is named twice");
      }
    }
    if (ensemble_->count() > 0) return ShowEnsemble(context, *store, studies);
    RequirePlaceForColumns();
    const std::vector<NamedFile> plugins = PluginsAtHand(Models(*store, studies));
    const Catalogue catalogue = OpenTrainer(context, plugins).catalogue;
    const TableResampling resampling =
        ResamplingOf(*store, studies, static_cast<std::size_t>(resamples_));
    question_.study = studies_[0];
    question_.metric = metric_.empty() ? studies[0].objective : metric_;
    const AblationTable table =
        studies.size() == 1
            ? MakeTable(*store, catalogue, question_, FindPaperTable(question_.reference),
                        &resampling)
            : MakeTable(TrialsOf(*store, studies, catalogue), catalogue, question_, &resampling);
    Show(context, table, LatexSheetOf(table));
    for (const std::string& remark : table.remarks) context.Remark(remark);
    if (table.groups > 1) {
      context.Remark(
          "--fix CRITERION=COMPONENT chooses another group, --average takes the mean over all");
    }
    return kExitDone;
  }

 private:
  void AddRows(CLI::App& app) {
    CLI::Option* average =
        app.add_flag("--average", average_,
                     "Each row is the mean over the same combinations of all that is not varied");
    CLI::Option* leave_one_out =
        app.add_flag("--leave-one-out", leave_one_out_,
                     "Rows: a baseline, and it with one part taken back to its default each");
    CLI::Option* swap_one =
        app.add_flag("--swap-one", swap_one_,
                     "Rows: a baseline, and the models that differ from it in one criterion");
    CLI::Option* criteria = app.add_flag(
        "--criteria", criteria_, "Rows: the criteria, with the methods that were tried of each");
    leave_one_out->excludes(average)->excludes(swap_one)->excludes(criteria);
    swap_one->excludes(average)->excludes(criteria);
    average->excludes(criteria);
    ensemble_ = app.add_option("--ensemble", ensemble_id_,
                               "An ensemble's members with sizes and weights; no ID: the study's "
                               "latest")
                    ->type_name("ID")
                    ->expected(0, 1);
    for (CLI::Option* rows : {average, leave_one_out, swap_one, criteria}) {
      ensemble_->excludes(rows);
    }
    // An ensemble's table has its own columns, and nothing in it is compared.
    for (const char* other : {"--by", "--fix", "--metric", "--effects", "--baseline", "--test",
                              "--columns", "--resamples", "--layout"}) {
      ensemble_->excludes(app.get_option(other));
    }
  }
  int ShowEnsemble(CommandContext& context, const Store& store,
                   const std::vector<StudyRecord>& studies) const {
    if (studies.size() > 1) throw UsageError("--ensemble: an ensemble's table is of one study");
    if (!question_.vary.empty())
      throw UsageError("--ensemble: its rows are the members, not --vary");
    EnsembleTable table = RecordedEnsembleTable(store, studies[0], ensemble_id_);
    if (!question_.title.empty()) table.title = question_.title;
    table.reference = question_.reference;
    table.paper = FindPaperTable(question_.reference);
    Show(context, table, SheetOf(table));
    return kExitDone;
  }
  /// Cells of rows and columns have one number each.
  void RequirePlaceForColumns() const {
    if (columns_.empty()) return;
    const std::string beside = !question_.by.empty() ? "--by"
                               : studies_.size() > 1 ? "several studies"
                               : criteria_           ? "--criteria"
                                                     : "";
    if (beside.empty()) return;
    throw UsageError("--columns has no place beside " + beside +
                     "; --format csv and --json have every number");
  }
  void ReadQuestion() {
    for (const std::string& text : ListItems(fix_)) question_.fix.push_back(ParseFix(text));
    question_.test = ValueOf(kTableTests, "--test", test_);
    question_.layout = ValueOf(kTableLayouts, "--layout", layout_);
    if (average_) question_.rows = TableRows::kAverage;
    if (leave_one_out_) question_.rows = TableRows::kLeaveOneOut;
    if (swap_one_) question_.rows = TableRows::kSwapOne;
    if (criteria_) question_.rows = TableRows::kCriteria;
    const bool papers = question_.layout == TableLayout::kPaper;
    if (papers && question_.reference.empty()) {
      throw UsageError("--layout paper: --reference must say which table, as in kim18/2");
    }
    question_.columns.clear();
    if (columns_.empty() && !papers) question_.columns.push_back(TableColumn::kSize);
    for (const std::string& column : ListItems(columns_)) {
      // As the column of lists and files is called.
      question_.columns.push_back(
          ValueOf(kOptionalColumns, "--columns", column == "size_bytes" ? "size" : column));
    }
    if (resamples_ != 0 && resamples_ < kLeastResamples) {
      throw UsageError("--resamples: " + std::to_string(resamples_) + " are fewer than the " +
                       std::to_string(kLeastResamples) + " that a 95 % interval needs");
    }
  }
  [[nodiscard]] std::string Format() const {
    if (json_) return "json";
    if (macros_) return "macros";
    return format_.empty() || format_ == "markdown" ? "md" : format_;
  }

  template <typename Table>
  void Show(CommandContext& context, const Table& table, const Sheet& in_latex) const {
    if (!json_ && !macros_ && format_.empty() && TerminalWidth(context.out)) {
      return PrintSheet(context.out, SheetOf(table));
    }
    const std::string text = Render(table, Format());
    {
      // Of Markdown only the rows are for programs, and they stay as they are.
      std::optional<Verbatim> as_it_is;
      if (Format() != "md") as_it_is.emplace(context.out);
      context.out << text;
    }
    const int width = LeastLatexWidth(in_latex);
    if (Format() != "latex" || width <= kArticleWidth) return;
    constexpr double kReadable = 5;  // points
    const double in_article = ScaledLetters(width, kArticleWidth);
    context.Remark(std::string(in_article < kReadable ? "warning" : "note") +
                   ": this table is about " + std::to_string(width) +
                   " pt wide and \\resizebox of graphicx makes it fit: with letters of " +
                   FixedText(in_article, 1) + " pt in article (\\linewidth of " +
                   std::to_string(kArticleWidth) + " pt), of " +
                   FixedText(ScaledLetters(width, kBothColumnsWidth), 1) +
                   " pt over both columns of IEEEtran and acmart. Fewer --columns, --resamples 0 "
                   "(no intervals), or --fix and fewer values of --by make it narrower");
  }

  [[nodiscard]] static std::vector<std::string> Models(const Store& store,
                                                       const std::vector<StudyRecord>& studies) {
    std::vector<std::string> models;
    for (const StudyRecord& study : studies) {
      for (const TrialRecord& trial : store.Trials(study.id)) models.push_back(trial.model_json);
    }
    return models;
  }
  [[nodiscard]] static std::vector<StudyTrials> TrialsOf(const Store& store,
                                                         const std::vector<StudyRecord>& studies,
                                                         const Catalogue& catalogue) {
    std::vector<StudyTrials> of_all;
    for (const StudyRecord& study : studies) {
      StudyTrials& one = of_all.emplace_back(study.name, study.objective, store.Trials(study.id),
                                             RacesForSeeds(store, study));
      if (!one.trials.empty()) one.data = store.Spec(one.trials[0].id).data.digest;
      one.seen_groups = store.SeenGroupsOf(study.id);
      one.recipe = RecordedRecipe(study, catalogue);
    }
    return of_all;
  }

  std::vector<std::string> studies_;
  TableQuestion question_;
  std::vector<std::string> fix_;
  std::string test_ = WordFor(kTableTests, TableTest::kSignFlip);
  std::vector<std::string> columns_;
  std::string layout_ = WordFor(kTableLayouts, TableLayout::kOurs);
  int resamples_ = static_cast<int>(TableResampling().resamples);
  std::string format_;  ///< empty: as suits the output
  DatabaseOption database_;
  bool json_ = false, macros_ = false;
  bool average_ = false, leave_one_out_ = false, swap_one_ = false, criteria_ = false;
  CLI::Option* ensemble_ = nullptr;
  std::string ensemble_id_;
  std::string metric_;  ///< empty: the objective
};

REGISTER_COMMAND("table", kResults, "Ablation table of a study", TableCommand);

}  // namespace

TableResampling ResamplingOf(const Store& store, const std::vector<StudyRecord>& studies,
                             std::size_t resamples) {
  const std::string study = Join(studies, " ", &StudyRecord::name);
  const auto read = [study](const TrialRecord& trial) {
    return ReadPredictions(CheckedArtifact(trial, "predictions", study));
  };
  return {.resamples = resamples,
          .read = read,
          .for_each = OnThreads(UsableThreads()),
          .groups = resamples == 0 ? nullptr : GroupsOfStudies(store, studies)};
}

}  // namespace beamgrid
