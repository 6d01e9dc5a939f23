#pragma once
// Ablation tables from the record: rows of one varied criterion, seeds as mean and standard
// deviation. The same record gives the same table, byte for byte.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/effects/effects.h"

namespace beamgrid {

struct StudyEffects;

/// PaperRow is one row of a table of a paper, from recipes/paper_tables.toml.
struct PaperRow {
  std::string row;   ///< as printed
  std::string spec;  ///< conditions, see search/condition.h: "classifier=moe(experts=2)"
  std::optional<double> value;
  std::string text;  ///< as printed, trailing zeros and all
  std::string note;  ///< why no row of ours can be it; then `spec` is empty
};

/// TableQuestion is what table is wanted.
struct TableQuestion {
  std::string study;
  std::string title;  ///< empty: "STUDY: CRITERION"
  /// A criterion, "extras" or "train", or one of these two alone: "extras.dropout"; empty: rows are
  /// whole models.
  std::string vary;
  std::vector<std::pair<std::string, std::string>>
      fix;                              ///< --fix temporal=blstm, classifier.experts=2, extras=none
  std::string reference;                ///< "kim18/2"; empty: no column of the paper's
  std::string metric = kMetrics->name;  ///< the name of a metric
  bool effects = false;  ///< a column with each candidate's main effect over the whole study
};

/// TableRow is one varied variant, or one whole model.
struct TableRow {
  std::string label;
  std::optional<double> mean, std;         ///< over complete seeds; std from 2 seeds on (sample)
  std::vector<double> seeds;               ///< value per complete seed, by seed
  std::vector<std::int64_t> seed_numbers;  ///< which seeds these are
  std::int64_t missing_seeds = 0;          ///< trials of this row not complete
  std::int64_t size_bytes = 0, parameters = 0;
  std::optional<double> delta;     ///< to the mean of the first row that has all its seeds, as
                                   ///< this one must
  std::optional<double> p_value;   ///< two-sided t-test against that row: paired by seed where
                                   ///< both have the same seeds, Welch's otherwise; from 2 seeds on
  std::optional<Estimate> effect;  ///< where asked for: see StudyEffects
  std::optional<double> reference;  ///< the paper's number
  std::string reference_text;
};

/// AblationTable is a table before it is rendered.
struct AblationTable {
  std::string title;
  std::string metric = kMetrics->name;
  std::vector<std::string> columns;  ///< headings, in the order of `Render`
  std::vector<TableRow> rows;
  std::vector<std::string> notes;  ///< what is held fixed, what was left out, which test
  bool raced = false;  ///< the study races for seeds: a p is not that of a number chosen beforehand
  std::size_t groups = 1;  ///< that the rows could have been; `fix` chooses another
};

/// Makes the table from the record. Rows: one per variant of `vary`, in the order in which the
/// study asked for them, among trials that agree on everything else. Where the study holds several
/// such groups (a greedy study has one per stage), it takes, after `fix`, the one with the most
/// variants that have a complete trial; then the one with the best mean; then the one with the most
/// variants; then the earlier one. The notes say what it holds fixed and how many groups there are.
/// Whole models (no `vary`) are sorted by mean, best first.
///
/// Throws UsageError if there is no such study, criterion or metric, nothing is left after `fix`,
/// or effects are asked for that are none (MakeEffects) or are not those of one part of the model;
/// Error where a model and seed is there twice (RequireOneTrialPerSeed).
[[nodiscard]] AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                                      const TableQuestion& question,
                                      const std::vector<PaperRow>& paper);
/// Makes the table from the trials themselves. `effects`: of the study, where the question asks for
/// them. `raced`: RacesForSeeds.
[[nodiscard]] AblationTable MakeTable(const std::vector<TrialRecord>& trials,
                                      const Catalogue& catalogue, const TableQuestion& question,
                                      const std::vector<PaperRow>& paper,
                                      const StudyEffects* effects = nullptr, bool raced = false);

/// Returns the cells of a row as people read them, as many as there are columns.
[[nodiscard]] std::vector<std::string> RowCells(const AblationTable& table, const TableRow& row);

/// Renders the table as md | latex | csv | html | json. Throws UsageError naming these for any
/// other.
[[nodiscard]] std::string Render(const AblationTable& table, const std::string& format);

/// Returns the rows of "kim18/2" from the text of paper_tables.toml; none for an empty reference.
/// Throws UsageError naming the tables there are, or where the text is not as it should be.
[[nodiscard]] std::vector<PaperRow> PaperTable(const std::string& toml_text,
                                               const std::string& reference);

}  // namespace beamgrid
