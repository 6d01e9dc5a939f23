#pragma once
// Ablation tables from the record: rows of one varied criterion, seeds as mean and standard
// deviation. The same record gives the same table, byte for byte.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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
#include "search/recipe.h"

namespace beamgrid {

struct StudyEffects;

/// PaperRow is one row of a table of a paper, from recipes/paper_tables.toml.
struct PaperRow {
  std::string row;   ///< as printed
  std::string spec;  ///< conditions, see search/condition.h: "classifier=moe(experts=2)"
  std::optional<double> value;
  std::string text;                     ///< as printed, trailing zeros and all
  std::string note;                     ///< why no row of ours can be it; then `spec` is empty
  std::vector<std::string> cells = {};  ///< as printed, where the table has several first columns
};

/// PaperTable is one table of a paper.
struct PaperTable {
  std::vector<PaperRow> rows;
  std::vector<std::string> columns = {};  ///< headings as printed, the metric's last
  std::string source = {};                ///< "Kim et al., 2018, table 2"
  std::string data = {};                  ///< "YouTube-8M of 2018"
  std::int64_t classes = 0;               ///< of these data; 0: not known
  bool of_test_part = false;              ///< scored by the competition, on videos without labels
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
  kEpochs,  ///< the best one, counted from 1
  kDifference,
  kProbability,  ///< that the row is above the one that it is compared with
  kP,
  kEffect,
  kReference,
  kReferenceDifference,
};
/// Those that a question can ask for, in the order in which they stand.
inline constexpr Word<TableColumn> kOptionalColumns[] = {
    {TableColumn::kSize, "size"},     {TableColumn::kParameters, "parameters"},
    {TableColumn::kSpeed, "speed"},   {TableColumn::kTime, "time"},
    {TableColumn::kEpochs, "epochs"}, {TableColumn::kProbability, "probability"}};

/// TableQuestion is what table is wanted.
struct TableQuestion {
  std::string study;
  std::string title;  ///< empty: "STUDY: CRITERION"
  std::string vary;   ///< see search/varied.h; empty: rows are whole models
  std::vector<std::pair<std::string, std::string>>
      fix;                              ///< --fix temporal=blstm, classifier.experts=2, extras=none
  std::string reference;                ///< "kim18/2"; empty: no column of the paper's
  std::string metric = kMetrics->name;  ///< the name of a metric
  bool effects = false;  ///< a column with each candidate's main effect over the whole study
  /// What the columns vary, as `vary` does of the rows; empty: a row has one number.
  std::string by = {};
  /// Label, or conditions (search/condition.h), of the row that the others are compared with;
  /// empty: the first that has all its seeds. Of leave-one-out and swap-one: of the model that the
  /// rows are made from; empty: the best.
  std::string baseline = {};
  TableRows rows = TableRows::kVariants;
  TableLayout layout = TableLayout::kOurs;
  TableTest test = TableTest::kSignFlip;
  std::vector<TableColumn> columns = {TableColumn::kSize, TableColumn::kParameters};
};

/// Returns the question that a recipe's [[table]] asks of a study.
[[nodiscard]] TableQuestion QuestionOf(const std::string& study, const std::string& metric,
                                       const TableSettings& table);

/// TableResampling is what intervals are made of.
struct TableResampling {
  std::size_t resamples = 1000;
  /// Returns the predictions of a complete trial; throws Error that says why there are none. Called
  /// by several threads where `for_each` has them.
  std::function<Predictions(const TrialRecord&)> read;
  ForEach for_each = Serially;
  /// By what videos belong together: whole groups are resampled; null: videos are.
  std::shared_ptr<const VideoGroups> groups = {};
};
/// Trials whose predictions are read for one table at most.
inline constexpr std::size_t kMostResampledTrials = 200;
/// Videos, or groups of them, that a resample must be drawn of at least.
inline constexpr std::size_t kLeastResampledVideos = 20;

/// CrossPlace is where a cell of a table of rows and columns stands.
struct CrossPlace {
  std::string row, column;  ///< their labels
};

/// TableRow is one varied variant, or one whole model; of a table of rows and columns one cell.
struct TableRow {
  std::string label;
  /// Texts of the first columns where a table has several; empty: the label.
  std::vector<std::string> stub = {};
  std::optional<double> mean, std;         ///< over complete seeds; std from 2 seeds on (sample)
  std::vector<double> seeds;               ///< value per complete seed, by seed
  std::vector<std::int64_t> seed_numbers;  ///< which seeds these are
  std::int64_t missing_seeds = 0;          ///< trials of this row not complete
  std::int64_t size_bytes = 0, parameters = 0;
  std::optional<std::size_t> against;  ///< the row that it is compared with
  /// Values that it is compared by: those of the seeds; of an average those of every combination
  /// and seed.
  std::size_t compared_values = 0;
  std::size_t videos = 0, video_groups = 0;  ///< that its number is of; 0: not known
  std::size_t contest = 0;                   ///< rows of one contest: the best is found among them
  bool paired = false;                       ///< with those of `against`
  std::optional<double> delta;               ///< from the mean of that row
  std::optional<double> p_value;             ///< against that row, by the question's test
  std::optional<double> p_corrected;         ///< after Holm, over the table
  std::optional<RowDifference> difference;   ///< from that row, with its interval
  std::string no_interval;  ///< why `difference` is missing; empty: there is none to be
  /// Against the row with the best mean: BehrensFisherP (Difference::p), times the other rows.
  std::optional<double> p_best;
  bool best = false;        ///< of the rows that have all their seeds
  bool among_best = false;  ///< it is the best, or p_best is above 0.05
  bool chosen = false;  ///< the others are compared with it, and it is the best of the same data
  /// What became of the trials that are not complete, or why there are none.
  std::string missing;
  std::optional<double> examples_per_second, seconds, epochs;  ///< means over complete seeds
  std::vector<std::string> fingerprints;                       ///< of complete trials, by seed
  std::vector<double> trial_seconds;                           ///< of training, of the same trials
  std::vector<std::string> trial_devices;  ///< that these were trained on: "NVIDIA H200"
  std::optional<Estimate> effect;          ///< where asked for: see StudyEffects
  std::optional<double> reference;         ///< the paper's number
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
  std::string compared_with;              ///< what differences are from, in words; empty: none
  std::size_t combinations = 0;           ///< that each row is the mean over; 0: it is no mean
  std::size_t resamples = 0, videos = 0;  ///< of the differences; 0: none of other videos
  std::string grouped_by;        ///< by what these videos belong together; empty: by nothing
  std::size_t video_groups = 0;  ///< that they are of, and that were resampled in their place
  /// By the one rule: two significant digits of the median uncertainty of a column.
  int decimals = 4, difference_decimals = 4;
  // Sentences, or parts of one that AsSentence makes one of. None begins with a name.
  std::vector<std::string> caption = {};  ///< what the numbers are: the test, what is bold
  std::vector<std::string> notes;         ///< what is held fixed, what was left out
  /// For whoever asked for the table: what else there is to ask for. No part of it.
  std::vector<std::string> remarks = {};
  /// Further ones, of numbers that only CSV and JSON have.
  std::vector<std::string> data_notes = {};
  /// Where a table of rows and columns shows how the cells differ: of two criteria that would be
  /// too wide for LaTeX.
  enum class CrossDifferences { kNone, kOnScreens, kEverywhere };
  CrossDifferences cross_differences = CrossDifferences::kNone;
  bool raced = false;  ///< the study races for seeds: a p is not that of a number chosen beforehand
  std::size_t groups = 1;     ///< that the rows could have been; `fix` chooses another
  bool tells_compute = true;  ///< its caption says how long the rows were trained, and on what
};

/// Makes the table from the record. Rows: one per variant of `vary`, in the order of the recorded
/// recipe (of trials alone: in theirs), among trials that agree on everything else. Where the study
/// holds several such groups (a greedy study has one per stage), it takes, after `fix`, the one
/// with the most variants that have a complete trial; then the one with the best mean; then the one
/// with the most variants; then the earlier one. The notes say what it holds fixed and how many
/// groups there are.
/// Whole models (no `vary`) are sorted by mean, best first.
///
/// With `by`, the variants are those of two criteria, and the formats for people show them as rows
/// and columns.
///
/// Rows that are averages (TableRows::kAverage): a combination is what a model has beside what is
/// varied. Those count that all rows have with all their seeds, and of these the seeds that all
/// have: each row is the mean over the same combinations and seeds. A row that has none of them is
/// left out, the one with the fewest combinations first. Differences are paired by combination and
/// seed.
///
/// Rows from a baseline (kLeaveOneOut, kSwapOne) are made of one model, the first row.
///
/// The paper's layout: its rows in its order and words, those that no model of ours is with the
/// reason, then ours that the paper does not have.
///
/// A paper's numbers stand beside those of any data; a difference from them only where the data may
/// be the paper's, as far as the number of classes tells.
///
/// Throws UsageError if there is no such study, criterion or metric, nothing is left after `fix`,
/// or effects are asked for that are none (MakeEffects) or are not those of one part of the model;
/// Error where a model and seed is there twice (RequireOneTrialPerSeed).
[[nodiscard]] AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                                      const TableQuestion& question, const PaperTable& paper,
                                      const TableResampling* resampling = nullptr);
/// Makes the table from the trials themselves. `effects`: of the study, where the question asks for
/// them. `raced`: RacesForSeeds. `resampling`: nullptr for no intervals of other videos. `classes`:
/// of the study's data; 0: not known.
[[nodiscard]] AblationTable MakeTable(const std::vector<TrialRecord>& trials,
                                      const Catalogue& catalogue, const TableQuestion& question,
                                      const PaperTable& paper,
                                      const StudyEffects* effects = nullptr, bool raced = false,
                                      const TableResampling* resampling = nullptr,
                                      std::int64_t classes = 0);

/// StudyTrials is one of several studies that stand side by side.
struct StudyTrials {
  std::string name, objective;
  std::vector<TrialRecord> trials;
  bool raced = false;                 ///< RacesForSeeds
  std::string data;                   ///< DataSpec::digest of the trials
  std::string seen_groups = {};       ///< Store::SeenGroupsOf
  std::optional<Recipe> recipe = {};  ///< RecordedRecipe
};
/// Returns why numbers of the two cannot be compared: they are not of the same validation videos
/// and true labels, or nobody knows (null: no predictions are read); empty: they can be.
[[nodiscard]] std::string WhyApart(const StudyTrials& first, const StudyTrials& other,
                                   const TableResampling* resampling);
/// Adds Store::SeenGroupsOf of a table's study to its notes, where there is such a note.
void AddSeenGroups(const std::string& note, AblationTable& table);

/// Makes a table with a column for each study and a row for each variant that one of them has, or
/// whole model; each study's rows are those that it would have alone. Differences are from the same
/// row of the first study, where both were validated on the same videos and labels: else the notes
/// say that they are not to be compared, and there is no p. A cell of trials that the first study
/// has too has none either. Throws as MakeTable does of one study, and UsageError where the
/// question asks for what only one study has.
[[nodiscard]] AblationTable MakeTable(const std::vector<StudyTrials>& studies,
                                      const Catalogue& catalogue, const TableQuestion& question,
                                      const TableResampling* resampling = nullptr);

/// Renders the table as md | latex | macros (numbers for the prose of a LaTeX document) | csv |
/// html | json. Throws UsageError naming these for any other.
[[nodiscard]] std::string Render(const AblationTable& table, const std::string& format);

/// Returns "kim18/2" from the text of paper_tables.toml; no rows for an empty reference. Throws
/// UsageError naming the tables there are, or where the text is not as it should be.
[[nodiscard]] PaperTable ReadPaperTable(const std::string& toml_text, const std::string& reference);

}  // namespace beamgrid
