// Which rows of a table differ: from the row that they are compared with, and from the best.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

constexpr double kLevel = 0.05;
/// How far a recorded metric may be from the one of the recorded predictions: single precision.
constexpr double kSameMetric = 1e-5;

/// ResampledTrial is a trial's resamples, or why there are none.
struct ResampledTrial {
  Resampled resampled;
  std::uint64_t videos_hash = 0;
  std::size_t videos = 0, groups = 0;
  std::string why_not;
  std::string detail;  ///< which file, and the way out; for whoever can mend it
};
using ResampledTrials = std::map<const TrialRecord*, ResampledTrial>;

ResampledTrial ResampleTrial(const TrialRecord& trial, const Metric& metric,
                             const TableResampling& resampling) {
  ResampledTrial made;
  try {
    const Predictions predictions = resampling.read(trial);
    made.videos = CountVideos(predictions);
    made.videos_hash = VideosHash(predictions);
    const VideoGroups* const groups = resampling.groups.get();
    if (groups != nullptr) made.groups = CountGroups(predictions, *groups);
    const std::size_t drawn = groups != nullptr ? made.groups : made.videos;
    if (drawn < kLeastResampledVideos) {
      made.why_not = "its " + CountText(drawn, groups != nullptr ? "group" : "video") +
                     (groups != nullptr ? " (" + groups->by() + ")" : "") + " are fewer than the " +
                     std::to_string(kLeastResampledVideos) + " that a resample needs";
      return made;
    }
    made.resampled = ResampleVideos(predictions, metric, resampling.resamples, groups);
    const double recorded = trial.result->metrics.*metric.value;
    if (!(std::abs(made.resampled.value - recorded) <= kSameMetric)) {
      made.why_not = "its predictions have " + std::string(metric.heading) + " " +
                     FixedText(made.resampled.value, 6) + ", the record says " +
                     FixedText(recorded, 6);
    }
  } catch (const Error& error) {
    made.why_not = "its predictions cannot be read";
    made.detail = FirstLine(error.what());
  }
  return made;
}

/// Reads the predictions of all trials of rows that are compared, one by one or on several threads.
ResampledTrials ResampleAll(const std::vector<const TrialRecord*>& trials, const Metric& metric,
                            const TableResampling& resampling) {
  std::vector<ResampledTrial> made(trials.size());
  resampling.for_each(trials.size(), [&](std::size_t i) {
    made[i] = ResampleTrial(*trials[i], metric, resampling);
  });
  ResampledTrials by_trial;
  for (std::size_t i = 0; i < trials.size(); ++i) by_trial[trials[i]] = std::move(made[i]);
  return by_trial;
}

/// Comparer compares pairs of the rows of one table.
class Comparer {
 public:
  Comparer(const std::vector<Variation>& variants, const Metric& metric,
           const TableResampling* resampling, AblationTable& table)
      : variants_(variants), table_(table) {
    if (resampling == nullptr || resampling->resamples == 0 || !IsResampled(metric)) {
      seeds_only_ = true;
      return;
    }
    std::vector<const TrialRecord*> trials;
    for (std::size_t i = 0; i < variants.size(); ++i) {
      if (!IsWhole(table.rows[i])) continue;
      trials.insert(trials.end(), variants[i].measured.begin(), variants[i].measured.end());
    }
    // An average has trials enough to say much without the videos.
    if (trials.size() > kMostResampledTrials && table.combinations > 0) {
      seeds_only_ = true;
      return;
    }
    if (trials.size() > kMostResampledTrials) {
      too_many_ = "the table has " + CountText(trials.size(), "trial") +
                  ", and the predictions of " + std::to_string(kMostResampledTrials) +
                  " are read at most";
      return;
    }
    trials_ = ResampleAll(trials, metric, *resampling);
    table.resamples = resampling->resamples;
    if (resampling->groups) table.grouped_by = resampling->groups->by();
  }

  /// Returns rows[a] - rows[b] with its interval, or nothing and why.
  [[nodiscard]] std::optional<RowDifference> Compare(std::size_t a, std::size_t b,
                                                     std::string& why) {
    const Variation &of_a = variants_[a], &of_b = variants_[b];
    if (seeds_only_) {
      return SeedsDifference(of_a.Keys(), of_a.values, of_b.Keys(), of_b.values);
    }
    why = too_many_;
    SeededRow row_a, row_b;
    if (!why.empty() || !Fill(of_a, row_a, why) || !Fill(of_b, row_b, why)) return std::nullopt;
    const ResampledTrial& first = trials_.at(of_b.measured[0]);
    for (const Variation* row : {&of_a, &of_b}) {
      for (const TrialRecord* trial : row->measured) {
        if (trials_.at(trial).videos_hash == first.videos_hash) continue;
        why = Named(*trial) + " and " + Named(*of_b.measured[0]) +
              " are of different videos or true labels";
        return std::nullopt;
      }
    }
    for (TableRow* row : {&table_.rows[a], &table_.rows[b]}) {
      row->videos = first.videos;
      row->video_groups = first.groups;
    }
    return TwoLevelDifference(row_a, row_b);
  }

 private:
  static std::string Named(const TrialRecord& trial) {
    return trial.name + " seed " + std::to_string(trial.seed);
  }
  bool Fill(const Variation& variant, SeededRow& row, std::string& why) const {
    for (const TrialRecord* trial : variant.measured) {
      const ResampledTrial& made = trials_.at(trial);
      if (!made.why_not.empty()) {
        why = Named(*trial) + ": " + made.why_not;
        std::vector<std::string>& remarks = table_.remarks;
        const std::string remark = Named(*trial) + ": " + made.detail;
        const bool is_said = std::ranges::find(remarks, remark) != remarks.end();
        if (!made.detail.empty() && !is_said) remarks.push_back(remark);
        return false;
      }
      row.trials.push_back(&made.resampled);
    }
    row.seeds = variant.Keys();
    return true;
  }

  const std::vector<Variation>& variants_;
  AblationTable& table_;
  bool seeds_only_ = false;
  std::string too_many_;
  ResampledTrials trials_;
};

std::optional<std::size_t> FirstWhole(const std::vector<TableRow>& rows) {
  const auto found = std::ranges::find_if(rows, IsWhole);
  if (found == rows.end()) return std::nullopt;
  return static_cast<std::size_t>(found - rows.begin());
}

/// Returns the best row of a contest.
std::optional<std::size_t> BestRow(const std::vector<TableRow>& rows,
                                   const Comparisons& comparisons, std::size_t contest) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (comparisons.contest[i] != contest || !IsWhole(rows[i])) continue;
    if (!best || *rows[i].mean > *rows[*best].mean) best = i;
  }
  return best;
}

std::optional<double> SeedsP(const Variation& row, const Variation& other, TableTest test) {
  const bool paired = row.Keys() == other.Keys();
  if (test == TableTest::kSignFlip) {
    if (!paired || row.values.size() < kLeastSignFlips) return std::nullopt;
    return SignFlipTest(row.values, other.values);
  }
  if (row.values.size() < 2 || other.values.size() < 2) return std::nullopt;
  // Paired where the seeds are the same: what a seed does to both rows drops out of the difference,
  // and few seeds say more.
  return paired ? PairedTTest(row.values, other.values) : WelchTTest(row.values, other.values);
}

void CorrectByHolm(std::vector<TableRow>& rows) {
  std::vector<double> p_values;
  for (const TableRow& row : rows) {
    if (row.p_value) p_values.push_back(*row.p_value);
  }
  const std::vector<double> corrected = Holm(p_values);
  std::size_t next = 0;
  for (TableRow& row : rows) {
    if (row.p_value) row.p_corrected = corrected[next++];
  }
}

/// Marks the best row of a contest and those that are not shown to be worse. Two-sided and by
/// Bonferroni: then the row that is truly the best is among them in 95 % of tables, whichever row
/// came out best.
void MarkBest(Comparer& comparer, const Comparisons& comparisons, std::size_t contest,
              AblationTable& table) {
  const std::optional<std::size_t> best = BestRow(table.rows, comparisons, contest);
  if (!best) return;
  std::vector<std::size_t> judged;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (comparisons.contest[i] == contest && IsWhole(table.rows[i])) judged.push_back(i);
  }
  const std::size_t others = judged.size() - 1;
  if (others == 0) return;
  for (const std::size_t i : judged) {
    TableRow& row = table.rows[i];
    row.best = *row.mean == *table.rows[*best].mean;
    row.among_best = row.best;
    if (row.best) continue;
    std::string why;
    const std::optional<RowDifference> difference = comparer.Compare(i, *best, why);
    if (!difference) continue;
    row.p_best = std::min(1.0, difference->p * static_cast<double>(others));
    row.among_best = *row.p_best > kLevel;
  }
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[(values.size() - 1) / 2];
}

/// Returns the decimals that show two significant digits of the median uncertainty; 4 where nothing
/// says how uncertain the numbers are.
int DecimalsFor(const std::vector<double>& uncertainties) {
  constexpr int kUsual = 4, kLeast = 2, kMost = 6;
  if (uncertainties.empty()) return kUsual;
  const double median = Median(uncertainties);
  int exponent = static_cast<int>(std::floor(std::log10(median)));
  // 0.000999 is 0.0010.
  if (std::round(median * std::pow(10, 1 - exponent)) >= 100) ++exponent;
  return std::clamp(1 - exponent, kLeast, kMost);
}

/// Returns the decimals with which each of the numbers shows a digit, two more at most: a column is
/// rounded in one way.
int ShowingAll(int decimals, const std::vector<double>& numbers) {
  constexpr int kMore = 2;
  const int most = decimals + kMore;
  for (const double number : numbers) {
    const double size = std::abs(number);
    const auto reads_as_0 = [size](int with) { return size < 0.5 * std::pow(10, -with); };
    if (size == 0 || reads_as_0(most)) continue;
    while (reads_as_0(decimals)) ++decimals;
  }
  return decimals;
}

/// Says of which videos the differences are: rows of other studies may be of others.
void CountVideosOf(AblationTable& table) {
  const auto has_videos = [](const TableRow& row) { return row.videos > 0; };
  const auto has_difference = [](const TableRow& row) { return row.difference && row.videos > 0; };
  auto row = std::ranges::find_if(table.rows, has_difference);
  if (row == table.rows.end()) row = std::ranges::find_if(table.rows, has_videos);
  if (row == table.rows.end()) return;
  table.videos = row->videos;
  table.video_groups = row->video_groups;
}

void ChooseDecimals(AblationTable& table) {
  std::vector<double> deviations, halves, differences;
  for (const TableRow& row : table.rows) {
    if (row.std && *row.std > 0) deviations.push_back(*row.std);
    if (row.delta) differences.push_back(*row.delta);
    if (!row.difference) continue;
    const ConfidenceInterval& interval = row.difference->interval;
    differences.insert(differences.end(), {interval.low, interval.high});
    if (interval.high > interval.low) halves.push_back((interval.high - interval.low) / 2);
  }
  const int decimals = DecimalsFor(deviations);
  table.decimals = ShowingAll(decimals, deviations);
  table.difference_decimals =
      ShowingAll(halves.empty() ? decimals : DecimalsFor(halves), differences);
}

}  // namespace

Comparisons WithOneRow(std::size_t rows, std::optional<std::size_t> compared) {
  Comparisons comparisons{std::vector(rows, compared), std::vector<std::size_t>(rows, 0)};
  if (compared) comparisons.against[*compared].reset();
  return comparisons;
}

std::optional<std::size_t> ComparedRow(const std::vector<Variation>& variants,
                                       const AblationTable& table, const std::string& baseline) {
  if (baseline.empty()) return FirstWhole(table.rows);
  const auto has_label = [&](const TableRow& row) { return row.label == baseline; };
  const bool is_label = std::ranges::any_of(table.rows, has_label);
  const bool is_condition = !is_label && baseline.find('=') != std::string::npos;
  const Conditions conditions = is_condition ? ParseConditions(baseline) : Conditions();
  std::optional<std::size_t> whole, partial;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const bool is_it =
        is_condition ? AllHold(conditions, variants[i].model) : has_label(table.rows[i]);
    if (!is_it) continue;
    if (!IsWhole(table.rows[i])) {
      partial = i;
      continue;
    }
    whole = i;
    all.push_back(table.rows[i].label);
  }
  if (all.size() > 1) {
    throw UsageError("baseline = '" + baseline + "' is more than one row: " + JoinFirst(all, 6) +
                     "; name one of them");
  }
  if (whole) return whole;
  if (partial) {
    throw UsageError("baseline = '" + baseline + "': its row, " + table.rows[*partial].label +
                     ", has not all its seeds; finish them or take another row");
  }
  throw UsageError("baseline = '" + baseline + "' is none of the table's rows, which are " +
                   Join(table.rows, ", ", &TableRow::label));
}

void CompareRows(const std::vector<Variation>& variants, const Comparisons& comparisons,
                 const Metric& metric, const TableResampling* resampling, AblationTable& table) {
  Comparer comparer(variants, metric, resampling, table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    TableRow& row = table.rows[i];
    row.contest = comparisons.contest[i];
    const std::optional<std::size_t> against = comparisons.against[i];
    if (!against || !IsWhole(row) || !IsWhole(table.rows[*against])) continue;
    row.against = against;
    row.paired = variants[i].Keys() == variants[*against].Keys();
    row.delta = *row.mean - *table.rows[*against].mean;
    row.difference = comparer.Compare(i, *against, row.no_interval);
    if (table.test != TableTest::kTwoLevel) {
      row.p_value = SeedsP(variants[i], variants[*against], table.test);
    } else if (row.difference && row.difference->levels == Levels::kSeedsAndVideos) {
      row.p_value = row.difference->p;
    }
  }
  CorrectByHolm(table.rows);
  const std::set<std::size_t> contests(comparisons.contest.begin(), comparisons.contest.end());
  for (const std::size_t contest : contests) MarkBest(comparer, comparisons, contest, table);
  CountVideosOf(table);
  ChooseDecimals(table);
}

}  // namespace beamgrid
