#pragma once
// Bounds of a GAP from counts alone: nothing is sorted, and counts of parts add up in any order.

#include <cstdint>
#include <span>
#include <vector>

#include "search/ensemble/gap.h"

namespace beamgrid {

/// The number of bins that the range of the scores is cut into.
inline constexpr std::size_t kBins = std::size_t{1} << 15;

/// BinCounts says how many misses and how many hits of a ranking lie in each bin: [2 * bin + hit].
using BinCounts = std::vector<std::uint32_t>;

/// GapBounds is what a GAP is not below and not above.
struct GapBounds {
  double low = 0, high = 1;
};

/// Returns bounds of the GAP of a ranking of which the bins are known, each score only to within
/// half a bin. At most all hits of a bin and of the bin below stand before its misses; at least its
/// misses and those of the bin below stand before its hits: sums of j / (j + misses) over
/// consecutive j, which have a closed form. `unsure_hits` of the ranking may be misses and as many
/// misses hits: each moves the sum of precisions by at most 1 for itself and 1 / rank for each hit
/// behind it. `harmonic` must reach the length of the ranking; `positives` is not 0.
[[nodiscard]] GapBounds BoundsOf(const BinCounts& counts, std::int64_t positives,
                                 std::int64_t unsure_hits, const HarmonicNumbers& harmonic);

}  // namespace beamgrid
