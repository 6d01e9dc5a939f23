// Several studies side by side: a column each, with the same rows.

#include <algorithm>
#include <map>
#include <set>

#include "registry/added_options.h"
#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/one_per_seed.h"
#include "reports/resampling.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

/// StudyColumn is one study's rows, or why it has none.
struct StudyColumn {
  const StudyTrials* study = nullptr;
  std::vector<Variation> models;  ///< all of the study
  ChosenRows chosen = {.variants = {}, .labels = {}};
  std::string why_none;
  std::string why_apart;  ///< why its numbers are not comparable with the first study's
};

/// Returns what makes a row the same in two studies.
std::string RowKey(const ModelSpec& model, const Axes& axes) {
  return axes.empty() ? RestText(model, {}) : axes[0].KeyOf(model);
}

StudyColumn ColumnOf(const StudyTrials& study, const Catalogue& catalogue, TableQuestion question,
                     const Axes& axes, const Metric* metric) {
  RequireOneTrialPerSeed(study.trials);
  question.study = study.name;
  StudyColumn column{.study = &study};
  column.models = InOrderOf(study.recipe, ModelsOf(study.trials, catalogue, metric), catalogue);
  try {
    column.chosen = ChooseVariants(WithVaried(WithFixes(column.models, question), axes, question),
                                   axes, catalogue);
  } catch (const UsageError& error) {
    column.why_none = error.what();
  }
  return column;
}

/// Returns the videos and true labels of the study's first readable predictions, or why not.
std::optional<std::uint64_t> VideosOf(const StudyTrials& study, const TableResampling* resampling,
                                      std::string& why) {
  why = "no predictions of " + study.name + " are read";
  for (const TrialRecord& trial : study.trials) {
    if (resampling == nullptr || !trial.result || trial.state != TrialState::kComplete) continue;
    try {
      return VideosHash(resampling->read(trial));
    } catch (const Error& error) {
      why = FirstLine(error.what());
    }
  }
  return std::nullopt;
}

/// StudiesTable puts the columns together.
class StudiesTable {
 public:
  StudiesTable(std::vector<StudyColumn>& columns, const Axes& axes, const Catalogue& catalogue)
      : columns_(columns), axes_(axes) {
    std::vector<Variation> all;
    std::vector<std::string> keys;
    for (const StudyColumn& column : columns_) {
      for (const Variation& variant : column.chosen.variants) {
        const std::string key = RowKey(variant.model, axes_);
        if (std::ranges::find(keys, key) != keys.end()) continue;
        keys.push_back(key);
        all.push_back(variant);
      }
    }
    ChosenRows rows{.variants = std::move(all), .labels = {}};
    LabelRows(rows, axes_, catalogue);
    for (std::size_t r = 0; r < keys.size(); ++r) AddRow(keys[r], rows.labels[r]);
  }

  std::vector<Variation> cells;
  std::vector<TableRow> rows;
  Comparisons comparisons;
  std::size_t shared = 0;  ///< cells of trials that the first study has too

 private:
  void AddRow(const std::string& key, const std::string& label) {
    const std::size_t first = cells.size();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      cells.push_back(CellOf(columns_[c], key));
      TableRow& row = rows.emplace_back(RowOf(cells.back()));
      row.cross = {label, columns_[c].study->name};
      row.label = label + " (" + columns_[c].study->name + ")";
      const bool is_shared = c > 0 && SharesTrials(cells[first], cells.back());
      if (is_shared) ++shared;
      const bool compared = c > 0 && !is_shared && columns_[c].why_apart.empty();
      comparisons.against.push_back(compared ? std::optional(first) : std::nullopt);
      comparisons.contest.push_back(c);
    }
  }
  [[nodiscard]] Variation CellOf(const StudyColumn& column, const std::string& key) const {
    for (const Variation& variant : column.chosen.variants) {
      if (RowKey(variant.model, axes_) == key) return variant;
    }
    const bool is_elsewhere = std::ranges::any_of(
        column.models, [&](const Variation& model) { return RowKey(model.model, axes_) == key; });
    Variation none;
    none.why_none = !column.why_none.empty() ? "no column: see below"
                    : is_elsewhere           ? "only with other parts than the column's other rows"
                                             : "not in the study";
    return none;
  }
  /// One measurement is not two that agree.
  static bool SharesTrials(const Variation& a, const Variation& b) {
    return std::ranges::any_of(a.measured, [&](const TrialRecord* trial) {
      return std::ranges::any_of(b.measured, [&](const TrialRecord* other) {
        return other->fingerprint == trial->fingerprint;
      });
    });
  }

  std::vector<StudyColumn>& columns_;
  const Axes& axes_;
};

/// Returns what two models differ in beside what a table varies: "classifier", "train.epochs".
std::vector<std::string> OtherParts(ModelSpec a, ModelSpec b, const Axes& axes) {
  for (const Varied& axis : axes) {
    a = axis.Without(std::move(a));
    b = axis.Without(std::move(b));
  }
  std::vector<std::string> other;
  const auto compare = [&](const std::string& name) {
    const Varied varied = SplitVaried(name);
    if (varied.KeyOf(a) != varied.KeyOf(b)) other.push_back(name);
  };
  std::set<std::string> settings;
  for (const ModelSpec* model : {&a, &b}) {
    for (const auto& [name, value] : model->train) {
      if (SaysSomething(*model, name)) settings.insert(name);
    }
  }
  for (const std::string& criterion : CriteriaOfTables()) {
    if (criterion != "train") compare(criterion);
  }
  for (const std::string& name : settings) compare("train." + name);
  return other;
}

/// Says where a study's rows differ from those that they are compared with in more than the study.
std::string NotAlike(const StudyColumn& column, const StudyColumn& first, const Axes& axes) {
  if (axes.empty() || column.chosen.variants.empty() || first.chosen.variants.empty()) return "";
  const std::vector<std::string> other =
      OtherParts(column.chosen.variants[0].model, first.chosen.variants[0].model, axes);
  if (other.empty()) return "";
  return "the rows of " + column.study->name + " and of " + first.study->name +
         " differ in what is held fixed, too, and a difference is of all of it together: " +
         Join(other);
}

/// Says what each study holds fixed: once where it is the same.
void AddChoiceNotes(const std::vector<StudyColumn>& columns, AblationTable& table) {
  std::vector<std::string>& notes = table.notes;
  for (const StudyColumn& column : columns) {
    const std::string& name = column.study->name;
    if (!column.why_none.empty()) notes.push_back("no column of " + name + ": " + column.why_none);
    for (const std::string& note : column.chosen.notes) {
      const bool of_all = std::ranges::all_of(columns, [&](const StudyColumn& other) {
        return std::ranges::find(other.chosen.notes, note) != other.chosen.notes.end();
      });
      const std::string text = of_all ? note : "study " + name + ": " + note;
      if (std::ranges::find(notes, text) == notes.end()) notes.push_back(text);
    }
    for (const std::string& remark : column.chosen.remarks) {
      table.remarks.push_back("study " + name + ": " + remark);
    }
  }
}

void AddStudiesNotes(const std::vector<StudyColumn>& columns, const StudiesTable& made,
                     const Axes& axes, AblationTable& table) {
  const std::string& first = columns[0].study->name;
  AddChoiceNotes(columns, table);
  for (const StudyColumn& column : columns) {
    const std::string& name = column.study->name;
    if (!column.why_apart.empty()) {
      table.notes.push_back("study " + name + " is not to be compared with " + first + ": " +
                            column.why_apart);
    } else if (column.study->data != columns[0].study->data) {
      table.notes.push_back("study " + name + " was trained on other data than " + first +
                            ", and validated on the same videos");
    }
    if (column.why_apart.empty()) {
      std::string note = NotAlike(column, columns[0], axes);
      if (!note.empty()) table.notes.push_back(std::move(note));
    }
    if (column.study->objective != columns[0].study->objective) {
      table.notes.push_back("the best epochs were chosen by " + column.study->objective + " in " +
                            name + " and by " + columns[0].study->objective + " in " + first);
    }
  }
  if (const std::string bold = BoldNote(table); !bold.empty()) {
    table.caption.push_back(bold + "; each within its study");
  }
  if (!table.compared_with.empty()) {
    for (std::string& text : ComparisonTexts(table)) table.caption.push_back(std::move(text));
    for (std::string& note : DifferenceNotes(table)) table.notes.push_back(std::move(note));
  }
  if (made.shared > 0) {
    table.notes.push_back("no difference for " + CountText(made.shared, "cell") + ": " + first +
                          " has the same trials, which is one measurement and not two");
  }
  for (std::string& note : TrialNotes(made.cells, table)) table.notes.push_back(std::move(note));
}

void RequireSideBySide(const TableQuestion& question) {
  const auto refuse = [](const std::string& what) {
    throw UsageError("several studies side by side: " + what);
  };
  if (!question.by.empty()) refuse("--by has no place, for the columns are the studies");
  // Averages of two studies would be over other combinations.
  if (question.rows != TableRows::kVariants) {
    refuse(std::string(WordFor(kTableRows, question.rows)) + " is of one study");
  }
  if (question.layout == TableLayout::kPaper) refuse("a paper's layout is of one study");
  if (!question.reference.empty() || question.effects) {
    refuse("a paper's numbers and effects stand beside the rows of one study");
  }
  if (!question.baseline.empty()) {
    refuse("differences are from the same row of the first study, and not from a baseline");
  }
}

}  // namespace

std::string WhyApart(const StudyTrials& first, const StudyTrials& other,
                     const TableResampling* resampling) {
  if (first.data == other.data) return "";
  std::string why;
  const auto of_first = VideosOf(first, resampling, why);
  const auto of_other = of_first ? VideosOf(other, resampling, why) : std::nullopt;
  if (!of_first || !of_other)
    return "their data differ, and whether they were validated on the "
           "same videos is not known: " +
           why;
  return *of_first == *of_other ? "" : "they were validated on other videos or true labels";
}

AblationTable MakeTable(const std::vector<StudyTrials>& studies, const Catalogue& catalogue,
                        const TableQuestion& question, const TableResampling* resampling) {
  RequireSideBySide(question);
  const Axes axes = AxesOf(question);
  const Metric* metric = MetricNamed("metric", question.metric);
  std::vector<StudyColumn> columns;
  for (const StudyTrials& study : studies) {
    columns.push_back(ColumnOf(study, catalogue, question, axes, metric));
    columns.back().why_apart = WhyApart(studies[0], study, resampling);
  }
  if (std::ranges::none_of(columns, [](const auto& column) { return column.why_none.empty(); })) {
    throw UsageError(columns[0].why_none);
  }
  StudiesTable made(columns, axes, catalogue);
  AblationTable table{.title = question.title,
                      .metric = question.metric,
                      .rows = made.rows,
                      .test = question.test,
                      .cross_differences = AblationTable::CrossDifferences::kEverywhere};
  for (const StudyColumn& column : columns) {
    table.raced = table.raced || column.study->raced;
    table.groups = std::max(table.groups, column.chosen.groups);
  }
  CompareRows(made.cells, made.comparisons, *metric, resampling, table);
  const bool compared =
      std::ranges::any_of(table.rows, [](const TableRow& row) { return row.delta.has_value(); });
  if (compared) table.compared_with = "the same row of " + studies[0].name;
  if (table.title.empty()) {
    table.title = Join(studies, ", ", &StudyTrials::name) + ": " +
                  (question.vary.empty() ? "models" : question.vary);
  }
  table.common_seeds = CommonSeeds(table.rows);
  table.kinds = {TableColumn::kLabel, TableColumn::kMetric, TableColumn::kDifference};
  if (IsTested(table.rows)) table.kinds.push_back(TableColumn::kP);
  const std::string seeds =
      table.common_seeds > 1 ? ", " + CountText(table.common_seeds, "seed") : "";
  table.columns = {
      (question.vary.empty() ? "model" : question.vary) + " (" + metric->heading + seeds + ")",
      metric->heading, "difference [95 %]"};
  if (IsTested(table.rows)) table.columns.emplace_back("p");
  AddStudiesNotes(columns, made, axes, table);
  for (const StudyTrials& study : studies) {
    if (study.seen_groups.empty()) continue;
    table.notes.push_back("study " + study.name + ": " + study.seen_groups);
  }
  return table;
}

}  // namespace beamgrid
