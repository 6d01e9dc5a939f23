#include "search/ensemble/brackets.h"

#include <algorithm>

namespace beamgrid {
namespace {

/// What the arithmetic of sums over millions of precisions may lose.
constexpr double kBracketRounding = 1e-9;

/// RunSum adds up precisions of a ranking that is given as runs of misses and of hits.
class RunSum {
 public:
  explicit RunSum(const HarmonicNumbers& harmonic) : harmonic_(harmonic) {}

  void AddMisses(std::uint32_t count) { misses_ += count; }
  /// Adds hits h+1 .. h+n with m misses before them: sum of j / (j + m), which is n - m (H[h+n+m] -
  /// H[h+m]).
  void AddHits(std::uint32_t count) {
    if (count == 0) return;
    const std::size_t rank = hits_ + misses_;
    hits_ += count;
    const double reciprocals = harmonic_[rank + count] - harmonic_[rank];
    sum_ += static_cast<double>(count) - static_cast<double>(misses_) * reciprocals;
  }
  [[nodiscard]] double sum() const { return sum_; }
  [[nodiscard]] std::size_t length() const { return hits_ + misses_; }

 private:
  const HarmonicNumbers& harmonic_;
  std::size_t misses_ = 0;
  std::size_t hits_ = 0;
  double sum_ = 0;
};

}  // namespace

void BinLists::Reserve(std::size_t growths, std::size_t places, std::size_t room) {
  growths_ = growths;
  places_ = places;
  // Written to in turns, an odd number of cache lines apart: a multiple of a large power of two
  // would put all of them into the same few places of the processor's caches.
  constexpr std::size_t kLine = 64 / sizeof(std::uint16_t);
  room_ = ((room + kLine - 1) / kLine | 1) * kLine;
  bins_.resize(std::max(bins_.size(), growths * places * room_));
  filled_.assign(growths * places, 0);
  unsure_.assign(growths * places, 0);
}

std::int64_t BinLists::CountInto(std::size_t growth, BinCounts& counts) {
  std::int64_t unsure = 0;
  for (std::size_t at = growth; at < places_ * growths_; at += growths_) {
    const std::uint16_t* const bins = bins_.data() + at * room_;
    for (std::uint32_t i = 0; i < filled_[at]; ++i) ++counts[bins[i]];
    unsure += unsure_[at];
    filled_[at] = 0;
    unsure_[at] = 0;
  }
  return unsure;
}

GapBounds BoundsOf(const BinCounts& counts, std::int64_t positives, std::int64_t unsure_hits,
                   const HarmonicNumbers& harmonic) {
  const std::size_t bins = counts.size() / 2;
  const auto misses = [&](std::size_t bin) { return counts[2 * bin]; };
  const auto hits = [&](std::size_t bin) { return counts[2 * bin + 1]; };
  RunSum most(harmonic), least(harmonic);
  most.AddHits(hits(bins - 1));
  least.AddMisses(misses(bins - 1));
  for (std::size_t bin = bins; bin-- > 0;) {
    if (bin > 0) {
      most.AddHits(hits(bin - 1));
      least.AddMisses(misses(bin - 1));
    }
    most.AddMisses(misses(bin));
    least.AddHits(hits(bin));
  }
  const double unsure = static_cast<double>(unsure_hits) * (1 + harmonic[most.length()]);
  const auto share = [&](double sum) { return sum / static_cast<double>(positives); };
  return {std::max(0.0, share(least.sum() - unsure) - kBracketRounding),
          std::min(1.0, share(most.sum() + unsure) + kBracketRounding)};
}

}  // namespace beamgrid
