#pragma once
// What a table is made of, for the files that make it.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/table.h"
#include "search/recipe.h"
#include "search/varied.h"

namespace beamgrid {

struct StudyFactor;

/// SharedModel is a model that all copies of it have in common.
class SharedModel {
 public:
  SharedModel() : SharedModel(ModelSpec()) {}
  // Either stands for the other.
  SharedModel(ModelSpec model)  // NOLINT(google-explicit-constructor)
      : model_(std::make_shared<const ModelSpec>(std::move(model))) {}
  operator const ModelSpec&() const { return *model_; }  // NOLINT(google-explicit-constructor)
  const ModelSpec* operator->() const { return model_.get(); }

 private:
  std::shared_ptr<const ModelSpec> model_;
};

/// Variation is one model of the study with its seeds; of an average several models, whose values
/// stand one after the other.
struct Variation {
  SharedModel model;
  std::vector<const TrialRecord*> trials;    ///< by seed
  std::vector<double> values;                ///< of those that measured the metric
  std::vector<std::int64_t> seeds;           ///< of the values
  std::vector<const TrialRecord*> measured;  ///< likewise
  std::size_t models = 1;                    ///< of an average; each has as many values
  std::string why_none = {};                 ///< why it is a row without trials

  /// Returns what tells the values apart: values of two rows are a pair where it is the same.
  [[nodiscard]] std::vector<std::int64_t> Keys() const;
  /// Returns the value of each seed: of an average its mean.
  [[nodiscard]] std::vector<double> SeedValues() const;
};

/// Axes is what a table varies: nothing for rows that are whole models; rows; rows and columns.
using Axes = std::vector<Varied>;

/// ChosenRows is the rows of a table before they are compared.
struct ChosenRows {
  std::vector<Variation> variants;
  std::vector<std::string> labels;                   ///< of the variants
  std::vector<std::vector<std::string>> stubs = {};  ///< see TableRow; none, or of each variant
  std::vector<CrossPlace> places = {};               ///< likewise
  std::vector<std::string> caption = {};             ///< what the rows are
  std::vector<std::string> notes = {};               ///< how they were chosen
  std::vector<std::string> remarks = {};             ///< see AblationTable
  std::vector<Variation> elsewhere = {};             ///< models that could have been rows
  std::vector<Variation> unlisted = {};              ///< rows that the paper's table does not have
  std::size_t groups = 1;                            ///< see AblationTable
  std::size_t combinations = 0;                      ///< likewise
  bool from_baseline = false;                        ///< the first one is the baseline
};

// The models and which of them are rows (table_groups.cpp).

/// Returns the study's models, in the order in which they were first asked for. They point to the
/// trials.
[[nodiscard]] std::vector<Variation> ModelsOf(const std::vector<TrialRecord>& trials,
                                              const Catalogue& catalogue, const Metric* metric);
/// Returns the models in the order of the recipe's candidates, whatever was asked for first; those
/// that it no longer has come last, and so do all of a record without a recipe, as they are.
[[nodiscard]] std::vector<Variation> InOrderOf(const std::optional<Recipe>& recipe,
                                               std::vector<Variation> models,
                                               const Catalogue& catalogue);
/// Makes the table (MakeTable) of models that were read with the question's metric: once for
/// several tables of a study.
[[nodiscard]] AblationTable MakeTableOf(const std::vector<Variation>& models,
                                        const Catalogue& catalogue, const TableQuestion& question,
                                        const PaperTable& paper,
                                        const StudyEffects* effects = nullptr, bool raced = false,
                                        const TableResampling* resampling = nullptr,
                                        std::int64_t classes = 0);
/// Throws UsageError where the columns are not something else than the rows.
[[nodiscard]] Axes AxesOf(const TableQuestion& question);
/// Returns the models that the question's `fix` leaves. Throws UsageError where there is none.
[[nodiscard]] std::vector<Variation> WithFixes(std::vector<Variation> models,
                                               const TableQuestion& question);
/// Leaves the models that have what is varied; extras and settings that a model lacks are a value
/// too. Throws UsageError where no model has it.
[[nodiscard]] std::vector<Variation> WithVaried(std::vector<Variation> models, const Axes& axes,
                                                const TableQuestion& question);
/// Returns the variants that agree on everything but the axes, of the widest such group; whole
/// models without axes.
[[nodiscard]] ChosenRows ChooseVariants(std::vector<Variation> models, const Axes& axes,
                                        const Catalogue& catalogue);
/// Returns the variants on the axes, each averaged over the combinations of all else
/// (table_average.cpp). Throws UsageError where no two rows have one in common.
[[nodiscard]] ChosenRows ChooseAverages(const std::vector<Variation>& models, const Axes& axes,
                                        const Catalogue& catalogue);
/// Returns a model and what it is with one part taken back or changed (table_baseline.cpp). Throws
/// UsageError where the baseline is not one model, or there is nothing beside it.
[[nodiscard]] ChosenRows ChooseFromBaseline(const std::vector<Variation>& models,
                                            const TableQuestion& question,
                                            const Catalogue& catalogue);
// A paper's rows (table_paper.cpp).

/// PaperMatch is the one row of ours that a row of a paper is, or why there is none.
struct PaperMatch {
  std::optional<std::size_t> row;
  std::string why_none;
  bool several = false;  ///< more than one of our rows is it
};
/// Returns one for each row of the paper; no row of ours is two of them.
[[nodiscard]] std::vector<PaperMatch> MatchPaper(const ChosenRows& rows, const PaperTable& paper,
                                                 const std::string& criterion);
/// Says that none of the paper's rows is about the criterion; empty where one is.
[[nodiscard]] std::string DoesNotFit(const TableQuestion& question, const PaperTable& paper,
                                     const std::string& criterion);
/// Puts the rows into the order and words of the paper's table.
[[nodiscard]] ChosenRows InPapersLayout(ChosenRows rows, const PaperTable& paper,
                                        const std::string& criterion);

/// Returns the table of TableRows::kCriteria (table_criteria.cpp).
[[nodiscard]] AblationTable MakeCriteriaTable(const std::vector<Variation>& models,
                                              const TableQuestion& question,
                                              const Catalogue& catalogue, const PaperTable& paper);

/// Returns the words of each variant on an axis.
[[nodiscard]] std::vector<std::string> LabelsOn(const Varied& axis,
                                                const std::vector<Variation>& variants,
                                                const Catalogue& catalogue);
/// Adds to labels that are the same what their models differ in on the axis (nullptr: anywhere).
void MakeDistinct(std::vector<std::string>& labels, const std::vector<Variation>& variants,
                  const Varied* axis);
/// Says where nothing varies of what is to be varied, with what does; empty where something does.
[[nodiscard]] std::string NothingVaries(const std::vector<Variation>& models, const Axes& axes,
                                        const TableQuestion& question, const Catalogue& catalogue);
/// Gives the rows their labels, and in a table of rows and columns their places.
void LabelRows(ChosenRows& rows, const Axes& axes, const Catalogue& catalogue);
/// Returns "held fixed: ..." of a model, but for what is varied.
[[nodiscard]] std::string HeldFixed(ModelSpec model, const Axes& axes, const Catalogue& catalogue);

// The rows (table_rows.cpp).

/// Returns the row without its label.
[[nodiscard]] TableRow RowOf(const Variation& variant);
/// Returns what became of trials that are not complete: "1 failed, 2 waiting"; of a failure, which.
[[nodiscard]] std::string MissingText(const Variation& variant);
/// Returns true if a paper's row is about this model: all its conditions on the criterion hold
/// (empty: on any), and there is one.
[[nodiscard]] bool IsAbout(const PaperRow& paper, const ModelSpec& model,
                           const std::string& criterion);
void AddReference(TableRow& row, const PaperRow& paper);
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

/// Comparisons says which rows are compared.
struct Comparisons {
  std::vector<std::optional<std::size_t>> against;  ///< per row
  std::vector<std::size_t> contest;                 ///< per row; the best is found within each
};
/// Returns those with one row, `compared`; none: nothing is compared.
[[nodiscard]] Comparisons WithOneRow(std::size_t rows, std::optional<std::size_t> compared);
/// Returns the row that the others are compared with: the question's baseline, or the first that
/// has all its seeds; nothing: none has. Throws UsageError where the baseline is none of the rows,
/// or one that has not all its seeds.
[[nodiscard]] std::optional<std::size_t> ComparedRow(const std::vector<Variation>& variants,
                                                     const AblationTable& table,
                                                     const std::string& baseline);

/// Compares the rows, which are variants[i]: differences, intervals, p, which may be the best of
/// their contest; and how many digits they have.
void CompareRows(const std::vector<Variation>& variants, const Comparisons& comparisons,
                 const Metric& metric, const TableResampling* resampling, AblationTable& table);

// The columns (table_columns.cpp).

/// Gives the table its columns and their headings.
void AddColumns(const TableQuestion& question, const PaperTable& paper, AblationTable& table);
/// Returns the number of seeds where all rows have the same and all of theirs; 0: they do not.
[[nodiscard]] std::size_t CommonSeeds(const std::vector<TableRow>& rows);

// The notes (table_remarks.cpp, table_notes.cpp).

[[nodiscard]] bool IsTested(const std::vector<TableRow>& rows);
/// Returns what there is to say of the rows' trials: what was skipped, let go, raced for.
[[nodiscard]] std::vector<std::string> TrialNotes(const std::vector<Variation>& variants,
                                                  const AblationTable& table);
/// Names the best model that is no row where it is better than all rows; else empty.
[[nodiscard]] std::string BetterElsewhere(const ChosenRows& chosen, const AblationTable& table);
/// Says which rows are bold.
[[nodiscard]] std::string BoldNote(const AblationTable& table);
/// Says that the baseline is the best of the same data; empty where it is not.
[[nodiscard]] std::string ChosenNote(const AblationTable& table);
/// Says for the caption what differences and p are: from what, by which test.
[[nodiscard]] std::vector<std::string> ComparisonTexts(const AblationTable& table);
/// Returns what else there is to say of differences, intervals and p.
[[nodiscard]] std::vector<std::string> DifferenceNotes(const AblationTable& table);

}  // namespace beamgrid
