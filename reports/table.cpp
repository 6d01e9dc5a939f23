#include "reports/table.h"

#include <algorithm>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/effects_words.h"
#include "reports/one_per_seed.h"
#include "reports/raced_seeds.h"
#include "reports/study_effects.h"
#include "reports/table_cells.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

bool IsFromBaseline(const TableQuestion& question) {
  return question.rows == TableRows::kLeaveOneOut || question.rows == TableRows::kSwapOne;
}

ChosenRows ChooseRows(std::vector<Variation> models, const TableQuestion& question,
                      const Axes& axes, const Catalogue& catalogue) {
  const std::string rows = WordFor(kTableRows, question.rows);
  if (IsFromBaseline(question)) {
    if (axes.size() > 1) throw UsageError("by = '" + question.by + "' has no place beside " + rows);
    if (question.layout == TableLayout::kPaper) {
      throw UsageError("a paper's layout has no place beside " + rows);
    }
    return ChooseFromBaseline(models, question, catalogue);
  }
  models = WithVaried(std::move(models), axes, question);
  const std::string nothing = NothingVaries(models, axes, question, catalogue);
  if (question.rows == TableRows::kVariants) {
    ChosenRows chosen = ChooseVariants(std::move(models), axes, catalogue);
    if (!nothing.empty()) {
      chosen.notes.insert(chosen.notes.begin(), nothing);
    } else if (!axes.empty() && chosen.variants.size() == 1) {
      chosen.notes.insert(chosen.notes.begin(),
                          "one row: no two measured models of " + question.study + " differ in " +
                              question.vary + (question.by.empty() ? "" : " or " + question.by) +
                              " alone");
    }
    return chosen;
  }
  if (axes.empty()) throw UsageError(rows + ": name what the rows differ in, with vary");
  if (!nothing.empty()) throw UsageError("no average: " + nothing);
  return ChooseAverages(models, axes, catalogue);
}

std::string TitleOf(const TableQuestion& question) {
  if (!question.title.empty()) return question.title;
  std::string title = question.study + ": ";
  if (IsFromBaseline(question)) {
    title += WordFor(kTableRows, question.rows);
    if (!question.vary.empty()) title += " of " + question.vary;
  } else {
    title += question.vary.empty() ? "models" : question.vary;
  }
  if (!question.by.empty()) title += " by " + question.by;
  if (question.rows == TableRows::kAverage) title += ", averaged";
  return title;
}

std::string NoRowBeside(const std::string& reference, const PaperRow& row) {
  return "no row of ours is that of " + reference + ", " + row.row + " (" + row.text + "): ";
}

/// Returns whether the study's data are visibly not the paper's.
bool IsOfOtherData(const PaperTable& paper, std::int64_t classes) {
  return paper.classes > 0 && classes > 0 && paper.classes != classes;
}

/// Says of what data the paper's numbers are, and what that does to a difference from them.
void AddPaperData(const TableQuestion& question, const PaperTable& paper, std::int64_t classes,
                  AblationTable& table) {
  const bool is_there = std::ranges::any_of(
      table.rows, [](const TableRow& row) { return row.reference.has_value(); });
  if (!is_there || paper.data.empty()) return;
  const std::string data = paper.data + ", " + GroupedDigits(paper.classes) + " classes";
  table.caption.push_back("column " + question.reference + ": " + paper.source + " (" + data + ")");
  if (IsOfOtherData(paper, classes)) {
    table.notes.push_back("no difference from " + question.reference + ": the paper's data are " +
                          data + ", those of this study have " + GroupedDigits(classes) +
                          " classes, so that the numbers are of different tasks");
  } else if (Has(table, TableColumn::kReferenceDifference)) {
    table.notes.push_back("ours - theirs: " +
                          std::string(paper.of_test_part
                                          ? "the paper's numbers are of the competition's test "
                                            "videos, ours of the study's validation videos"
                                          : "whether this study's data are the paper's, " + data +
                                                ", the record cannot tell"));
  }
}

/// Says why a paper's rows have no number of ours beside theirs; its own layout says it in the
/// rows.
void AddPaperNotes(const TableQuestion& question, const PaperTable& paper, AblationTable& table) {
  if (question.layout == TableLayout::kPaper) return;
  for (const PaperRow& row : paper.rows) {
    if (row.note.empty()) continue;
    table.notes.push_back(NoRowBeside(question.reference, row) + row.note);
  }
}

bool HasEmptyCell(const AblationTable& table) {
  const std::optional<CrossLayout> layout = CrossLayoutOf(table);
  return layout && std::ranges::any_of(layout->cells, [](const auto& row) {
           return std::ranges::find(row, nullptr) != row.end();
         });
}

/// Puts the paper's numbers beside our rows, in our order.
void AddReferences(const ChosenRows& chosen, const TableQuestion& question, const PaperTable& paper,
                   const std::string& criterion, AblationTable& table) {
  const std::vector<PaperMatch> matches = MatchPaper(chosen, paper, criterion);
  for (std::size_t p = 0; p < matches.size(); ++p) {
    const PaperRow& row = paper.rows[p];
    if (matches[p].row) AddReference(table.rows[*matches[p].row], row);
    if (!matches[p].several) continue;
    table.notes.push_back(NoRowBeside(question.reference, row) + matches[p].why_none);
  }
}

void AddRows(const ChosenRows& chosen, const TableQuestion& question, const PaperTable& paper,
             const std::string& criterion, std::int64_t classes, AblationTable& table) {
  for (std::size_t i = 0; i < chosen.variants.size(); ++i) {
    TableRow& row = table.rows.emplace_back(RowOf(chosen.variants[i]));
    row.label = chosen.labels[i];
    if (!chosen.stubs.empty()) row.stub = chosen.stubs[i];
    if (!chosen.places.empty()) row.cross = chosen.places[i];
    if (question.layout == TableLayout::kPaper) AddReference(row, paper.rows[i]);
  }
  if (question.layout == TableLayout::kOurs) {
    AddReferences(chosen, question, paper, criterion, table);
  }
  if (!IsOfOtherData(paper, classes)) return;
  for (TableRow& row : table.rows) row.reference_difference.reset();
}
/// Compares the rows with one of them, which is the baseline.
void CompareWithOneRow(const ChosenRows& chosen, const TableQuestion& question,
                       const Metric& metric, const TableResampling* resampling,
                       AblationTable& table) {
  table.compared = chosen.from_baseline ? std::optional<std::size_t>(0)
                                        : ComparedRow(chosen.variants, table, question.baseline);
  if (table.compared) table.compared_with = table.rows[*table.compared].label;
  CompareRows(chosen.variants, WithOneRow(table.rows.size(), table.compared), metric, resampling,
              table);
  // A paper's layout shows no differences from it.
  if (table.compared && question.layout == TableLayout::kOurs) {
    TableRow& compared = table.rows[*table.compared];
    compared.chosen = compared.best;
  }
}

/// Says why no row has a number: no trial ended, or none of those that did has measured the metric.
std::string NoNumbers(const ChosenRows& chosen, const TableQuestion& question) {
  const auto is_complete = [](const TrialRecord* trial) {
    return trial->state == TrialState::kComplete;
  };
  const bool any = std::ranges::any_of(chosen.variants, [&](const Variation& variant) {
    return std::ranges::any_of(variant.trials, is_complete);
  });
  const std::string start = "no row has a number: no trial of study '" + question.study + "' ";
  if (!any) return start + "that would be in it is complete";
  const Metric::Needs needs = FindMetric(question.metric)->needs;
  return start + "has measured " + question.metric +
         (needs == Metric::Needs::kOneLabel        ? ", which is of videos with one label each"
          : needs == Metric::Needs::kRatedSegments ? ", which is of rated segments"
                                                   : "");
}

void AddNotes(const ChosenRows& chosen, const TableQuestion& question, AblationTable& table) {
  const auto add = [&](std::string note) {
    if (!note.empty()) table.notes.push_back(std::move(note));
  };
  table.caption = chosen.caption;
  if (std::string bold = BoldNote(table); !bold.empty()) table.caption.push_back(std::move(bold));
  for (const std::string& note : chosen.notes) add(note);
  table.remarks.insert(table.remarks.end(), chosen.remarks.begin(), chosen.remarks.end());
  if (std::string better = BetterElsewhere(chosen, table); !better.empty()) {
    table.remarks.push_back(std::move(better));
  }
  if (std::ranges::none_of(table.rows, [](const TableRow& row) { return row.mean.has_value(); })) {
    table.remarks.push_back(NoNumbers(chosen, question));
  }
  const bool shows_differences = Has(table, TableColumn::kDifference) && question.by.empty();
  std::vector<std::string>& of_differences = shows_differences ? table.notes : table.data_notes;
  for (std::string& text : ComparisonTexts(table)) {
    (shows_differences ? table.caption : table.data_notes).push_back(std::move(text));
  }
  for (std::string& note : DifferenceNotes(table)) of_differences.push_back(std::move(note));
  add(ChosenNote(table));
  for (std::string& note : TrialNotes(chosen.variants, table)) add(std::move(note));
  if (HasEmptyCell(table)) add("a dash: a combination that the study did not ask for");
}

}  // namespace

TableQuestion QuestionOf(const std::string& study, const std::string& metric,
                         const TableSettings& table) {
  TableQuestion question{.study = study,
                         .title = table.title,
                         .vary = table.vary,
                         .fix = {},
                         .reference = table.reference,
                         .metric = metric,
                         .by = table.by,
                         .baseline = table.baseline,
                         .rows = table.rows,
                         .layout = table.layout};
  if (table.layout == TableLayout::kPaper) question.columns.clear();
  for (std::size_t begin = 0; begin < table.fix.size();) {
    const std::size_t end = std::min(table.fix.find(';', begin), table.fix.size());
    const std::string condition = table.fix.substr(begin, end - begin);
    const std::size_t equals = condition.find('=');
    // The recipe's reader has seen to it that each has one.
    if (equals != std::string::npos) {
      question.fix.emplace_back(condition.substr(0, equals), condition.substr(equals + 1));
    }
    begin = end + 1;
  }
  return question;
}

AblationTable MakeTable(const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                        const TableQuestion& question, const PaperTable& paper,
                        const StudyEffects* effects, bool raced, const TableResampling* resampling,
                        std::int64_t classes) {
  RequireOneTrialPerSeed(trials);
  const Metric* metric = MetricNamed("metric", question.metric);
  return MakeTableOf(ModelsOf(trials, catalogue, metric), catalogue, question, paper, effects,
                     raced, resampling, classes);
}

AblationTable MakeTableOf(const std::vector<Variation>& all, const Catalogue& catalogue,
                          const TableQuestion& question, const PaperTable& paper,
                          const StudyEffects* effects, bool raced,
                          const TableResampling* resampling, std::int64_t classes) {
  const Axes axes = AxesOf(question);
  const Metric* metric = MetricNamed("metric", question.metric);
  std::vector<Variation> models = WithFixes(all, question);
  if (question.rows == TableRows::kCriteria) {
    if (!axes.empty()) throw UsageError("criteria: all of them are shown; vary has no place");
    return MakeCriteriaTable(models, question, catalogue, paper);
  }
  ChosenRows chosen = ChooseRows(std::move(models), question, axes, catalogue);
  const std::string criterion = axes.empty() || IsFromBaseline(question) ? "" : axes[0].criterion;
  const std::string does_not_fit = DoesNotFit(question, paper, criterion);
  if (question.layout == TableLayout::kPaper) {
    if (!does_not_fit.empty()) throw UsageError(does_not_fit);
    chosen = InPapersLayout(std::move(chosen), paper, criterion);
  }
  const StudyFactor* factor = effects == nullptr ? nullptr : &FactorOf(*effects, question);
  AblationTable table{.title = TitleOf(question),
                      .metric = question.metric,
                      .test = question.test,
                      .combinations = chosen.combinations,
                      .raced = raced,
                      .groups = chosen.groups};
  AddRows(chosen, question, paper, criterion, classes, table);
  if (factor != nullptr) {
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      AddEffect(table.rows[i], chosen.variants[i].model, *effects, *factor);
    }
  }
  CompareWithOneRow(chosen, question, *metric, resampling, table);
  table.common_seeds = CommonSeeds(table.rows);
  AddColumns(question, paper, table);
  if (!question.by.empty()) {
    table.cross_differences = AblationTable::CrossDifferences::kOnScreens;
  }
  AddNotes(chosen, question, table);
  AddPaperData(question, paper, classes, table);
  AddPaperNotes(question, paper, table);
  if (!does_not_fit.empty()) table.notes.push_back("no numbers of the paper: " + does_not_fit);
  if (factor != nullptr) {
    const std::string name =
        FactorName(*effects, static_cast<std::size_t>(factor - effects->factors.data()));
    table.notes.push_back(
        "effect" + (name == factor->name ? "" : " of " + name) +
        ": difference from the mean over all " + std::to_string(effects->effects.grid_points) +
        " combinations of the study, of which " + std::to_string(effects->effects.measured) +
        " were measured, with its 95 % interval");
  }
  return table;
}

void AddSeenGroups(const std::string& note, AblationTable& table) {
  if (!note.empty()) table.notes.push_back(note);
}

AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                        const TableQuestion& question, const PaperTable& paper,
                        const TableResampling* resampling) {
  const std::optional<StudyRecord> study = store.FindStudy(question.study);
  if (!study) {
    const std::string known = Join(store.Studies(), ", ", &StudyRecord::name);
    throw UsageError("there is no study '" + question.study + "'; the record has " +
                     (known.empty() ? "none" : known));
  }
  std::optional<StudyEffects> effects;
  if (question.effects) effects = MakeEffects(store, catalogue, *study);
  const std::vector<TrialRecord> trials = store.Trials(study->id);
  const std::int64_t classes = trials.empty() ? 0 : store.Spec(trials[0].id).data.classes;
  RequireOneTrialPerSeed(trials);
  const Metric* metric = MetricNamed("metric", question.metric);
  const std::vector<Variation> models =
      InOrderOf(RecordedRecipe(*study, catalogue), ModelsOf(trials, catalogue, metric), catalogue);
  AblationTable table =
      MakeTableOf(models, catalogue, question, paper, effects ? &*effects : nullptr,
                  RacesForSeeds(store, *study), resampling, classes);
  AddSeenGroups(store.SeenGroupsOf(study->id), table);
  return table;
}

}  // namespace beamgrid
