#pragma once
// Bounds of a GAP from counts alone: nothing is sorted, and counts of parts add up in any order.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "registry/scoring/metrics.h"
#include "search/ensemble/gap.h"

namespace beamgrid {

/// The number of bins that the range of the scores is cut into.
inline constexpr std::size_t kBins = std::size_t{1} << 15;

/// BinCounts says how many misses and how many hits of a ranking lie in each bin: [2 * bin + hit].
using BinCounts = std::vector<std::uint32_t>;

/// BinLists keeps the labels of many growths, as bin << 1 | hit, until they are counted: piece of
/// work by piece of work, so that a growth's counts come into the processor's cache once for many
/// videos. Two threads may write to it at the same time if their places differ.
class BinLists {
 public:
  /// Makes room; what is there must have been counted. `places`: pieces of work that are not
  /// counted yet; `room`: labels of a growth in one of them.
  void Reserve(std::size_t growths, std::size_t places, std::size_t room);

  void Add(std::size_t growth, std::size_t place, std::span<const std::uint16_t> bins) {
    const std::size_t at = place * growths_ + growth;
    std::copy(bins.begin(), bins.end(), bins_.data() + at * room_ + filled_[at]);
    filled_[at] += static_cast<std::uint32_t>(bins.size());
  }
  /// Adds a whole top: a copy of known length is no call.
  void AddTop(std::size_t growth, std::size_t place, const std::uint16_t* bins) {
    const std::size_t at = place * growths_ + growth;
    std::memcpy(bins_.data() + at * room_ + filled_[at], bins, kGapTop * sizeof *bins);
    filled_[at] += kGapTop;
  }
  void AddUnsure(std::size_t growth, std::size_t place, std::int64_t hits) {
    unsure_[place * growths_ + growth] += hits;
  }

  /// Returns a growth's labels of a place, until they are counted.
  [[nodiscard]] std::span<const std::uint16_t> Of(std::size_t growth, std::size_t place) const {
    const std::size_t at = place * growths_ + growth;
    return std::span(bins_).subspan(at * room_, filled_[at]);
  }

  /// Counts a growth's labels, forgets them, and returns its unsure hits (BoundsOf).
  [[nodiscard]] std::int64_t CountInto(std::size_t growth, BinCounts& counts);

 private:
  std::size_t growths_ = 0, places_ = 0, room_ = 0;
  std::vector<std::uint16_t> bins_;    ///< [places, growths, room]
  std::vector<std::uint32_t> filled_;  ///< [places, growths]
  std::vector<std::int64_t> unsure_;   ///< [places, growths]
};

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
