#pragma once
// Whether predictions that were read can be trusted by those who index, merge and score by them.

#include <cstdint>
#include <string>
#include <vector>

#include "registry/scoring/predictions.h"

namespace beamgrid {

class PredictionsCheck {
 public:
  /// Empty, or what contradicts what: ids out of order, labels that are none of the classes or
  /// twice in a list, scores that are not numbers or not in descending order, lists that are too
  /// long.
  [[nodiscard]] std::string ProblemOf(const Predictions& predictions);

 private:
  [[nodiscard]] std::string ProblemOf(const VideoPrediction& video);
  [[nodiscard]] bool IsNew(std::int32_t label);

  std::int64_t top_k_ = 0, classes_ = 0;
  /// By label: the video that listed it last, from 1.
  std::vector<std::size_t> listed_by_;
  std::size_t video_ = 0;
};

}  // namespace beamgrid
