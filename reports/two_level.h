#pragma once
// How sure a difference between two rows of a table is: the two-level paired bootstrap over videos
// and seeds. Pure: the same values give the same interval on every machine.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/resampling.h"
#include "search/effects/effects.h"

namespace beamgrid {

/// SeededRow is a row's trials: seed i measured trials[i], all over the same resamples of the same
/// videos.
struct SeededRow {
  std::vector<std::int64_t> seeds;
  std::vector<const Resampled*> trials;
};

/// Levels says what an interval takes for chance.
enum class Levels {
  kSeedsAndVideos,  ///< other seeds and other videos of the same kind
  kVideos,          ///< other videos, for these trained models: one row has a single seed
  kSeeds,           ///< other seeds, on these videos
};

/// RowDifference is that of two rows' means, with how sure it is.
struct RowDifference {
  double value = 0;
  Levels levels = Levels::kSeedsAndVideos;
  ConfidenceInterval interval;    ///< 95 %
  std::optional<double> above;    ///< P(A > B); nothing at the level of seeds alone
  double seeds_variance = 0;      ///< of `value`, for another draw of the seeds
  double videos_variance = 0;     ///< for another draw of the videos
  double remainder_variance = 0;  ///< what seeds and videos do together
  double p = 1;                   ///< two-sided t-test with the standard error of all three
};

/// Returns A - B with the percentile interval of a bootstrap over videos (Poisson weights, the same
/// for both rows) and seeds (drawn with replacement, once for both where they have the same seeds).
///
/// Few seeds drawn with replacement spread too little: what they add to a resample is stretched by
/// sqrt(n / (n - 1)) t(n - 1) / z, the quotient of the 97.5 % quantiles of Student's t and the
/// normal distribution (after Hesterberg 2015, section 4.5). What seeds and videos do together
/// would be counted twice; it is estimated (two-way random effects: Owen 2007) and counted once.
/// docs/tables.md has the coverage that was measured. Expects at least one trial each and as many
/// resamples in all.
[[nodiscard]] RowDifference TwoLevelDifference(const SeededRow& a, const SeededRow& b);

/// Returns A - B with the t interval of the seeds, paired where both have the same, Welch's
/// otherwise; nothing with less than 2 values each.
[[nodiscard]] std::optional<RowDifference> SeedsDifference(const std::vector<std::int64_t>& a_seeds,
                                                           const std::vector<double>& a,
                                                           const std::vector<std::int64_t>& b_seeds,
                                                           const std::vector<double>& b);

}  // namespace beamgrid
