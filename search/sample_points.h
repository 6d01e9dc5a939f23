#pragma once
// Points of a search space drawn at random, the same ones on every machine.

#include <cstdint>
#include <vector>

#include "search/search_space.h"

namespace beamgrid {

/// Returns `count` different points that no exclusion matches, drawn uniformly and in a random
/// order, or all of them in a random order where there are no more. Depends on the space, `count`
/// and `seed` alone. Where exclusions leave one point in thousands of a large space, it may return
/// fewer.
[[nodiscard]] std::vector<std::int64_t> SamplePoints(const SearchSpace& space, std::int64_t count,
                                                     std::uint64_t seed);

}  // namespace beamgrid
