#pragma once
// What a table is made of, for the files that make it.

#include <string>
#include <vector>

#include "reports/table.h"
#include "reports/varied.h"

namespace beamgrid {

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

/// Returns what there is to say of differences, intervals, p and bold rows.
[[nodiscard]] std::vector<std::string> ComparisonNotes(const AblationTable& table);

}  // namespace beamgrid
