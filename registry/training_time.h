#pragma once
// How long a training took, of which a result tells the last attempt.

#include <algorithm>

#include "registry/outcome.h"

namespace beamgrid {

/// Returns the seconds that the whole training took, evaluation included. `wall_seconds` is of the
/// last attempt alone: of a training that was stopped and gone on with, or looked at by a search
/// that promoted it, this is what its examples took at the speed that was measured, the least that
/// all attempts took.
[[nodiscard]] inline double TrainingSeconds(const TrialResult& result) {
  if (result.examples <= 0 || !(result.examples_per_second > 0)) return result.wall_seconds;
  return std::max(result.wall_seconds,
                  static_cast<double>(result.examples) / result.examples_per_second);
}

}  // namespace beamgrid
