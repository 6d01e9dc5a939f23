#pragma once
// What a table is made of, for the files that make it.

#include <string>
#include <vector>

#include "reports/table.h"
#include "reports/varied.h"

namespace beamgrid {

struct StudyFactor;

/// Variation is one model of the study with its seeds.
struct Variation {
  ModelSpec model;
  std::vector<const TrialRecord*> trials;    ///< by seed
  std::vector<double> values;                ///< of those that measured the metric
  std::vector<std::int64_t> seeds;           ///< of the values
  std::vector<const TrialRecord*> measured;  ///< likewise
};

/// Group is variants that agree on everything but the varied criterion.
struct Group {
  std::vector<Variation> variants;

  [[nodiscard]] std::int64_t measured() const;
  [[nodiscard]] double mean() const;
};

/// Axes is what a table varies: nothing for rows that are whole models; rows; rows and columns.
using Axes = std::vector<Varied>;

// The models (table_groups.cpp).

/// Returns the study's models, in the order in which they were first asked for.
[[nodiscard]] std::vector<Variation> ModelsOf(const std::vector<TrialRecord>& trials,
                                              const Catalogue& catalogue, const Metric* metric);
/// Throws UsageError where the columns are not something else than the rows.
[[nodiscard]] Axes AxesOf(const TableQuestion& question);
/// Returns the models that the question's `fix` leaves. Throws UsageError where there is none.
[[nodiscard]] std::vector<Variation> WithFixes(std::vector<Variation> models,
                                               const TableQuestion& question);
/// Throws UsageError where no model has what is to be varied.
void RequireVaried(const std::vector<Variation>& models, const Axes& axes,
                   const TableQuestion& question);
/// Returns groups that agree on everything but the axes. Whole models are one group.
[[nodiscard]] std::vector<Group> GroupsOf(std::vector<Variation> models, const Axes& axes);
/// Returns the group with the most measured variants, then by what MakeTable says.
[[nodiscard]] Group& Widest(std::vector<Group>& groups);
/// Returns why it is this group and none of the others: the first number by which it leads all.
[[nodiscard]] std::string WhyChosen(const std::vector<Group>& groups, const Group& chosen);
void SortByMean(std::vector<Variation>& models);

// The rows (table_rows.cpp).

/// Returns the words of each variant on an axis.
[[nodiscard]] std::vector<std::string> LabelsOn(const Varied& axis, const Group& group,
                                                const Catalogue& catalogue);
/// Returns the row without its label.
[[nodiscard]] TableRow RowOf(const Variation& variant);
/// Adds the paper's number where one of its rows is about this model: all its conditions on the
/// criterion hold (empty: on any), and there is one.
void AddReference(TableRow& row, const ModelSpec& model, const std::string& criterion,
                  const std::vector<PaperRow>& paper);
/// Returns the part of the model that the rows vary. Throws UsageError where it is not one part, or
/// its effects are of another metric than the rows.
[[nodiscard]] const StudyFactor& FactorOf(const StudyEffects& effects,
                                          const TableQuestion& question);
void AddEffect(TableRow& row, const ModelSpec& model, const StudyEffects& effects,
               const StudyFactor& factor);

/// Returns true if a row has all its seeds. Means of different seeds differ by more than most
/// variants do: half a row would decide nothing.
[[nodiscard]] inline bool IsWhole(const TableRow& row) {
  return row.missing_seeds == 0 && row.mean.has_value();
}

/// Compares the rows, which are variants[i], with one of them and with the best: differences,
/// intervals, p, which may be the best. Throws UsageError where the question's baseline is none of
/// the rows, or one that has not all its seeds.
void CompareRows(const std::vector<Variation>& variants, const TableQuestion& question,
                 const Metric& metric, const TableResampling* resampling, AblationTable& table);

// The columns (table_columns.cpp).

[[nodiscard]] bool IsTested(const std::vector<TableRow>& rows);
[[nodiscard]] std::vector<TableColumn> KindsOf(const std::vector<TableRow>& rows,
                                               const TableQuestion& question);
[[nodiscard]] std::string HeadingOf(TableColumn kind, const AblationTable& table,
                                    const TableQuestion& question);
/// Returns the number of seeds where all rows have the same and all of theirs; 0: they do not.
[[nodiscard]] std::size_t CommonSeeds(const std::vector<TableRow>& rows);

// The notes (table_remarks.cpp, table_notes.cpp).

/// Returns what there is to say of the rows as a whole: what is held fixed, what is not in the
/// table and why, how the rows compare.
[[nodiscard]] std::vector<std::string> NotesOf(const std::vector<Group>& groups, const Group& group,
                                               const AblationTable& table,
                                               const TableQuestion& question, const Axes& axes,
                                               const Catalogue& catalogue,
                                               const std::vector<PaperRow>& paper);
/// Returns what there is to say of differences, intervals, p and bold rows.
[[nodiscard]] std::vector<std::string> ComparisonNotes(const AblationTable& table);

}  // namespace beamgrid
