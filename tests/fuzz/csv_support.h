#pragma once
// What the targets of the CSV readers share.

#include <cmath>

#include "registry/scoring/predictions.h"
#include "registry/util/error.h"
#include "tests/fuzz/fuzz.h"

namespace beamgrid::fuzz {

/// Scores predictions against the labels that they themselves rank.
inline void ScoreThemselves(const Predictions& predictions) {
  Truth truth;
  for (const VideoPrediction& video : predictions.videos) {
    std::vector<std::int32_t>& labels = truth[video.id];
    if (!video.top.empty()) labels.push_back(video.top.front().label);
  }
  const Metrics metrics = Score(predictions, truth);
  Require(metrics.videos == std::ssize(predictions.videos), "every video is scored");
  Require(std::isnan(metrics.gap) || (metrics.gap >= 0 && metrics.gap <= 1 + 1e-9),
          "GAP is a share where something is measured");
}

}  // namespace beamgrid::fuzz
