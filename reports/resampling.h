#pragma once
// What a trial's metric would have been on other videos of the same kind: the videos' level of the
// two-level bootstrap (reports/two_level.h).

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "registry/scoring/predictions.h"
#include "registry/video_groups.h"

namespace beamgrid {

/// Resampled is a metric of one trial over its videos as they are and over resamples of them.
struct Resampled {
  double value = 0;
  std::vector<double> resamples;
};

/// Returns true for the metrics that ResampleVideos computes: GAP, Hit@1, PERR, accuracy and top-5.
[[nodiscard]] bool IsResampled(const Metric& metric);

/// Resamples whole videos with independent Poisson(1) weights: a video of weight k counts as k
/// videos with equal scores, and the segments of one video have one weight (Efron and Tibshirani
/// 1993, chapter 13; Poisson weights: Chamandy et al. 2012). With `groups` all videos of a group
/// have one weight. The weight of a video (group) in a resample follows from its id (name) and the
/// number of the resample alone, in integers: it is the same for every trial, order and machine. A
/// resample without any true label has the value 0.
///
/// The cost is about 0.3 microseconds per thousand resamples and listed label; the memory 200 bytes
/// a video beside the predictions. Expects sound predictions and IsResampled(metric). Throws
/// InputError for a video without a group.
[[nodiscard]] Resampled ResampleVideos(const Predictions& predictions, const Metric& metric,
                                       std::size_t resamples, const VideoGroups* groups = nullptr);

/// Returns how often a video, or a group by its name, counts in a resample.
[[nodiscard]] std::uint32_t VideoWeight(std::string_view video, std::size_t resample);

/// Returns a hash of the videos' ids and true labels: two trials are paired where it is the same.
[[nodiscard]] std::uint64_t VideosHash(const Predictions& predictions);

/// Returns how many videos there are, of segments those that they are parts of.
[[nodiscard]] std::size_t CountVideos(const Predictions& predictions);

/// Returns how many groups the videos are of. Throws InputError for a video without a group.
[[nodiscard]] std::size_t CountGroups(const Predictions& predictions, const VideoGroups& groups);

/// Returns a number that follows from the two and looks random (SplitMix64 of Steele et al. 2014).
[[nodiscard]] std::uint64_t Mixed(std::uint64_t key, std::uint64_t counter);

}  // namespace beamgrid
