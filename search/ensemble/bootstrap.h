#pragma once
// How sure a difference in GAP between two rankings of the same videos is.

#include <cstdint>
#include <vector>

#include "registry/scoring/predictions.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// Interval is the range that holds a gain with 95 % confidence.
struct Interval {
  double low = 0, high = 0;
};

/// Returns the 95 % percentile interval of GAP(a) - GAP(b) under resampling of whole groups of
/// videos with replacement, the same ones for both (Efron and Tibshirani 1993, chapter 13; of
/// groups: Davison and Hinkley 1997, section 3.8). a[i] and b[i] are lists of the same video, of
/// the group grouping.of_video[i]. A video whose group is drawn k times counts as k videos with
/// equal scores. The generator is seeded with a constant: the same input gives the same interval.
[[nodiscard]] Interval BootstrapGapGain(const std::vector<VideoPrediction>& a,
                                        const std::vector<VideoPrediction>& b,
                                        const Grouping& grouping, std::int64_t resamples);

}  // namespace beamgrid
