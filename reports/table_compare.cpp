// Which rows of a table differ: from the row that they are compared with, and from the best.

#include <algorithm>
#include <cmath>
#include <map>

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
  std::size_t videos = 0;
  std::string why_not;
};
using ResampledTrials = std::map<const TrialRecord*, ResampledTrial>;

ResampledTrial ResampleTrial(const TrialRecord& trial, const Metric& metric,
                             const TableResampling& resampling) {
  ResampledTrial made;
  try {
    const Predictions predictions = resampling.read(trial);
    made.videos = CountVideos(predictions);
    made.videos_hash = VideosHash(predictions);
    if (made.videos < kLeastResampledVideos) {
      made.why_not = "its " + CountText(made.videos, "video") + " are fewer than the " +
                     std::to_string(kLeastResampledVideos) + " that a resample needs";
      return made;
    }
    made.resampled = ResampleVideos(predictions, metric, resampling.resamples);
    const double recorded = trial.result->metrics.*metric.value;
    if (!(std::abs(made.resampled.value - recorded) <= kSameMetric)) {
      made.why_not = "its predictions have " + std::string(metric.heading) + " " +
                     FixedText(made.resampled.value, 6) + ", the record says " +
                     FixedText(recorded, 6);
    }
  } catch (const Error& error) {
    made.why_not = FirstLine(error.what());
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
    if (trials.size() > kMostResampledTrials) {
      too_many_ = "the table has " + CountText(trials.size(), "trial") +
                  ", and the predictions of " + std::to_string(kMostResampledTrials) +
                  " are read at most";
      return;
    }
    trials_ = ResampleAll(trials, metric, *resampling);
    table.resamples = resampling->resamples;
  }

  /// Returns rows[a] - rows[b] with its interval, or nothing and why.
  [[nodiscard]] std::optional<RowDifference> Compare(std::size_t a, std::size_t b,
                                                     std::string& why) {
    const Variation &of_a = variants_[a], &of_b = variants_[b];
    if (seeds_only_) return SeedsDifference(of_a.seeds, of_a.values, of_b.seeds, of_b.values);
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
    table_.videos = first.videos;
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
        return false;
      }
      row.trials.push_back(&made.resampled);
    }
    row.seeds = variant.seeds;
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

/// Returns the row that the others are compared with; nothing: none is whole.
std::optional<std::size_t> ComparedRow(const std::vector<Variation>& variants,
                                       const AblationTable& table, const std::string& baseline) {
  if (baseline.empty()) return FirstWhole(table.rows);
  const auto has_label = [&](const TableRow& row) { return row.label == baseline; };
  const bool is_label = std::ranges::any_of(table.rows, has_label);
  const bool is_condition = !is_label && baseline.find('=') != std::string::npos;
  const Conditions conditions = is_condition ? ParseConditions(baseline) : Conditions();
  std::optional<std::size_t> whole, partial;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const bool is_it =
        is_condition ? AllHold(conditions, variants[i].model) : has_label(table.rows[i]);
    if (!is_it) continue;
    if (!IsWhole(table.rows[i])) {
      partial = i;
      continue;
    }
    if (whole) {
      throw UsageError("baseline = '" + baseline +
                       "' is more than one row: " + table.rows[*whole].label + ", " +
                       table.rows[i].label + "; name one of them");
    }
    whole = i;
  }
  if (whole) return whole;
  if (partial) {
    throw UsageError("baseline = '" + baseline + "': its row, " + table.rows[*partial].label +
                     ", has not all its seeds; finish them or take another row");
  }
  throw UsageError("baseline = '" + baseline + "' is none of the table's rows, which are " +
                   Join(table.rows, ", ", &TableRow::label));
}

std::optional<std::size_t> BestRow(const std::vector<TableRow>& rows) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (IsWhole(rows[i]) && (!best || *rows[i].mean > *rows[*best].mean)) best = i;
  }
  return best;
}

std::optional<double> SeedsP(const TableRow& row, const TableRow& other, TableTest test) {
  const bool paired = row.seed_numbers == other.seed_numbers;
  if (test == TableTest::kSignFlip) {
    if (!paired || row.seeds.size() < kLeastSignFlips) return std::nullopt;
    return SignFlipTest(row.seeds, other.seeds);
  }
  if (row.seeds.size() < 2 || other.seeds.size() < 2) return std::nullopt;
  // Paired where the seeds are the same: what a seed does to both rows drops out of the difference,
  // and few seeds say more.
  return paired ? PairedTTest(row.seeds, other.seeds) : WelchTTest(row.seeds, other.seeds);
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

/// Marks the best row and those that are not shown to be worse. Two-sided and by Bonferroni: then
/// the row that is truly the best is among them in 95 % of tables, whichever row came out best.
void MarkBest(Comparer& comparer, AblationTable& table) {
  const std::optional<std::size_t> best = BestRow(table.rows);
  if (!best) return;
  const auto others = std::ranges::count_if(table.rows, IsWhole) - 1;
  if (others == 0) return;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    TableRow& row = table.rows[i];
    if (!IsWhole(row)) continue;
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

void ChooseDecimals(AblationTable& table) {
  std::vector<double> deviations, halves;
  for (const TableRow& row : table.rows) {
    if (row.std && *row.std > 0) deviations.push_back(*row.std);
    if (!row.difference) continue;
    const ConfidenceInterval& interval = row.difference->interval;
    if (interval.high > interval.low) halves.push_back((interval.high - interval.low) / 2);
  }
  table.decimals = DecimalsFor(deviations);
  table.difference_decimals = halves.empty() ? table.decimals : DecimalsFor(halves);
}

}  // namespace

void CompareRows(const std::vector<Variation>& variants, const TableQuestion& question,
                 const Metric& metric, const TableResampling* resampling, AblationTable& table) {
  table.test = question.test;
  table.compared = ComparedRow(variants, table, question.baseline);
  Comparer comparer(variants, metric, resampling, table);
  for (std::size_t i = 0; table.compared && i < table.rows.size(); ++i) {
    TableRow& row = table.rows[i];
    const TableRow& compared = table.rows[*table.compared];
    if (i == *table.compared || !IsWhole(row)) continue;
    row.delta = *row.mean - *compared.mean;
    row.difference = comparer.Compare(i, *table.compared, row.no_interval);
    if (question.test != TableTest::kTwoLevel) {
      row.p_value = SeedsP(row, compared, question.test);
    } else if (row.difference) {
      row.p_value = row.difference->p;
    }
  }
  CorrectByHolm(table.rows);
  MarkBest(comparer, table);
  if (table.compared) {
    table.rows[*table.compared].chosen = table.rows[*table.compared].best;
  }
  ChooseDecimals(table);
}

}  // namespace beamgrid
