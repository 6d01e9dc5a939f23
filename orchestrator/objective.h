#pragma once
// The number that a study maximises.

#include <string>

#include "registry/metrics.h"

namespace beamgrid {

/// `objective` is one of the recipe's words: gap, map, hit_at_1, perr, segment_map.
[[nodiscard]] inline double ObjectiveOf(const Metrics& metrics, const std::string& objective) {
  if (objective == "map") return metrics.map;
  if (objective == "segment_map") return metrics.segment_map;
  if (objective == "hit_at_1") return metrics.hit_at_1;
  if (objective == "perr") return metrics.perr;
  return metrics.gap;
}

}  // namespace beamgrid
