#pragma once
// Ablation tables from the record: rows of one varied criterion, seeds as mean and standard
// deviation. The same record gives the same table, byte for byte.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "registry/util/words.h"
#include "reports/two_level.h"
#include "search/effects/effects.h"
#include "search/ensemble/for_each.h"

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

/// TableTest says how a p comes about.
enum class TableTest {
  kSignFlip,  ///< exact sign-flip test of the seeds, from 6 seeds on: other seeds, these videos
  kT,         ///< t-test of the seeds, paired where both rows have the same, Welch's otherwise
  kTwoLevel,  ///< of Difference: other seeds and other videos
};
inline constexpr Word<TableTest> kTableTests[] = {
    {TableTest::kSignFlip, "sign-flip"}, {TableTest::kT, "t"}, {TableTest::kTwoLevel, "two-level"}};

/// TableColumn is a kind of column.
enum class TableColumn {
  kLabel,
  kMetric,
  kSize,
  kParameters,
  kSpeed,   ///< examples/s
  kTime,    ///< of training
  kEpochs,  ///< until the best one
  kDifference,
  kP,
  kEffect,
  kReference,
  kReferenceDifference,
};
/// Those that a question can ask for, in the order in which they stand.
inline constexpr Word<TableColumn> kOptionalColumns[] = {{TableColumn::kSize, "size"},
                                                         {TableColumn::kParameters, "parameters"},
                                                         {TableColumn::kSpeed, "speed"},
                                                         {TableColumn::kTime, "time"},
                                                         {TableColumn::kEpochs, "epochs"}};

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
  /// What the columns vary, as `vary` does of the rows; empty: a row has one number.
  std::string by = {};
  /// Conditions that name the row which the others are compared with, see search/condition.h;
  /// empty: the first that has all its seeds.
  std::string baseline = {};
  TableTest test = TableTest::kSignFlip;
  std::vector<TableColumn> columns = {TableColumn::kSize, TableColumn::kParameters};
};

/// TableResampling is what intervals are made of.
struct TableResampling {
  std::size_t resamples = 1000;
  /// Returns the predictions of a complete trial; throws Error that says why there are none. Called
  /// by several threads where `for_each` has them.
  std::function<Predictions(const TrialRecord&)> read;
  ForEach for_each = Serially;
};
/// Trials whose predictions are read for one table at most.
inline constexpr std::size_t kMostResampledTrials = 200;
/// Videos that a resample must be drawn of at least.
inline constexpr std::size_t kLeastResampledVideos = 20;

/// CrossPlace is where a cell of a table of rows and columns stands.
struct CrossPlace {
  std::string row, column;  ///< their labels
};

/// TableRow is one varied variant, or one whole model; of a table of rows and columns one cell.
struct TableRow {
  std::string label;
  std::optional<double> mean, std;         ///< over complete seeds; std from 2 seeds on (sample)
  std::vector<double> seeds;               ///< value per complete seed, by seed
  std::vector<std::int64_t> seed_numbers;  ///< which seeds these are
  std::int64_t missing_seeds = 0;          ///< trials of this row not complete
  std::int64_t size_bytes = 0, parameters = 0;
  std::optional<double> delta;    ///< from the mean of the row that the others are compared with
  std::optional<double> p_value;  ///< against that row, by the question's test
  std::optional<double> p_corrected;        ///< after Holm, over the table
  std::optional<RowDifference> difference;  ///< from that row, with its interval
  std::string no_interval;  ///< why `difference` is missing; empty: there is none to be
  /// Against the row with the best mean: BehrensFisherP (Difference::p), times the other rows.
  std::optional<double> p_best;
  bool best = false;        ///< of the rows that have all their seeds
  bool among_best = false;  ///< it is the best, or p_best is above 0.05
  bool chosen = false;  ///< the others are compared with it, and it is the best of the same data
  std::string missing;  ///< what became of the trials that are not complete
  std::optional<double> examples_per_second, seconds, epochs;  ///< means over complete seeds
  std::vector<std::string> fingerprints;                       ///< of complete trials, by seed
  std::optional<Estimate> effect;   ///< where asked for: see StudyEffects
  std::optional<double> reference;  ///< the paper's number
  std::string reference_text;
  std::optional<double> reference_difference;  ///< ours - the paper's
  std::optional<CrossPlace> cross;             ///< of a cell of a table of rows and columns
};

/// AblationTable is a table before it is rendered.
struct AblationTable {
  std::string title;
  std::string metric = kMetrics->name;
  std::vector<std::string> columns;  ///< headings, in the order of `Render`
  std::vector<TableRow> rows;
  std::vector<TableColumn> kinds = {};  ///< of the columns
  TableTest test = TableTest::kSignFlip;
  std::size_t common_seeds = 0;  ///< that every row has; 0: some have others, or not all of theirs
  std::optional<std::size_t> compared;    ///< the row that the others are compared with
  std::size_t resamples = 0, videos = 0;  ///< of the intervals; 0: none of other videos
  /// By the one rule: two significant digits of the median uncertainty of a column.
  int decimals = 4, difference_decimals = 4;
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
/// With `by`, the variants are those of two criteria, and the formats for people show them as rows
/// and columns.
///
/// Throws UsageError if there is no such study, criterion or metric, nothing is left after `fix`,
/// or effects are asked for that are none (MakeEffects) or are not those of one part of the model;
/// Error where a model and seed is there twice (RequireOneTrialPerSeed).
[[nodiscard]] AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                                      const TableQuestion& question,
                                      const std::vector<PaperRow>& paper,
                                      const TableResampling* resampling = nullptr);
/// Makes the table from the trials themselves. `effects`: of the study, where the question asks for
/// them. `raced`: RacesForSeeds. `resampling`: nullptr for no intervals of other videos.
[[nodiscard]] AblationTable MakeTable(const std::vector<TrialRecord>& trials,
                                      const Catalogue& catalogue, const TableQuestion& question,
                                      const std::vector<PaperRow>& paper,
                                      const StudyEffects* effects = nullptr, bool raced = false,
                                      const TableResampling* resampling = nullptr);

/// Renders the table as md | latex | macros (numbers for the prose of a LaTeX document) | csv |
/// html | json. Throws UsageError naming these for any other.
[[nodiscard]] std::string Render(const AblationTable& table, const std::string& format);

/// Returns the rows of "kim18/2" from the text of paper_tables.toml; none for an empty reference.
/// Throws UsageError naming the tables there are, or where the text is not as it should be.
[[nodiscard]] std::vector<PaperRow> PaperTable(const std::string& toml_text,
                                               const std::string& reference);

}  // namespace beamgrid
