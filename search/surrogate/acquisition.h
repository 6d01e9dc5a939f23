#pragma once
// Which model to ask for next: the one that is expected to gain most over the best so far (expected
// improvement; Jones et al. 1998, "Efficient Global Optimization of Expensive Black-Box
// Functions").

#include <functional>
#include <optional>
#include <vector>

#include "search/pacing.h"
#include "search/surrogate/surrogate.h"

namespace beamgrid {

/// Returns the model of the list with the largest expected gain over `best` of which `is_open` is
/// true; nothing where there is none. The first of equals.
[[nodiscard]] std::optional<Levels> MostGainOfAll(
    const Surrogate& surrogate, const std::vector<Levels>& models, const Pool& pool, double best,
    const std::function<bool(const Levels&)>& is_open);

/// Returns the best of what a walk finds from the best models that were tried and from random ones:
/// each step changes one part, to where the expected gain is highest. For spaces that are too large
/// to look at each model.
[[nodiscard]] std::optional<Levels> MostGainNearby(
    const Surrogate& surrogate, const std::vector<Levels>& tried, Dice& dice, double best,
    const std::function<bool(const Levels&)>& is_open);

}  // namespace beamgrid
