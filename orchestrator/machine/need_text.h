#pragma once
// A forecast's arithmetic as people read it in `explain`. One line each, no full stop.

#include <cstddef>
#include <cstdint>
#include <string>

#include "orchestrator/machine/need_estimate.h"

namespace beamgrid {

/// `outside`: of the process, where a peak does not count it (GPU), else 0.
[[nodiscard]] std::string MeasuredMemoryText(std::int64_t bytes, std::int64_t outside,
                                             std::int64_t peak, std::size_t trials, double margin);

/// `ratio`: measured/estimated of others; `source`: of which; empty: of none.
[[nodiscard]] std::string EstimatedMemoryText(std::int64_t bytes, const NeedEstimate& estimate,
                                              const std::string& copies, double ratio,
                                              const std::string& source, double margin);

/// `source`: where the seconds per example are from.
[[nodiscard]] std::string TimeText(double seconds, double seconds_per_example, double examples,
                                   const std::string& source);

}  // namespace beamgrid
